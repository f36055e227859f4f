// What is heard, in words.
import { expect, test } from "vitest";
import { allWords, heardWords, movesWords } from "./players";
import { BASS } from "./samples";

test("who plays, the riff, how far from the beat, how busy and how loud", () => {
  expect(heardWords(BASS)).toBe("hears bass · riff of 2 bars · 12 ms behind · busy 0.5 · loud 0.71");
});

test("with two players each is named with its push, and a phrase that was heard has its place", () => {
  const both = { ...BASS, riff_bars: 0, phrase_known: true, pushes_ms: { bass: 0.3, keys: -4.6 } };
  expect(heardWords(both)).toBe(
    "hears bass, keys · bar 6 of a phrase of 8 bars · bass on the beat, keys 5 ms ahead · busy 0.5 · loud 0.71",
  );
});

test("before the first bar is over it listens, and silence is counted", () => {
  expect(heardWords(null)).toBe("listening; a bar tells more");
  expect(movesWords(null)).toBe("");
  expect(heardWords({ ...BASS, silent_bars: 3 })).toBe("silent for 3 bars");
});

test("what it moves has its amount, as far as it has one", () => {
  expect(movesWords(BASS)).toBe("energy +0.1, accents 0.6");
  const reasons = [
    { moves: "density", amount: -0.25, why: "" },
    { moves: "pocket", amount: 4.6, why: "" },
    { moves: "fill", amount: 1, why: "" },
  ];
  expect(movesWords({ ...BASS, reasons })).toBe("density -0.25, pocket +5 ms, fill");
  expect(movesWords({ ...BASS, reasons: [] })).toBe("");
});

test("whoever points at it reads why, and how alike the bars are", () => {
  const lines = allWords(BASS).split("\n");
  expect(lines).toContain("The last bar was 94 % like what was expected.");
  expect(lines).toContain("accents: riff of 2 bars");
  expect(allWords(null)).not.toContain("\n");
});
