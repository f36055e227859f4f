// Small parts that the panels are made of: buttons that act, toggles, sliders.
import type { ComponentChildren } from "preact";
import { act, numberOf, rangeOf, turn, valueOf } from "../state";

/** A panel with a heading. */
export function Panel(props: { title: string; name: string; children: ComponentChildren }) {
  return (
    <section class={`panel ${props.name}`} aria-labelledby={`${props.name}-title`}>
      <h2 id={`${props.name}-title`}>{props.title}</h2>
      {props.children}
    </section>
  );
}

/** A button that does something once. */
export function Action(props: {
  name: string;
  children: ComponentChildren;
  title?: string;
  label?: string;
  class?: string;
}) {
  return (
    <button
      type="button"
      class={props.class ?? ""}
      title={props.title ?? ""}
      data-action={props.name}
      aria-label={props.label}
      onClick={() => void act(props.name)}
    >
      {props.children}
    </button>
  );
}

/** A button that stays down. */
export function Toggle(props: {
  control: string;
  label: string;
  children: ComponentChildren;
  class?: string;
}) {
  const on = valueOf(props.control) === true;
  return (
    <button
      type="button"
      class={props.class ?? ""}
      data-control={props.control}
      aria-pressed={on}
      aria-label={props.label}
      title={props.label}
      onClick={() => turn(props.control, !on)}
    >
      {props.children}
    </button>
  );
}

/** How a slider's control is written. */
export interface Shown {
  readonly step: number;
  text(value: number): string;
}

export const SHARE: Shown = { step: 0.01, text: (value) => value.toFixed(2) };
export const PERCENT: Shown = { step: 0.1, text: (value) => `${value.toFixed(1)} %` };
export const BARS: Shown = {
  step: 1,
  text: (value) => (value < 0.5 ? "none" : value < 1.5 ? "each bar" : `${value.toFixed(0)} bars`),
};
export const MILLISECONDS: Shown = {
  step: 1,
  text: (value) => `${value > 0 ? "+" : ""}${value.toFixed(0)} ms`,
};

/** A slider, with a way back: home is a value, or null for what the style says. */
export function Slider(props: {
  control: string;
  label: string;
  shown: Shown;
  low?: number;
  high?: number;
  home?: number | null;
  /** Without a visible label; its value is the way home. */
  bare?: boolean;
}) {
  const { value, auto } = numberOf(props.control);
  const range = rangeOf(props.control);
  const [low, high] = [props.low ?? range.low, props.high ?? range.high];
  const text = auto ? `style's own, ${props.shown.text(value)}` : props.shown.text(value);
  const name = `control-${props.control}`;
  const isHome = props.home === null ? auto : value === props.home;
  const back = props.home === null ? "as the style says" : `back to ${props.shown.text(props.home ?? 0)}`;
  const home = (shown: string) => (
    <button
      type="button"
      class="home"
      aria-disabled={isHome}
      aria-label={`${props.label}: ${back}`}
      title={back}
      onClick={() => {
        if (!isHome) turn(props.control, props.home ?? null);
      }}
    >
      {shown}
    </button>
  );
  return (
    <div class={`slider ${auto ? "auto" : ""} ${props.bare === true ? "bare" : ""}`}>
      <label for={name} class={props.bare === true ? "unseen" : ""}>
        {props.label}
      </label>
      <input
        id={name}
        type="range"
        min={low}
        max={high}
        step={props.shown.step}
        value={Math.min(high, Math.max(low, value))}
        data-control={props.control}
        aria-valuetext={text}
        onInput={(event) => {
          turn(props.control, event.currentTarget.valueAsNumber);
          if (numberOf(props.control).value !== value) return; // it is rendered anew
          event.currentTarget.value = String(value); // it was pointed out for a knob, not turned
        }}
      />
      {props.bare !== true && <span class="value">{props.shown.text(value)}</span>}
      {props.home !== undefined && home(props.bare === true ? props.shown.text(value) : "↺")}
    </div>
  );
}
