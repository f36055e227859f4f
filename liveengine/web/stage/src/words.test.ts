// Words that the page says in more than one place.
import { expect, test } from "vitest";
import { TIME_MAP } from "./samples";
import { untilBar } from "./words";

const BEAT_US = 500_000; // at 120 bpm

test.each([
  [0, 3, "in 3 bars"],
  [0.1, 3, "in 3 bars"],
  [7.9, 3, "in 2 bars"],
  [8, 3, "in 4 beats"],
  [10.5, 3, "in 2 beats"],
  [11.9, 3, "in 1 beat"],
  [12, 3, null],
  [30, 3, null],
])("at beat %f bar %i comes %s", (beat, bar, said) => {
  expect(untilBar(TIME_MAP, beat * BEAT_US, bar)).toBe(said);
});
