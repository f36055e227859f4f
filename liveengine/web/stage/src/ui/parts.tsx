// Small parts that the panels are made of: buttons that say what they do, toggles, sliders.
import type { ComponentChildren } from "preact";
import { carryFile } from "../dragging";
import { say, sayName, type Key } from "../language";
import { act, numberOf, rangeOf, turn, valueOf, welcome } from "../state";
import { barsOf } from "../words";

/** A panel with a heading. */
export function Panel(props: { title: string; name: string; children: ComponentChildren }) {
  return (
    <section class={`panel ${props.name}`} aria-labelledby={`${props.name}-title`}>
      <h2 id={`${props.name}-title`}>{props.title}</h2>
      {props.children}
    </section>
  );
}

interface ButtonProps {
  children: ComponentChildren;
  /** What it does, for whoever points at it. */
  tip: string;
  /** Its name where its text is not enough. */
  label?: string | undefined;
  class?: string;
  pressed?: boolean;
  disabled?: boolean;
  hue?: number | undefined;
  submits?: boolean;
  onClick?: () => void;
  /** Instead of a click, for what has to be in time: as soon as it is touched. */
  onTouch?: () => void;
  "data-action"?: string;
  "data-control"?: string;
  "data-family"?: string;
  "data-scene"?: string;
  "data-style"?: string;
}

/** A button; no other has a tip of its own to forget. */
export function Button(props: ButtonProps) {
  const { children, tip, label, pressed, hue, submits, onClick, onTouch, ...rest } = props;
  return (
    <button
      type={submits === true ? "submit" : "button"}
      title={tip}
      aria-label={label}
      aria-pressed={pressed}
      style={hue === undefined ? undefined : { "--hue": hue }}
      onPointerDown={(event) => {
        if (event.button === 0) onTouch?.();
      }}
      onClick={(event) => {
        onClick?.();
        if (event.detail === 0) onTouch?.(); // a key's, or a screen reader's
      }}
      {...rest}
    >
      {children}
    </button>
  );
}

/** A link to a file: a click fetches it, and it can be dragged into a DAW. */
export function FileLink(props: { name: string; address: string; children: ComponentChildren }) {
  return (
    <a
      href={props.address}
      download={props.name}
      title={say("captures.fetch", { name: props.name })}
      draggable
      onDragStart={carryFile}
    >
      {props.children}
    </a>
  );
}

/** A button that does something once. */
export function Action(props: {
  name: string;
  children: ComponentChildren;
  tip: string;
  label?: string;
  class?: string;
}) {
  return (
    <Button
      class={props.class ?? ""}
      tip={props.tip}
      label={props.label}
      data-action={props.name}
      onClick={() => void act(props.name)}
    >
      {props.children}
    </Button>
  );
}

/** A button that stays down. */
export function Toggle(props: {
  control: string;
  label: string;
  /** What it does, where its name does not say enough. */
  tip?: string;
  children: ComponentChildren;
  class?: string;
}) {
  const on = valueOf(props.control) === true;
  return (
    <Button
      class={props.class ?? ""}
      data-control={props.control}
      pressed={on}
      label={props.label}
      tip={props.tip ?? props.label}
      onClick={() => turn(props.control, !on)}
    >
      {props.children}
    </Button>
  );
}

/** One of the words that a control takes; each says what it does when it is pointed at. */
export function Choice(props: { control: string; label: string; tip: (word: string) => string }) {
  const { control } = props;
  const words = welcome.value?.controls.find((each) => each.name === control)?.choices ?? [];
  return (
    <div class="choice modes" role="group" aria-label={props.label}>
      {words.map((word) => (
        <Button
          key={word}
          tip={props.tip(word)}
          pressed={valueOf(control) === word}
          onClick={() => turn(control, word)}
        >
          {sayName(control, word)}
        </Button>
      ))}
    </div>
  );
}

/** How a slider's control is written. */
export interface Shown {
  readonly step: number;
  text(value: number): string;
}

export const SHARE: Shown = { step: 0.01, text: (value) => value.toFixed(2) };
export const PERCENT: Shown = { step: 0.1, text: (value) => `${value.toFixed(1)} %` };
const barsOr = (none: Key): Shown => ({
  step: 1,
  text: (value) => (value < 0.5 ? say(none) : barsOf(Math.round(value))),
});
export const BARS = barsOr("feel.never");
export const COUNTED = barsOr("feel.none");
export const MILLISECONDS: Shown = {
  step: 1,
  text: (value) => `${value > 0 ? "+" : ""}${value.toFixed(0)} ms`,
};

/** A slider, with a way back: home is a value, or null for what the style says. */
export function Slider(props: {
  control: string;
  label: string;
  /** Its name for a screen reader, where the label is too short without what is beside it. */
  spoken?: string;
  /** What it does, for whoever points at it, where its name does not say enough. */
  tip?: string;
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
  const text = auto ? say("feel.own", { value: props.shown.text(value) }) : props.shown.text(value);
  const name = `control-${props.control}`;
  const isHome = props.home === null ? auto : value === props.home;
  const back =
    props.home === null ? say("feel.to_own") : say("feel.back", { value: props.shown.text(props.home ?? 0) });
  const home = (shown: string) => (
    <button
      type="button"
      class="home"
      aria-disabled={isHome}
      aria-label={`${props.spoken ?? props.label}: ${back}`}
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
        aria-label={props.spoken}
        title={props.tip ?? props.spoken ?? props.label}
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
