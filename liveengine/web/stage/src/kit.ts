// The drum kit of the stage page: each drum is computed into buffers once, a stroke only plays one of them.

export const VOICES = [
  "kick",
  "snare",
  "snare_rim",
  "rim",
  "closed_hat",
  "pedal_hat",
  "open_hat",
  "high_tom",
  "mid_tom",
  "low_tom",
  "crash",
  "crash_2",
  "ride",
  "bell",
] as const;
export type VoiceName = (typeof VOICES)[number];

/** A stroke that was put on the audio clock. */
export interface Strike {
  readonly at: number;
  /** It never sounds if `at` is still to come; later it rings on. */
  cancel(): void;
}

/** What the sounds are cut from, computed once for a sample rate. */
interface Bench {
  readonly sampleRate: number;
  readonly bands: Readonly<Record<BandName, Float32Array>>;
}

/** Adds one part of a sound to it; `take` tells strokes apart that would else be the same. */
type Layer = (sound: Float32Array, bench: Bench, take: number) => void;

interface Mix {
  readonly drum: string;
  /** As the audience sees a right-handed kit: the hat on the right. */
  readonly pan: number;
  /** Peak of the hardest stroke. */
  readonly level: number;
  readonly lengthMs: number;
  /** The low-pass of the softest and of the hardest stroke. */
  readonly lowpassHz: readonly [number, number];
  /** How many different strokes are computed, to be played in turn. */
  readonly takes?: number;
  /** How far a stroke's tuning may stray, as a ratio. */
  readonly stray?: number;
  /** Saturation: 0 is none. */
  readonly drive?: number;
}
type Sound = Required<Mix> & { readonly layers: readonly Layer[] };

const ATTACK_MS = 0.3;
const HAT_CHOKE_MS = 12;
const BAND_LENGTH = 1 << 16; // A power of two, so that a mask wraps a longer sound.
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

function benchFor(sampleRate: number): Bench {
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
function tone(hz: number, decayMs: number, level: number, ...bends: readonly [number, number][]): Layer {
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

/** Two steady modes, each a ringing two-pole filter: a fraction of a sine's cost, the more so in pairs. */
function ringPair(sound: Float32Array, sampleRate: number, one: Ring, other: Ring): void {
  const [feed1, feed2, start1, start2] = ringing(one, sampleRate);
  const [otherFeed1, otherFeed2, otherStart1, otherStart2] = ringing(other, sampleRate);
  let last = start1;
  let beforeLast = start2;
  let otherLast = otherStart1;
  let otherBeforeLast = otherStart2;
  const end = Math.min(sound.length, (Math.max(one[1], other[1]) * 3 * sampleRate) / 1000); // Down 60 dB.
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
const SILENT: Ring = [1000, 1, 0];

/** A mode as a filter: what it feeds back of its last two outputs, and these two before the stroke. */
function ringing([hz, decayMs, level, phase = 0]: Ring, sampleRate: number) {
  const radius = decayStep(decayMs, sampleRate);
  const turn = (2 * Math.PI * hz) / sampleRate;
  const start1 = (level / radius) * Math.sin(phase - turn);
  const start2 = (level / radius ** 2) * Math.sin(phase - 2 * turn);
  return [2 * radius * Math.cos(turn), radius ** 2, start1, start2] as const;
}

function rings(...all: readonly Ring[]): Layer {
  return (sound, { sampleRate }) => {
    for (let index = 0; index < all.length; index += 2) {
      ringPair(sound, sampleRate, all[index]!, all[index + 1] ?? SILENT);
    }
  };
}

/** The many modes of a cymbal, the higher the shorter; `seed` makes another cymbal. */
function modes(seed: number, count: number, lowHz: number, highHz: number, decayMs: number, level: number) {
  const random = randomFrom(seed);
  const all = Array.from({ length: count }, (_, mode): Ring => {
    const hz = lowHz * (highHz / lowHz) ** ((mode + 0.5 + 0.45 * random()) / count);
    const ringMs = decayMs * (lowHz / hz) ** 0.35 * (1 + 0.4 * random());
    return [hz, ringMs, (level / Math.sqrt(count)) * (1 + 0.6 * random()), Math.PI * random()];
  });
  return rings(...all);
}

/** Noise or metal. `riseMs`: how slowly it wakes, as a cymbal's top does after the stick. */
function band(name: BandName, decayMs: number, level: number, riseMs = 0.01): Layer {
  return (sound, { sampleRate, bands }, take) => {
    const samples = bands[name];
    const from = Math.round(decayMs * 977 + take * 24001);
    const end = Math.min(sound.length, (decayMs * 3 * sampleRate) / 1000);
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

/** A second-order Butterworth filter, in place (the well-known cookbook's formulas). */
function filter(samples: Float32Array, kind: "high" | "low", hz: number, sampleRate: number): void {
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

/** The head's two modes, the shell above them, the wires under it, and the stick. */
const SNARE: readonly Layer[] = [
  tone(186, 90, 0.85, [0.3, 10], [1.5, 2]),
  tone(332, 60, 0.45, [0.15, 8], [0.6, 2]),
  rings([446, 50, 0.16], [696, 110, 0.06]),
  band("buzz", 80, 0.22),
  band("rattle", 130, 0.26),
  band("hiss", 115, 0.22),
  band("stick", 7, 0.5),
];

/** A tom's skin: the modes of a round membrane, bent by the stroke, and the stick. */
const skin = (hz: number, decayMs: number): readonly Layer[] => [
  tone(hz, decayMs, 1, [0.16, 70], [1.1, 5]),
  tone(hz * 1.59, decayMs * 0.4, 0.32, [0.1, 60], [0.5, 4]),
  rings([hz * 2.14, decayMs * 0.25, 0.2], [hz * 2.92, decayMs * 0.18, 0.12]),
  band("thump", 45, 0.12),
  band("stick", 11, 0.36),
];

const HAT = { drum: "hat", pan: 0.35, lowpassHz: [8500, 21000], takes: 3, stray: 0 } as const;
const TOM = { drum: "toms", level: 0.85, lowpassHz: [1200, 15000], drive: 1 } as const;
const SNARE_MIX = { drum: "snare", pan: 0.06, takes: 2 } as const;
const CYMBAL_HZ = [5000, 21000] as const;

const sound = (mix: Mix, ...layers: readonly Layer[]): Sound => ({
  ...{ takes: 1, stray: 0.004, drive: 0 },
  ...mix,
  layers,
});

const SOUNDS: Readonly<Record<VoiceName, Sound>> = {
  kick: sound(
    { drum: "kick", pan: 0, level: 1.1, lengthMs: 480, lowpassHz: [900, 14000], drive: 1.2 },
    tone(49, 210, 1, [1.5, 26], [7, 5]),
    tone(196, 40, 0.12, [1, 8]),
    band("thump", 24, 0.09),
    band("stick", 8, 0.24),
  ),
  snare: sound({ ...SNARE_MIX, level: 1, lengthMs: 380, lowpassHz: [2500, 19000], drive: 0.8 }, ...SNARE),
  snare_rim: sound(
    { ...SNARE_MIX, level: 1.1, lengthMs: 420, lowpassHz: [3000, 20000], drive: 1.3 },
    ...SNARE,
    rings([450, 140, 0.3], [1315, 70, 0.28], [1746, 60, 0.22], [2483, 45, 0.15]),
    band("stick", 9, 0.4),
  ),
  rim: sound(
    { drum: "rim", pan: 0.06, level: 0.62, lengthMs: 200, lowpassHz: [1800, 16000], takes: 2, drive: 0.6 },
    tone(262, 55, 0.25, [0.4, 5]),
    rings(
      [466, 40, 0.45],
      [836, 34, 0.4],
      [1213, 46, 0.8],
      [1747, 40, 0.6],
      [2571, 28, 0.4],
      [3920, 16, 0.3],
    ),
    band("stick", 5, 0.4),
    band("rattle", 60, 0.02),
  ),
  closed_hat: sound(
    { ...HAT, level: 0.45, lengthMs: 190 },
    band("shine", 55, 0.3),
    band("clang", 45, 0.1),
    band("air", 62, 0.32),
    modes(7, 8, 430, 1300, 60, 0.1),
    band("hiss", 7, 0.4),
  ),
  pedal_hat: sound(
    { ...HAT, level: 0.34, lengthMs: 200, takes: 2 },
    band("sizzle", 46, 0.3),
    band("hiss", 42, 0.3),
    band("buzz", 22, 0.16),
    rings([281, 50, 0.14]),
    modes(7, 8, 350, 1300, 60, 0.12),
  ),
  open_hat: sound(
    { ...HAT, drum: "open_hat", level: 0.44, lengthMs: 1000, takes: 2 },
    band("shine", 430, 0.24),
    band("clang", 440, 0.12),
    band("air", 400, 0.24),
    modes(7, 24, 450, 7000, 600, 0.16),
    band("stick", 8, 0.36),
  ),
  high_tom: sound({ ...TOM, pan: 0.25, lengthMs: 620 }, ...skin(168, 260)),
  mid_tom: sound({ ...TOM, pan: -0.05, lengthMs: 740 }, ...skin(122, 320)),
  low_tom: sound({ ...TOM, pan: -0.45, level: 0.95, lengthMs: 900 }, ...skin(82, 390)),
  crash: sound(
    { drum: "crash", pan: 0.45, level: 0.62, lengthMs: 2600, lowpassHz: CYMBAL_HZ },
    modes(11, 44, 370, 9500, 1700, 0.3),
    band("rattle", 850, 0.2, 5),
    band("hiss", 750, 0.3, 9),
    band("sizzle", 600, 0.14, 3),
    band("thump", 110, 0.16),
    band("stick", 18, 0.35),
  ),
  crash_2: sound(
    { drum: "crash", pan: -0.5, level: 0.58, lengthMs: 2200, lowpassHz: CYMBAL_HZ },
    modes(23, 44, 560, 11500, 1400, 0.28),
    band("rattle", 650, 0.2, 3),
    band("air", 580, 0.34, 6),
    band("shine", 450, 0.14, 2),
    band("buzz", 90, 0.14),
    band("stick", 16, 0.4),
  ),
  ride: sound(
    { drum: "ride", pan: -0.35, level: 0.45, lengthMs: 2200, lowpassHz: CYMBAL_HZ },
    modes(31, 14, 2900, 9000, 380, 0.4),
    modes(37, 30, 340, 8000, 1700, 0.13),
    band("hiss", 520, 0.1),
    band("shine", 90, 0.14),
    band("stick", 6, 0.4),
  ),
  bell: sound(
    { drum: "ride", pan: -0.35, level: 0.5, lengthMs: 1600, lowpassHz: CYMBAL_HZ },
    rings([453, 380, 0.1], [1003, 700, 0.16], [1727, 620, 0.22], [2033, 560, 0.16]),
    rings([3361, 480, 0.5], [3552, 420, 0.32], [5764, 300, 0.24], [8143, 180, 0.16]),
    modes(37, 24, 800, 9000, 1300, 0.1),
    band("stick", 7, 0.36),
  ),
};

/** One stroke at full force, its peak 1. */
function compute({ lengthMs, layers, drive }: Sound, bench: Bench, take: number): Float32Array<ArrayBuffer> {
  const { sampleRate } = bench;
  const samples = new Float32Array(Math.round((lengthMs * sampleRate) / 1000));
  const { length } = samples;
  for (const layer of layers) layer(samples, bench, take);
  if (drive > 0) {
    for (let index = 0; index < length; index++) samples[index] = Math.tanh(drive * samples[index]!);
    filter(samples, "high", 22, sampleRate); // Below, a skin would only move the loudspeaker.
  }
  const attack = (ATTACK_MS * sampleRate) / 1000;
  for (let index = 0; index < attack; index++) samples[index]! *= index / attack;
  const fade = Math.round(length / 4);
  for (let left = 0; left < fade; left++) samples[length - 1 - left]! *= (left / fade) ** 2;
  let peak = 0;
  for (let index = 0; index < length; index++) peak = Math.max(peak, Math.abs(samples[index]!));
  for (let index = 0; index < length; index++) samples[index]! /= peak;
  return samples;
}

/** The strokes of one voice as they are computed, for the kit and for the tests. */
export function takesOf(voice: VoiceName, sampleRate: number, bench = benchFor(sampleRate)) {
  const sound = SOUNDS[voice];
  return Array.from({ length: sound.takes }, (_, take) => compute(sound, bench, take));
}

const force = (velocity: number) => Math.min(127, Math.max(1, velocity)) / 127;

/** How loud a stroke is, 1 for the hardest. */
export const loudnessOf = (velocity: number) => force(velocity) ** 1.6;

/** Where a stroke's low-pass sits: soft strokes are dark. */
export function brightnessHz(voice: VoiceName, velocity: number): number {
  const [darkHz, brightHz] = SOUNDS[voice].lowpassHz;
  return darkHz * (brightHz / darkHz) ** force(velocity);
}

/** When an open hat struck at `openAt` is choked, or Infinity; a stroke at the same moment chokes nothing. */
export function chokeAt(openAt: number, closings: Iterable<number>): number {
  let first = Infinity;
  for (const closing of closings) if (closing > openAt && closing < first) first = closing;
  return first;
}

/** Clean up to 0.7, then ever rounder: the sum of a loud bar stays below full scale. */
export function limited(level: number): number {
  const over = Math.abs(level) - 0.7;
  return over <= 0 ? level : Math.sign(level) * (0.7 + 0.28 * Math.tanh(over / 0.28));
}

const LIMITER_REACH = 4; // A shaper's curve spans -1 to 1, so what goes in is scaled down by this.

/** An open hat's stroke, until it has rung out. */
interface OpenHat {
  readonly at: number;
  readonly level: number;
  readonly source: AudioBufferSourceNode;
  readonly gain: GainNode;
  chokedAt: number;
}

export class Kit {
  /** One gain per drum, by name: crash, ride, open_hat, hat, toms, rim, snare, kick; the tests tap them. */
  readonly drums: Record<string, GainNode> = {};
  readonly #context: BaseAudioContext;
  readonly #master: GainNode;
  readonly #voices = new Map<VoiceName, { takes: AudioBuffer[]; place: AudioNode; strokes: number }>();
  readonly #openHats = new Set<OpenHat>();
  /** Closed and pedal hats: each stroke its own object, as two may share a moment. */
  readonly #closings = new Set<{ readonly at: number }>();

  constructor(context: BaseAudioContext, destination: AudioNode) {
    this.#context = context;
    const sum = new GainNode(context, { gain: 1 / LIMITER_REACH });
    const curve = Float32Array.from({ length: 8193 }, (_, index) =>
      limited(LIMITER_REACH * (index / 4096 - 1)),
    );
    // Neither oversampling nor a compressor node: both delay what passes.
    const limiter = new WaveShaperNode(context, { curve, oversample: "none" });
    this.#master = new GainNode(context);
    sum.connect(limiter).connect(this.#master).connect(destination);
    const { sampleRate } = context;
    const bench = benchFor(sampleRate);
    for (const voice of VOICES) {
      const { drum, pan } = SOUNDS[voice];
      if (!this.drums[drum]) {
        this.drums[drum] = new GainNode(context);
        this.drums[drum].connect(sum);
      }
      const place = new StereoPannerNode(context, { pan });
      place.connect(this.drums[drum]);
      const takes = takesOf(voice, sampleRate, bench).map((samples) => {
        const buffer = new AudioBuffer({ length: samples.length, sampleRate });
        buffer.copyToChannel(samples, 0);
        return buffer;
      });
      this.#voices.set(voice, { takes, place, strokes: 0 });
    }
  }

  set volume(level: number) {
    const wanted = Math.min(1, Math.max(0, level));
    this.#master.gain.setTargetAtTime(wanted, this.#context.currentTime, 0.008);
  }

  /** Strikes a voice at a moment of the context's clock (seconds), velocity 1-127. */
  strike(voice: VoiceName, velocity: number, at: number): Strike {
    const context = this.#context;
    const { stray, level } = SOUNDS[voice];
    const { takes, place, strokes } = this.#voices.get(voice)!;
    this.#voices.set(voice, { takes, place, strokes: strokes + 1 });
    // Multiples of the golden ratio spread evenly and never repeat: no two strokes in a row are alike.
    const whim = 2 * ((strokes * 0.618034) % 1) - 1;
    const source = new AudioBufferSourceNode(context, {
      buffer: takes[strokes % takes.length]!,
      playbackRate: 1 + stray * whim,
    });
    const frequency = brightnessHz(voice, velocity) * (1 + 0.06 * whim);
    const lowpass = new BiquadFilterNode(context, { type: "lowpass", frequency, Q: -3 }); // In dB: no resonance.
    const gain = new GainNode(context, { gain: level * loudnessOf(velocity) * (1 + 0.04 * whim) });
    source.connect(lowpass).connect(gain).connect(place);
    // On a whole frame: between two, the source would interpolate and dull the sound by chance.
    source.start(Math.round(Math.max(at, context.currentTime) * context.sampleRate) / context.sampleRate);
    const openHat = { at, level: gain.gain.value, source, gain, chokedAt: Infinity };
    const closing = { at };
    if (voice === "open_hat") this.#openHats.add(openHat);
    if (voice === "closed_hat" || voice === "pedal_hat") this.#closings.add(closing);
    if (voice.endsWith("hat")) this.#chokeHats();
    const release = () => {
      gain.disconnect();
      this.#openHats.delete(openHat);
    };
    source.onended = release;
    const cancel = () => {
      if (at < context.currentTime) return;
      source.stop();
      release();
      if (this.#closings.delete(closing)) this.#chokeHats();
    };
    return { at, cancel };
  }

  /** Chokes each open hat at the next closing, anew at every change: strokes come in any order. */
  #chokeHats(): void {
    const now = this.#context.currentTime;
    for (const closing of this.#closings) if (closing.at < now - 1) this.#closings.delete(closing);
    const moments = Array.from(this.#closings, ({ at }) => at);
    for (const hat of this.#openHats) {
      const chokedAt = chokeAt(hat.at, moments);
      if (chokedAt === hat.chokedAt || hat.chokedAt <= now) continue;
      hat.chokedAt = chokedAt;
      const { gain } = hat.gain;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(hat.level, now);
      if (chokedAt < Infinity) {
        const from = Math.max(chokedAt, now);
        gain.setTargetAtTime(0, from, HAT_CHOKE_MS / 1000);
        hat.source.stop(from + (12 * HAT_CHOKE_MS) / 1000); // By then it is down 100 dB.
      } else {
        hat.source.stop(Math.max(hat.at, now) + 2 * (hat.source.buffer?.duration ?? 0)); // When it ends anyway.
      }
    }
  }
}
