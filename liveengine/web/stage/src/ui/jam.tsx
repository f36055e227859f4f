// How the drummer plays with those whom he hears; and a pad to tap a rhythm for him.
import { say, sayName } from "../language";
import { KEY_VELOCITY, spaceTaps, strike, struck, velocityAt } from "../tapping";
import { Action, BARS, Button, Choice, Panel, SHARE, Slider } from "./parts";

const AMOUNTS = [
  ["accents", 0.6],
  ["level", 0.5],
  ["pocket", 0.4],
  ["fills", 0.5],
] as const;
const LENGTHS = [
  ["trade_bars", 4],
  ["thin_after", 8],
  ["stop_after", 0],
] as const;

export function Jam() {
  return (
    <Panel title={say("jam")} name="jam">
      <Choice control="jam" label={say("jam.mode")} tip={(mode) => sayName("jam.tip", mode)} />
      <div class="tapping">
        <TapPad />
        <Action name="answer" tip={say("jam.answer.tip")}>
          {say("jam.answer")}
        </Action>
        <Button
          class="small"
          tip={say("tap.space.tip")}
          pressed={spaceTaps.value}
          onClick={() => (spaceTaps.value = !spaceTaps.value)}
        >
          {say("tap.space")}
        </Button>
      </div>
      <div class="sliders">
        {AMOUNTS.map(([name, home]) => (
          <Slider
            key={name}
            control={`listen_${name}`}
            label={say(`jam.${name}`)}
            tip={say(`jam.${name}.tip`)}
            shown={SHARE}
            home={home}
          />
        ))}
        {LENGTHS.map(([name, home]) => (
          <Slider
            key={name}
            control={name}
            label={say(`jam.${name}`)}
            tip={say(`jam.${name}.tip`)}
            shown={BARS}
            home={home}
          />
        ))}
      </div>
    </Panel>
  );
}

/** A touch is a note, louder towards the top; a key that presses it is one, too. */
function TapPad() {
  const { count, velocity } = struck.value;
  return (
    <button
      type="button"
      class="tap"
      title={say("tap.tip")}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        const box = event.currentTarget.getBoundingClientRect();
        strike(velocityAt((event.clientY - box.top) / box.height), event.timeStamp);
      }}
      onKeyDown={(event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault(); // it would count as pressed once the key is let go
        event.stopPropagation();
        if (!event.repeat) strike(KEY_VELOCITY, event.timeStamp);
      }}
      onClick={(event) => {
        if (event.detail === 0) strike(KEY_VELOCITY, event.timeStamp); // a screen reader's
      }}
    >
      {say("tap")}
      {count > 0 && <i key={count} style={{ "--struck": velocity / 127 }} aria-hidden="true" />}
    </button>
  );
}
