// Keys: what each does, and the only place that says so.
import { signal } from "@preact/signals";
import { capture } from "./captures";
import type { Key as Words } from "./language";
import { listen, listens } from "./listening";
import { shownStyles } from "./repertoire";
import { act, teaching, turn, valueOf } from "./state";
import { KEY_VELOCITY, spaceTaps, strike } from "./tapping";

export interface Key {
  readonly key: string;
  readonly shown: string;
  readonly does: Words;
  press(): void;
}

/** Single keys can be in the way of a screen reader's own: they can be switched off (WCAG 2.1.4). */
export const keysAreOn = signal(true);

const muted = (drum: string) => () => turn(`mute_${drum}`, valueOf(`mute_${drum}`) !== true);
const does = (action: string) => () => void act(action);

export const KEYS: readonly Key[] = [
  { key: "f", shown: "F", does: "keys.fill", press: does("fill") },
  { key: "b", shown: "B", does: "keys.break", press: does("break") },
  { key: "l", shown: "L", does: "keys.lock_1", press: does("lock_1") },
  { key: "j", shown: "J", does: "keys.lock_4", press: does("lock_4") },
  { key: "u", shown: "U", does: "keys.unlock", press: does("unlock") },
  { key: "z", shown: "Z", does: "keys.undo", press: does("undo") },
  { key: "c", shown: "C", does: "keys.capture", press: () => void capture(16) },
  { key: "n", shown: "N", does: "keys.next_scene", press: does("next_scene") },
  { key: "h", shown: "H", does: "keys.listen", press: () => void listen(!listens.value) },
  { key: "q", shown: "Q", does: "keys.mute_kick", press: muted("kick") },
  { key: "w", shown: "W", does: "keys.mute_snare", press: muted("snare") },
  { key: "e", shown: "E", does: "keys.mute_hat", press: muted("hat") },
  { key: "[", shown: "[ or ,", does: "keys.before", press: () => nextStyle(-1) },
  { key: "]", shown: "] or .", does: "keys.after", press: () => nextStyle(1) },
  { key: "escape", shown: "Esc", does: "keys.panic", press: panic },
];

/** For keyboards on which brackets take another key beside them. */
const OTHER_KEYS: Record<string, string> = { ",": "[", ".": "]" };
/** Digits choose the first styles. */
export const STYLE_KEYS = "1234567890";

/** Ends every note, whatever else the page was about: no knob is learned, and a field gives the keys back. */
function panic(): void {
  teaching.value = false;
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  void act("panic");
}

function nextStyle(step: number): void {
  const styles = shownStyles();
  const place = styles.findIndex((style) => style.name === valueOf("style"));
  const style = styles[(place + step + styles.length) % styles.length];
  if (style !== undefined) turn("style", style.name);
}

/** Whether a key is meant for what has the focus: a field that takes text. */
export function isForField(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return target.matches("textarea, select, input:not([type=range]):not([type=checkbox])");
}

/** Listens to the whole page. */
export function listenToKeys(): void {
  document.addEventListener("keydown", (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (held || document.querySelector("dialog[open]") !== null) return;
    if (isForField(event.target) && event.key !== "Escape") return;
    if (event.key === " " && spaceTaps.value) {
      if (!event.repeat) strike(KEY_VELOCITY, event.timeStamp);
      event.preventDefault(); // nor does it press what has the focus
      return;
    }
    if (!keysAreOn.value || event.repeat) return;
    const place = STYLE_KEYS.indexOf(event.key);
    const style = place < 0 ? undefined : shownStyles()[place];
    const pressed = OTHER_KEYS[event.key] ?? event.key.toLowerCase();
    const key = KEYS.find((each) => each.key === pressed);
    if (style !== undefined) turn("style", style.name);
    else if (key !== undefined) key.press();
    else return;
    event.preventDefault();
  });
}
