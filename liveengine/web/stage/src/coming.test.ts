// In how many beats a change is heard.
import { expect, test } from "vitest";
import { barOfChange, beatsUntilBar, beatsUntilStyle, fillsNextBar } from "./coming";
import type { BarView } from "./messages";
import { barOf, TIME_MAP } from "./samples";

const BEAT_US = 500_000; // at 120 bpm
/** Beats until jazz at a beat of the music, by what the plan has from its bar on. */
function until(beat: number, mode: string, ...styles: string[]): number {
  const current = Math.floor(beat / 4);
  const bars = styles.map((style, nth) => bar(current + nth, style));
  return beatsUntilStyle(TIME_MAP, beat * BEAT_US, { current, bars }, "jazz", mode);
}

test.each([
  [0, "bar", 1],
  [3, "phrase_4", 4],
  [4, "phrase_4", 8],
  [4, "phrase", 8],
  [8, "phrase", 16],
  [8, "beat", null],
  [8, "instant", null],
])("in bar %i a change by %s is heard from bar %s on", (current, mode, wanted) => {
  expect(barOfChange(current, mode)).toBe(wanted);
});

const bar = (index: number, style: string): BarView => barOf(index, [], { style });

test("beats to a bar line, and none once it is past", () => {
  expect(beatsUntilBar(TIME_MAP, 1.5 * BEAT_US, 1)).toBeCloseTo(2.5);
  expect(beatsUntilBar(TIME_MAP, 9 * BEAT_US, 1)).toBe(0);
});

test("within a bar it is the next beat", () => {
  expect(until(1.5, "beat", "funk", "funk")).toBe(1);
  expect(until(1.5, "instant", "funk", "jazz")).toBe(1);
});

test("by bars and phrases it counts the beats to their line", () => {
  expect(until(0.5, "bar", "funk", "funk")).toBe(4);
  expect(until(1.5, "bar", "funk", "jazz")).toBe(3);
  expect(until(2.5, "phrase_4", "funk", "funk", "funk")).toBe(14);
  expect(until(2.5, "phrase", "funk", "funk", "funk")).toBe(30);
});

test("where the plan has the style already, the plan is right", () => {
  expect(until(0.5, "phrase", "funk", "jazz")).toBe(4);
  expect(until(0.5, "phrase", "jazz", "jazz")).toBe(1);
});

test.each([
  [0.1, 16, false],
  [1.9, 16, false],
  [2.1, 16, true],
  [3.9, 16, true],
  [1.4, 12, false],
  [1.6, 12, true],
  [0.1, 7, false], // 7/16: six sixteenths are room enough
  [0.6, 7, true],
])("a fill asked for %f beats into a bar of %i sixteenths is for the next: %s", (beatsIn, steps, next) => {
  expect(fillsNextBar(beatsIn, 0.05, steps)).toBe(next);
});
