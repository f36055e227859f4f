// Energy and density: one surface for a finger, and the same two as sliders for keys and screen readers.
import { useRef } from "preact/hooks";
import { say } from "../language";
import { numberOf, turn } from "../state";
import { Panel, SHARE, Slider } from "./parts";

const within = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;

export function EnergyPad() {
  return (
    <Panel title={say("pad.title")} name="energy">
      <Surface />
      <Slider control="energy" label={say("energy")} shown={SHARE} home={null} />
      <Slider control="density" label={say("density")} shown={SHARE} home={null} />
    </Panel>
  );
}

/** Density across, energy up. */
function Surface() {
  const surface = useRef<HTMLDivElement>(null);
  const [density, energy] = [numberOf("density"), numberOf("energy")];
  const move = (event: PointerEvent) => {
    const box = surface.current?.getBoundingClientRect();
    if (box === undefined) return;
    turn("density", within((event.clientX - box.left) / box.width));
    turn("energy", within(1 - (event.clientY - box.top) / box.height));
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
      <span class="across">{say("density")} →</span>
      <span class="up">{say("energy")} →</span>
      <i style={{ left: `${density.value * 100}%`, bottom: `${energy.value * 100}%` }} />
    </div>
  );
}
