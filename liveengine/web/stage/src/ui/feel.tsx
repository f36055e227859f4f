// How the drummer plays, in figures; the count-in, the tempo by hand, and from where a change is heard.
import { say, sayName } from "../language";
import { act, teaching, time } from "../state";
import { Action, BARS, Button, COUNTED, Choice, MILLISECONDS, PERCENT, Panel, SHARE, Slider } from "./parts";

export function Feel() {
  return (
    <Panel title={say("feel")} name="feel">
      <div class="sliders">
        <Slider control="variation" label={say("feel.variation")} shown={SHARE} home={0.5} />
        <Slider control="fill_every" label={say("feel.fill_every")} shown={BARS} home={8} />
        <Slider control="swing_percent" label={say("feel.swing_percent")} shown={PERCENT} home={null} />
        <Slider control="humanize" label={say("feel.humanize")} shown={SHARE} home={null} />
        <Slider
          control="latency_ms"
          label={say("feel.latency_ms")}
          shown={MILLISECONDS}
          low={-100}
          high={100}
          home={0}
        />
      </div>
      <Tempo />
      <div class="foot">
        <h3>{say("switch")}</h3>
        <Button
          class="small"
          pressed={teaching.value}
          tip={say("learn.tip")}
          onClick={() => (teaching.value = !teaching.value)}
        >
          {say("learn")}
        </Button>
      </div>
      <Choice
        control="switch"
        label={say("switch")}
        tip={(mode) => say("switch.tip", { when: sayName("switch", mode) })}
      />
      <div class="sliders">
        <Slider
          control="count_in"
          label={say("feel.count_in")}
          tip={say("feel.count_in.tip")}
          shown={COUNTED}
          home={0}
        />
      </div>
      <div class="named">
        <h3>{say("count_with")}</h3>
        <Choice
          control="count_with"
          label={say("count_with")}
          tip={(what) => `${say("count_with")}: ${sayName("count_with", what)}`}
        />
      </div>
      <div class="named">
        <h3>{say("drummer")}</h3>
        <Choice control="drummer" label={say("drummer")} tip={() => say("drummer.tip")} />
      </div>
    </Panel>
  );
}

/** The tempo by hand; where the clock is not ours to move, the engine says so. */
const MOVES = [
  ["tempo_down", "−", "tempo.slower", "1 bpm"],
  ["tempo_up", "+", "tempo.faster", "1 bpm"],
  ["nudge_slower", "−1 %", "tempo.slower", "1 %"],
  ["nudge_faster", "+1 %", "tempo.faster", "1 %"],
] as const;

function Tempo() {
  return (
    <div class="named tempo" role="group" aria-label={say("tempo")}>
      <h3>{time.value === null ? say("tempo") : `${time.value.bpm.toFixed(1)} bpm`}</h3>
      <Button class="small" data-action="tap" tip={say("tempo.tap.tip")} onTouch={() => void act("tap")}>
        {say("tempo.tap")}
      </Button>
      {MOVES.map(([name, sign, does, step]) => (
        <Action key={name} name={name} class="small" label={say(does, { step })} tip={say(does, { step })}>
          {sign}
        </Action>
      ))}
    </div>
  );
}
