// How the drummer plays: energy and density as a pad, and the sliders of feel.
import { useRef } from "preact/hooks";
import { numberOf, turn, valueOf, welcome } from "../state";
import { BARS, MILLISECONDS, PERCENT, Panel, SHARE, Slider } from "./parts";

const SWITCH_WORDS: Record<string, string> = {
  instant: "at once",
  beat: "next beat",
  bar: "next bar",
  phrase_4: "4 bars",
  phrase: "8 bars",
};

export function Shape() {
  const modes = welcome.value?.controls.find((control) => control.name === "switch")?.choices ?? [];
  return (
    <Panel title="Shape" name="shape">
      <Pad />
      <div class="sliders">
        <Slider control="density" label="density" shown={SHARE} home={null} />
        <Slider control="energy" label="energy" shown={SHARE} home={null} />
        <Slider control="variation" label="variation" shown={SHARE} home={0.5} />
        <Slider control="fill_every" label="a fill every" shown={BARS} home={8} />
        <Slider control="swing_percent" label="swing" shown={PERCENT} home={null} />
        <Slider control="humanize" label="humanize" shown={SHARE} home={null} />
        <Slider control="latency_ms" label="latency" shown={MILLISECONDS} low={-100} high={100} home={0} />
      </div>
      <div class="choice modes" role="group" aria-label="From where a change is heard">
        {modes.map((mode) => (
          <button
            key={mode}
            type="button"
            aria-pressed={valueOf("switch") === mode}
            onClick={() => turn("switch", mode)}
          >
            {SWITCH_WORDS[mode] ?? mode}
          </button>
        ))}
      </div>
    </Panel>
  );
}

/** Density across, energy up. The sliders beside it are the same two for keys and screen readers. */
function Pad() {
  const surface = useRef<HTMLDivElement>(null);
  const [density, energy] = [numberOf("density"), numberOf("energy")];
  const move = (event: PointerEvent) => {
    const box = surface.current?.getBoundingClientRect();
    if (box === undefined) return;
    const share = (value: number) => Math.min(1, Math.max(0, value));
    turn("density", Math.round(share((event.clientX - box.left) / box.width) * 1000) / 1000);
    turn("energy", Math.round(share(1 - (event.clientY - box.top) / box.height) * 1000) / 1000);
  };
  return (
    <div
      ref={surface}
      class={`xy ${density.auto && energy.auto ? "auto" : ""}`}
      aria-hidden="true"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        move(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) move(event);
      }}
    >
      <span class="across">density →</span>
      <span class="up">energy →</span>
      <i style={{ left: `${density.value * 100}%`, bottom: `${energy.value * 100}%` }} />
    </div>
  );
}
