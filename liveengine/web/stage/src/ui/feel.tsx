// How the drummer plays, in figures; and from where a change is heard.
import { say, sayName } from "../language";
import { teaching, turn, valueOf, welcome } from "../state";
import { BARS, Button, MILLISECONDS, PERCENT, Panel, SHARE, Slider } from "./parts";

export function Feel() {
  const modes = welcome.value?.controls.find((control) => control.name === "switch")?.choices ?? [];
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
      <div class="choice modes" role="group" aria-label={say("switch")}>
        {modes.map((mode) => (
          <Button
            key={mode}
            tip={say("switch.tip", { when: sayName("switch", mode) })}
            pressed={valueOf("switch") === mode}
            onClick={() => turn("switch", mode)}
          >
            {sayName("switch", mode)}
          </Button>
        ))}
      </div>
    </Panel>
  );
}
