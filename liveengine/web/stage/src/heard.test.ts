// What is heard: which notes are kept, and where they lie under the plan.
import { expect, test } from "vitest";
import { HeardStore, layOutHeard, type HeardMark } from "./heard";
import type { OnsetView, TimeMap } from "./messages";
import { PlanStore } from "./plan";
import { onset, TIME_MAP } from "./samples";
import type { Moment } from "./waterfall";

// 1050 pixels are 10.5 beats: 100 each, the strike line at 150.
const NOW_X = 150;
const PER_BEAT = 100;
const BEAT_US = 500_000; // at 120 bpm

function marksAt(beat: number, onsets: OnsetView[], riffBars = 0, map: Partial<TimeMap> = {}): HeardMark[] {
  const welcome = {} as Moment["welcome"];
  const moment: Moment = {
    plan: new PlanStore(),
    map: { ...TIME_MAP, ...map },
    welcome,
    nowUs: beat * BEAT_US,
    nowMs: 0,
    commitMs: 0,
    width: 1050,
    height: 40,
    titleOf: (style) => style,
  };
  return layOutHeard(moment, onsets, riffBars);
}

const places = (marks: HeardMark[]) => marks.map(({ x, again }) => [x, again]);

test("a note lies where it was struck, early or late, as strong as it was", () => {
  const [behind] = marksAt(5, [onset(1, 2, { offset: -0.25, velocity: 127, instrument: "keys" })]);
  expect(behind?.x).toBeCloseTo(NOW_X - PER_BEAT * (0.5 + 0.25 / 4), 9);
  expect(behind).toMatchObject({ strength: 1, instrument: "keys", again: false });
});

test("a note comes again a bar later, until the music has passed there", () => {
  const struck = onset(1, 0);
  expect(places(marksAt(5, [struck]))).toEqual([
    [NOW_X - PER_BEAT, false],
    [NOW_X + 3 * PER_BEAT, true],
  ]);
  expect(places(marksAt(7.5, [struck]))).toEqual([[NOW_X + 0.5 * PER_BEAT, true]]);
  expect(marksAt(9.75, [struck])).toEqual([]);
});

test.each([
  [0, 4],
  [1, 4],
  [2, 8],
  [4, 4], // it would be beyond the screen
  [8, 4],
])("with a riff of %i bars it comes again %i beats later", (riffBars, beats) => {
  const again = marksAt(5, [onset(1, 4)], riffBars).filter((mark) => mark.again);
  expect(again.map((mark) => mark.x)).toEqual([NOW_X + beats * PER_BEAT]);
});

test("what was struck before a start or a jump lies nowhere, nor does anything while it stands still", () => {
  expect(marksAt(5, [onset(1, 0)], 0, { origin_bar: 2 })).toEqual([]);
  expect(marksAt(5, [onset(1, 0)], 0, { sounding: false })).toEqual([]);
});

test("the store keeps three bars, those just early too, however long the gig", () => {
  const store = new HeardStore();
  for (let bar = 0; bar < 1000; bar++) store.take([onset(bar, 0), onset(bar, 8)]);
  expect(store.onsets.map((each) => each.bar)).toEqual([997, 997, 998, 998, 999, 999]);
  store.take([onset(1000, 0), onset(999, 15)]);
  expect(store.onsets.map((each) => each.bar)).toEqual([997, 997, 998, 998, 999, 999, 1000, 999]);
  store.take([]);
  expect(store.onsets).toHaveLength(8);
  store.clear();
  expect(store.onsets).toEqual([]);
});

test("where bars are counted anew, what came before goes", () => {
  const store = new HeardStore();
  store.take([onset(90, 0), onset(91, 0)]);
  store.take([onset(0, 4)]);
  expect(store.onsets).toEqual([onset(0, 4)]);
});
