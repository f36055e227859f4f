// What drums are made of: bands of noise and metal, skins, rings and cymbals, as layers that add up to a sound.

/** What the sounds are cut from, computed once for a sample rate. */
export interface Bench {
  readonly sampleRate: number;
  readonly bands: Readonly<Record<BandName, Float32Array>>;
}

/** Adds one part of a sound to it; `take` tells strokes apart that would else be the same. */
export type Layer = (sound: Float32Array, bench: Bench, take: number) => void;

const BAND_LENGTH = 1 << 15; // A power of two, so that a mask wraps a longer sound.
/** Bands of noise and of metal, from and to Hz: few, as filtering is most of the work. */
const BANDS = {
  thump: ["noise", 200, 1400],
  buzz: ["noise", 900, 3000],
  rattle: ["noise", 2500, 7000],
  hiss: ["noise", 6000, 16000],
  air: ["noise", 8000, 19000],
  stick: ["noise", 2500, 16000],
  clang: ["metal", 2800, 6500],
  sizzle: ["metal", 4500, 15000],
  shine: ["metal", 6500, 19000],
} as const;
type BandName = keyof typeof BANDS;
/** Square waves whose pairs ring-modulate each other: denser and less of a bleep than their sum. */
const METAL_HZ = [317.3, 1391.7, 465.1, 1047.3, 569.7, 811.9];

/** Repeatable noise (mulberry32), -1 to 1: the kit sounds the same on every page load. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x80000000 - 1;
  };
}

function noise(): Float32Array {
  const random = randomFrom(1);
  const samples = new Float32Array(BAND_LENGTH);
  for (let index = 0; index < BAND_LENGTH; index++) samples[index] = random();
  return samples;
}

function metal(sampleRate: number): Float32Array {
  const samples = new Float32Array(BAND_LENGTH);
  for (let pair = 0; pair < METAL_HZ.length; pair += 2) {
    // A turn is 2^32, so that an integer's overflow wraps it and its sign is the square wave.
    const turn = Math.round((METAL_HZ[pair]! / sampleRate) * 2 ** 32);
    const otherTurn = Math.round((METAL_HZ[pair + 1]! / sampleRate) * 2 ** 32);
    let phase = 0;
    let otherPhase = 0;
    for (let index = 0; index < BAND_LENGTH; index++) {
      phase = (phase + turn) | 0;
      otherPhase = (otherPhase + otherTurn) | 0;
      const one = phase < 0 ? -1 : 1;
      const other = otherPhase < 0 ? -1 : 1;
      samples[index]! += one * other + 0.4 * (one + other);
    }
  }
  return samples;
}

export function benchFor(sampleRate: number): Bench {
  const sources = { noise: noise(), metal: metal(sampleRate) };
  const cut = ([of, lowHz, highHz]: (typeof BANDS)[BandName]) => {
    const samples = sources[of].slice();
    filter(samples, "high", lowHz, sampleRate);
    filter(samples, "low", highHz, sampleRate);
    let power = 0;
    for (let index = 0; index < BAND_LENGTH; index++) power += samples[index]! ** 2;
    // All of one power, so that a layer is as loud whatever its width and the sample rate.
    const scale = 1 / Math.sqrt(power / BAND_LENGTH);
    for (let index = 0; index < BAND_LENGTH; index++) samples[index]! *= scale;
    return samples;
  };
  const names = Object.keys(BANDS) as BandName[];
  const bands = Object.fromEntries(names.map((name) => [name, cut(BANDS[name])]));
  return { sampleRate, bands: bands as Record<BandName, Float32Array> };
}

/** What an envelope is multiplied by from sample to sample; it is down 20 dB after `decayMs`. */
const decayStep = (decayMs: number, sampleRate: number) => 10 ** (-1000 / (decayMs * sampleRate));

/** A skin's mode: `bends` are [ratio, ms] by which it starts higher, as a struck skin is tighter. */
export function tone(
  hz: number,
  decayMs: number,
  level: number,
  ...bends: readonly [number, number][]
): Layer {
  return (sound, { sampleRate }) => {
    const rises = bends.map(([ratio]) => ratio);
    const falls = bends.map(([, bendMs]) => Math.exp(-1000 / (bendMs * sampleRate)));
    const step = decayStep(decayMs, sampleRate);
    const turn = (2 * Math.PI * hz) / sampleRate;
    let phase = 0;
    let loudness = level;
    for (let index = 0; index < sound.length; index++) {
      sound[index]! += loudness * Math.sin(phase);
      loudness *= step;
      let pitch = 1;
      for (let bend = 0; bend < falls.length; bend++) pitch += rises[bend]! *= falls[bend]!;
      phase += turn * pitch;
    }
  };
}

/** Adds two filters that ring by themselves: a fraction of a sine's cost, the more so in pairs. */
function ringPair(sound: Float32Array, end: number, one: Ringing, other: Ringing): void {
  let { last, beforeLast } = one;
  let { last: otherLast, beforeLast: otherBeforeLast } = other;
  const { feed1, feed2 } = one;
  const { feed1: otherFeed1, feed2: otherFeed2 } = other;
  for (let index = 0; index < end; index++) {
    const now = feed1 * last - feed2 * beforeLast;
    const otherNow = otherFeed1 * otherLast - otherFeed2 * otherBeforeLast;
    sound[index]! += now + otherNow;
    beforeLast = last;
    last = now;
    otherBeforeLast = otherLast;
    otherLast = otherNow;
  }
}

/** A steady mode: Hz, decay ms, level, phase. */
type Ring = readonly [number, number, number, number?];
const SILENT: Ring = [1000, 0.5, 0];

/** A mode as a filter: what it feeds back of its last two outputs, and these two before the stroke. */
type Ringing = ReturnType<typeof ringing>;
function ringing([hz, decayMs, level, phase = 0]: Ring, sampleRate: number) {
  const radius = decayStep(decayMs, sampleRate);
  const turn = (2 * Math.PI * hz) / sampleRate;
  return {
    feed1: 2 * radius * Math.cos(turn),
    feed2: radius ** 2,
    last: (level / radius) * Math.sin(phase - turn),
    beforeLast: (level / radius ** 2) * Math.sin(phase - 2 * turn),
  };
}

export function rings(...all: readonly Ring[]): Layer {
  return (sound, { sampleRate }) => {
    for (let index = 0; index < all.length; index += 2) {
      const one = all[index]!;
      const other = all[index + 1] ?? SILENT;
      const endMs = 3 * Math.max(one[1], other[1]); // It is down 60 dB.
      const end = Math.min(sound.length, Math.round((endMs * sampleRate) / 1000));
      ringPair(sound, end, ringing(one, sampleRate), ringing(other, sampleRate));
    }
  };
}

/** The many modes of a cymbal, the higher the shorter; `seed` makes another cymbal. */
export function modes(
  seed: number,
  count: number,
  lowHz: number,
  highHz: number,
  decayMs: number,
  level: number,
) {
  const random = randomFrom(seed);
  const all = Array.from({ length: count }, (_, mode): Ring => {
    const hz = lowHz * (highHz / lowHz) ** ((mode + 0.5 + 0.45 * random()) / count);
    const ringMs = decayMs * (lowHz / hz) ** 0.45 * (1 + 0.4 * random());
    return [hz, ringMs, (level / Math.sqrt(count)) * (1 + 0.6 * random()), Math.PI * random()];
  });
  return rings(...all);
}

/** Noise or metal. `riseMs`: how slowly it wakes, as a cymbal's top does after the stick. */
export function band(name: BandName, decayMs: number, level: number, riseMs = 0.01): Layer {
  return (sound, { sampleRate, bands }, take) => {
    const samples = bands[name];
    const from = Math.round(decayMs * 977 + take * 24001);
    const end = Math.min(sound.length, Math.round((decayMs * 3 * sampleRate) / 1000));
    const step = decayStep(decayMs, sampleRate);
    const wakeStep = Math.exp(-1000 / (riseMs * sampleRate));
    let loudness = level;
    let asleep = 1;
    for (let index = 0; index < end; index++) {
      sound[index]! += samples[(from + index) & (BAND_LENGTH - 1)]! * loudness * (1 - asleep);
      loudness *= step;
      asleep *= wakeStep;
    }
  };
}

/** A layer that comes later, as the hands of a clap do. */
export function after(laterMs: number, layer: Layer): Layer {
  return (sound, bench, take) =>
    layer(sound.subarray(Math.round((laterMs * bench.sampleRate) / 1000)), bench, take);
}

/** A second-order Butterworth filter, in place (the well-known cookbook's formulas). */
export function filter(samples: Float32Array, kind: "high" | "low", hz: number, sampleRate: number): void {
  const turn = (2 * Math.PI * Math.min(hz, 0.45 * sampleRate)) / sampleRate;
  const cosine = Math.cos(turn);
  const alpha = Math.sin(turn) * Math.SQRT1_2;
  const scale = 1 / (1 + alpha);
  const outer = ((kind === "low" ? 1 - cosine : 1 + cosine) / 2) * scale;
  const middle = kind === "low" ? 2 * outer : -2 * outer;
  const feed1 = -2 * cosine * scale;
  const feed2 = (1 - alpha) * scale;
  let input1 = 0;
  let input2 = 0;
  let output1 = 0;
  let output2 = 0;
  for (let index = 0; index < samples.length; index++) {
    const input = samples[index]!;
    // In this order only two operations wait for the last output: half the time of a shorter form.
    const output = outer * (input + input2) + middle * input1 - feed2 * output2 - feed1 * output1;
    samples[index] = output;
    input2 = input1;
    input1 = input;
    output2 = output1;
    output1 = output;
  }
}
