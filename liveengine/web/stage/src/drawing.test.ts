// Drawing by hand: where a finger is in the plan, and the round of what it draws.
import { expect, test } from "vitest";
import { cellAt, touched, type Cell } from "./drawing";
import type { BarView, HitView, StrokeView, TimeMap, Welcome } from "./messages";
import { PlanStore } from "./plan";
import { TIME_MAP } from "./samples";
import type { Moment } from "./waterfall";

const DRUMS = ["hat", "snare", "kick"];
const VOICES = ["kick", "snare", "snare_rim", "closed_hat"];
const DRUM_OF: Record<string, string> = {
  kick: "kick",
  snare: "snare",
  snare_rim: "snare",
  closed_hat: "hat",
};
const [KICK, SNARE, SNARE_RIM] = [0, 1, 2];
// 10.5 beats on 1050 pixels, the strike line at 150; three lanes of 100 pixels.
const NOW_X = 150;
const PER_BEAT = 100;

const WELCOME: Welcome = {
  type: "welcome",
  version: 1,
  engine: "0",
  drums: DRUMS,
  voices: VOICES.map((name, number) => ({ name, drum: DRUM_OF[name] ?? "", note: 36 + number })),
  styles: [],
  controls: [],
  port: { backend: "", name: "", control: "", system: "linux", cure: "" },
};

function bar(index: number, hits: HitView[] = [], drawing: StrokeView[] = []): BarView {
  return { index, style: "funk", blend: [], fallback: false, stale_from: null, made_ms: 40, hits, drawing };
}

function hit(step: number, voice: number): HitView {
  return {
    serial: step,
    step,
    voice,
    beat: step / 4,
    offset_ms: 0,
    velocity: 90,
    openness: null,
    drawn: false,
  };
}

/** The waterfall on beat 1 of bar 5, which plays; 6 and 7 are planned. */
function momentWith(...bars: BarView[]): Moment {
  const map: TimeMap = { ...TIME_MAP, beat: 21 };
  const plan = new PlanStore();
  plan.take({ type: "plan", current: 5, known: bars.map((each) => each.index), bars }, 0);
  return {
    plan,
    map,
    welcome: WELCOME,
    nowUs: 0,
    nowMs: 0,
    commitMs: 30,
    width: 1050,
    height: 300,
    titleOf: (style) => style,
  };
}

const PLAIN = momentWith(bar(5), bar(6, [hit(4, SNARE_RIM)]), bar(7));
/** Where a step of bar 6 lies. */
const xOf = (step: number) => NOW_X + (3 + step / 4) * PER_BEAT;

test.each([
  [xOf(0), 250, { bar: 6, step: 0, voice: KICK }],
  [xOf(0) - 11, 299, { bar: 6, step: 0, voice: KICK }], // nearer to it than to the sixteenth before
  [xOf(15) + 12, 150, { bar: 6, step: 15, voice: SNARE }],
  [xOf(16), 150, { bar: 7, step: 0, voice: SNARE }],
  [xOf(4), 150, { bar: 6, step: 4, voice: SNARE_RIM }], // the voice that is there
])("at %i, %i is %o", (x, y, cell) => {
  expect(cellAt(PLAIN, x, y)).toEqual(cell);
});

test.each([
  ["in the bar that plays", xOf(-2), 150],
  ["in a bar that is not planned", xOf(33), 150],
  ["below the lanes", xOf(0), 310],
])("there is no cell %s", (_, x, y) => {
  expect(cellAt(PLAIN, x, y)).toBeNull();
});

test("nothing is drawn while nothing sounds", () => {
  const still = { ...PLAIN, map: { ...PLAIN.map, sounding: false } };
  expect(cellAt(still, xOf(0), 150)).toBeNull();
});

test("an empty cell gets a stroke, then an accent, then silence, then what is written", () => {
  const cell: Cell = { bar: 6, step: 4, voice: SNARE };
  const drawing: StrokeView[] = [];
  const done: unknown[] = [];
  for (let touch = 0; touch < 4; touch++) {
    const [name, , step, voice, velocity] = touched(bar(6, [], drawing), cell);
    done.push([name, velocity]);
    drawing.splice(0, 1, {
      step: Number(step),
      voice: Number(voice),
      velocity: Number(velocity),
      keep: false,
    });
  }
  expect(done).toEqual([
    ["draw", 96],
    ["draw", 122],
    ["draw", 0],
    ["erase", undefined],
  ]);
});

test("a stroke that is written gets its accent first", () => {
  expect(touched(bar(6, [hit(4, SNARE)]), { bar: 6, step: 4, voice: SNARE })).toEqual([
    "draw",
    6,
    4,
    SNARE,
    122,
  ]);
});
