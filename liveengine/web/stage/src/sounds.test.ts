// The sounds of the kit as they are computed: they begin at once, end in silence, and follow the velocity.
import { describe, expect, test } from "vitest";
import { PAGE_KITS, kitOfStyle, namesOf, soundOf } from "./page-kits";
import { ACOUSTIC, VOICES, brightnessHz, loudnessOf, takesOf } from "./sounds";
import { benchFor } from "./synthesis";

const RATES_HZ = [44100, 48000];
const AUDIBLE = 0.05;
const benches = new Map(RATES_HZ.map((rateHz) => [rateHz, benchFor(rateHz)]));

const EACH = PAGE_KITS.flatMap((kit) => namesOf(kit).map((name) => [kit, name] as const));

describe.each(RATES_HZ)("at %i Hz", (rateHz) => {
  test.each(EACH)("the %s kit's %s begins within a millisecond and ends in silence", (kit, name) => {
    for (const samples of takesOf(soundOf(kit, name), rateHz, benches.get(rateHz))) {
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect(peak).toBeCloseTo(1, 6);
      expect(samples[0]).toBeCloseTo(0, 9); // no click
      const onset = samples.findIndex((sample) => Math.abs(sample) > AUDIBLE);
      expect(onset / rateHz).toBeLessThan(name === "hat_splash" || kit === "brushes" ? 0.003 : 0.001);
      expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(1e-4);
      expect(samples.every(Number.isFinite)).toBe(true);
    }
  });
});

test("the kit sounds the same each time the page is loaded, and strokes in a row differ", () => {
  const [one, other] = takesOf(ACOUSTIC.snare, 48000, benches.get(48000));
  const [again] = takesOf(ACOUSTIC.snare, 48000, benchFor(48000));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test("harder strokes are louder and brighter", () => {
  for (const voice of VOICES) {
    for (let velocity = 2; velocity <= 127; velocity++) {
      expect(loudnessOf(velocity)).toBeGreaterThan(loudnessOf(velocity - 1));
      expect(brightnessHz(ACOUSTIC[voice], velocity)).toBeGreaterThan(
        brightnessHz(ACOUSTIC[voice], velocity - 1),
      );
    }
  }
  expect(loudnessOf(127)).toBe(1);
});

/** How long it takes until 99 % of a sound's energy has been heard, s. */
function lastsS(samples: Float32Array, rateHz: number): number {
  const whole = samples.reduce((sum, sample) => sum + sample ** 2, 0);
  let heard = 0;
  return samples.findIndex((sample) => (heard += sample ** 2) >= 0.99 * whole) / rateHz;
}

test.each(PAGE_KITS)("on the %s kit a hat rings the longer the more open it is", (kit) => {
  const lengths = (["closed_hat", "ajar_hat", "half_open_hat", "open_hat"] as const).map((name) =>
    lastsS(takesOf(soundOf(kit, name), 48000, benches.get(48000))[0]!, 48000),
  );
  for (const [place, length] of lengths.slice(1).entries())
    expect(length).toBeGreaterThan(1.3 * lengths[place]!);
});

test("what has no sound of its own is struck on the nearest, first of the same kit", () => {
  expect(soundOf("808", "closed_hat_edge")).toBe(soundOf("808", "closed_hat"));
  expect(soundOf("acoustic", "closed_hat_edge")).not.toBe(soundOf("acoustic", "closed_hat"));
  expect(soundOf("909", "crash")).toBe(ACOUSTIC.crash);
  expect(soundOf("909", "half_open_hat_edge")).toBe(soundOf("909", "half_open_hat"));
  expect(soundOf("acoustic", "low_tom_rim")).toBe(ACOUSTIC.low_tom);
  expect(new Set(VOICES.map((voice) => soundOf("808", voice))).size).toBe(VOICES.length);
});

test("a style is played on its family's kit, but for a few", () => {
  expect(kitOfStyle("techno", "electronic")).toBe("909");
  expect(kitOfStyle("electro", "electronic")).toBe("808");
  expect(kitOfStyle("trap", "hip_hop")).toBe("808");
  expect(kitOfStyle("boombap", "hip_hop")).toBe("acoustic");
  expect(kitOfStyle("jazz", "jazz")).toBe("brushes");
  expect(kitOfStyle("rock", "rock_soul")).toBe("acoustic");
  expect(kitOfStyle("my own", "own")).toBe("acoustic");
});
