// Keys: each means one thing, and counts only where a player means it. The page itself is a stub here.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KEYS, STYLE_KEYS, isForField, keysAreOn, listenToKeys } from "./keys";
import { KEY_VELOCITY, spaceTaps } from "./tapping";

const page = vi.hoisted(() => ({
  teaching: { value: false },
  focus: { blurred: 0 },
  turned: [] as [string, unknown][],
  done: [] as string[],
  captured: [] as number[],
  listened: [] as boolean[],
  tapped: [] as [number, number][],
  values: new Map<string, unknown>(),
  styles: [] as { name: string }[],
}));

vi.mock("./state", () => ({
  act: async (name: string) => page.done.push(name),
  tap: (velocity: number, atMs: number) => page.tapped.push([velocity, atMs]),
  teaching: page.teaching,
  turn: (name: string, value: unknown) => page.turned.push([name, value]),
  valueOf: (name: string) => page.values.get(name) ?? null,
  welcome: {
    get value() {
      return { styles: page.styles };
    },
  },
}));
vi.mock("./captures", () => ({ capture: async (bars: number) => page.captured.push(bars) }));
vi.mock("./listening", () => ({
  listen: async (on: boolean) => page.listened.push(on),
  listens: { value: false },
}));

/** An element of a kind; a field takes text. */
class FakeElement {
  constructor(private readonly kind: string) {}

  matches() {
    return this.kind === "field";
  }

  blur() {
    page.focus.blurred++;
  }
}

type Pressed = Partial<KeyboardEvent> & { key: string };
let press: (pressed: Pressed) => boolean;

beforeEach(() => {
  vi.stubGlobal("Element", FakeElement);
  vi.stubGlobal("HTMLElement", FakeElement);
  page.focus.blurred = 0;
  page.teaching.value = false;
  vi.stubGlobal("document", {
    querySelector: () => null,
    activeElement: new FakeElement("body"),
    addEventListener: (name: string, handle: (event: object) => void) => {
      expect(name).toBe("keydown");
      press = (pressed) => {
        let kept = false;
        handle({ target: null, ...pressed, preventDefault: () => (kept = true) });
        return kept;
      };
    },
  });
  Object.assign(page, { turned: [], done: [], captured: [], listened: [], tapped: [], values: new Map() });
  page.styles = ["funk", "jazz", "rock"].map((name) => ({ name }));
  keysAreOn.value = true;
  spaceTaps.value = false;
  listenToKeys();
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** All that has happened so far. */
function happened(): number {
  const { turned, done, captured, listened, tapped } = page;
  return [turned, done, captured, listened, tapped].reduce((sum, each) => sum + each.length, 0);
}

test("no key means two things", () => {
  const all = [...KEYS.map((key) => key.key), ...STYLE_KEYS];
  expect(new Set(all).size).toBe(all.length);
});

test("keys are kept as the browser names them in lower case, and each says what it does", () => {
  for (const key of KEYS) {
    expect(key.key).toBe(key.key.toLowerCase());
    expect(key.does).not.toBe("");
    expect(key.shown).not.toBe("");
  }
});

test("every key in the help does exactly one thing when it is pressed", () => {
  for (const [place, key] of KEYS.entries()) {
    expect(press({ key: key.key })).toBe(true);
    expect(happened()).toBe(place + 1);
  }
});

test.each([
  ["f", "fill"],
  ["F", "fill"], // caps lock
  ["b", "break"],
  ["l", "lock_1"],
  ["j", "lock_4"],
  ["u", "unlock"],
  ["z", "undo"],
  ["n", "next_scene"],
  ["Escape", "panic"],
])("%s does %s", (key, action) => {
  press({ key });
  expect(page.done).toEqual([action]);
});

test("q, w and e mute kick, snare and hat, or no more", () => {
  for (const key of ["q", "w", "e"]) press({ key });
  expect(page.turned).toEqual([
    ["mute_kick", true],
    ["mute_snare", true],
    ["mute_hat", true],
  ]);
  page.values.set("mute_snare", true);
  press({ key: "w" });
  expect(page.turned.at(-1)).toEqual(["mute_snare", false]);
});

test("c keeps 16 bars, h lets the page be heard", () => {
  press({ key: "c" });
  press({ key: "h" });
  expect(page.captured).toEqual([16]);
  expect(page.listened).toEqual([true]);
});

test("a field keeps its keys, but Escape ends every note and gives the keys back", () => {
  const target = new FakeElement("field") as unknown as EventTarget;
  for (const key of ["f", "1", "q"]) expect(press({ key, target })).toBe(false);
  expect(happened()).toBe(0);
  expect(press({ key: "Escape", target })).toBe(true);
  expect(page.done).toEqual(["panic"]);
  expect(page.focus.blurred).toBe(1);
});

test("Escape is panic and no more, whatever a knob was to learn", () => {
  page.teaching.value = true;
  press({ key: "Escape" });
  expect(page.teaching.value).toBe(false);
  expect(page.done).toEqual(["panic"]);
});

test("digits choose the first ten styles, 0 the tenth; a digit without a style does nothing", () => {
  page.styles = Array.from({ length: 12 }, (_, place) => ({ name: `style ${place + 1}` }));
  for (const key of "1290") press({ key });
  expect(page.turned.map(([, name]) => name)).toEqual(["style 1", "style 2", "style 9", "style 10"]);
  page.styles = page.styles.slice(0, 3);
  expect(press({ key: "4" })).toBe(false);
  expect(page.turned).toHaveLength(4);
});

test("brackets go round the styles in both directions", () => {
  for (const [style, key, wanted] of [
    ["funk", "]", "jazz"],
    ["rock", "]", "funk"],
    ["jazz", "[", "funk"],
    ["funk", "[", "rock"],
  ] as const) {
    page.values.set("style", style);
    press({ key });
    expect(page.turned.at(-1)).toEqual(["style", wanted]);
  }
});

test("before the engine has sent its styles, brackets and digits do nothing", () => {
  page.styles = [];
  for (const key of ["[", "]", "1"]) press({ key });
  expect(happened()).toBe(0);
});

test("keys with Ctrl, Alt or Meta belong to the browser, and a key that repeats is pressed once", () => {
  for (const held of ["ctrlKey", "altKey", "metaKey", "repeat"] as const) {
    expect(press({ key: "f", [held]: true })).toBe(false);
    expect(press({ key: "1", [held]: true })).toBe(false);
  }
  expect(happened()).toBe(0);
});

test("other keys are left alone: Tab, arrows, space and Enter move about the page", () => {
  for (const key of ["Tab", "ArrowLeft", "ArrowUp", " ", "Enter", "Shift", "x", "?"])
    expect(press({ key })).toBe(false);
  expect(happened()).toBe(0);
});

test("switched off, no key is applied (WCAG 2.1.4)", () => {
  keysAreOn.value = false;
  for (const key of KEYS) expect(press({ key: key.key })).toBe(false);
  expect(press({ key: "1" })).toBe(false);
  expect(happened()).toBe(0);
});

test("the space bar taps once it is asked to, presses nothing then, and a held one taps once", () => {
  expect(press({ key: " " })).toBe(false);
  spaceTaps.value = true;
  expect(press({ key: " ", timeStamp: 1234.5 })).toBe(true);
  expect(press({ key: " ", timeStamp: 1300, repeat: true })).toBe(true);
  expect(page.tapped).toEqual([[KEY_VELOCITY, 1234.5]]);
  const target = new FakeElement("field") as unknown as EventTarget;
  expect(press({ key: " ", target })).toBe(false);
  expect(press({ key: " ", ctrlKey: true })).toBe(false);
  keysAreOn.value = false; // it has a switch of its own
  expect(press({ key: " ", timeStamp: 2000 })).toBe(true);
  expect(happened()).toBe(2);
});

test("what is no element takes no text", () => {
  expect(isForField(null)).toBe(false);
  expect(isForField(new EventTarget())).toBe(false);
});
