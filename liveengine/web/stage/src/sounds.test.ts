// The sounds of the kit as they are computed: they begin at once, end in silence, and follow the velocity.
import { describe, expect, test } from "vitest";
import { VOICES, brightnessHz, loudnessOf, takesOf } from "./sounds";
import { benchFor } from "./synthesis";

const RATES_HZ = [44100, 48000];
const AUDIBLE = 0.05;
const benches = new Map(RATES_HZ.map((rateHz) => [rateHz, benchFor(rateHz)]));

describe.each(RATES_HZ)("at %i Hz", (rateHz) => {
  test.each(VOICES)("%s begins within a millisecond and ends in silence", (voice) => {
    for (const samples of takesOf(voice, rateHz, benches.get(rateHz))) {
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect(peak).toBeCloseTo(1, 6);
      expect(samples[0]).toBeCloseTo(0, 9); // no click
      const onset = samples.findIndex((sample) => Math.abs(sample) > AUDIBLE);
      expect(onset / rateHz).toBeLessThan(0.001);
      expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(1e-4);
      expect(samples.every(Number.isFinite)).toBe(true);
    }
  });
});

test("the kit sounds the same each time the page is loaded, and strokes in a row differ", () => {
  const [one, other] = takesOf("snare", 48000, benches.get(48000));
  const [again] = takesOf("snare", 48000, benchFor(48000));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test("harder strokes are louder and brighter", () => {
  for (const voice of VOICES) {
    for (let velocity = 2; velocity <= 127; velocity++) {
      expect(loudnessOf(velocity)).toBeGreaterThan(loudnessOf(velocity - 1));
      expect(brightnessHz(voice, velocity)).toBeGreaterThan(brightnessHz(voice, velocity - 1));
    }
  }
  expect(loudnessOf(127)).toBe(1);
});
