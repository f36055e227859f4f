// The sounds of the acoustic kit: what each is layered from, how loud and bright it is, and how it is computed.
import { band, benchFor, filter, modes, rings, tone, type Bench, type Layer } from "./synthesis";

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
/** What stands for a stroke that has no sound of its own: what a kit file may have a note for, and degrees. */
export const NEAREST = {
  ajar_hat: "half_open_hat",
  half_open_hat: "open_hat",
  closed_hat_edge: "closed_hat",
  half_open_hat_edge: "half_open_hat",
  open_hat_edge: "open_hat",
  hat_splash: "open_hat",
  ride_edge: "crash_2",
  crash_edge: "crash",
  crash_2_edge: "crash_2",
  high_tom_rim: "high_tom",
  mid_tom_rim: "mid_tom",
  low_tom_rim: "low_tom",
  sticks: "rim",
} as const satisfies Record<string, string>;
export type SoundName = VoiceName | keyof typeof NEAREST;

/** The stroke that stands for one; undefined for a voice. */
export const nearestTo = (name: SoundName): SoundName | undefined =>
  (NEAREST as Partial<Record<SoundName, SoundName>>)[name];

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
export type Sound = Required<Mix> & { readonly layers: readonly Layer[] };
export type Sounds = Readonly<Partial<Record<SoundName, Sound>>>;

const ATTACK_MS = 0.3;
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
export const skin = (hz: number, decayMs: number): readonly Layer[] => [
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

export const sound = (mix: Mix, ...layers: readonly Layer[]): Sound => ({
  ...{ takes: 1, stray: 0.004, drive: 0 },
  ...mix,
  layers,
});

/** Hats that touch: the more open the longer, and the more they rattle. The edge is heavier than the bow. */
const openHat = (openness: number, edge = 0): Sound => {
  const ringMs = 55 * 8 ** openness;
  return sound(
    { ...HAT, drum: "open_hat", level: 0.44 + 0.06 * edge, lengthMs: 190 + 900 * openness, takes: 2 },
    band("shine", ringMs, 0.26),
    band("clang", ringMs, 0.11 + 0.16 * edge),
    band("air", ringMs, 0.26),
    band("sizzle", 0.7 * ringMs, 0.3 * (1 - openness) + 0.16 * edge),
    band("rattle", 0.6 * ringMs, 0.01 + 0.24 * edge),
    modes(7, 12, 450, 5000, 1.4 * ringMs, 0.12 + 0.08 * edge),
    band("stick", 8, 0.36),
  );
};

export const ACOUSTIC: Sounds & Readonly<Record<VoiceName, Sound>> = {
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
    modes(7, 14, 450, 6000, 600, 0.14),
    band("stick", 8, 0.36),
  ),
  high_tom: sound({ ...TOM, pan: 0.25, lengthMs: 620 }, ...skin(168, 260)),
  mid_tom: sound({ ...TOM, pan: -0.05, lengthMs: 740 }, ...skin(122, 320)),
  low_tom: sound({ ...TOM, pan: -0.45, level: 0.95, lengthMs: 900 }, ...skin(82, 390)),
  crash: sound(
    { drum: "crash", pan: 0.45, level: 0.62, lengthMs: 2600, lowpassHz: CYMBAL_HZ },
    modes(11, 28, 340, 6500, 1700, 0.3),
    band("rattle", 850, 0.2, 5),
    band("hiss", 750, 0.3, 9),
    band("sizzle", 600, 0.14, 3),
    band("thump", 110, 0.16),
    band("stick", 18, 0.35),
  ),
  crash_2: sound(
    { drum: "crash", pan: -0.5, level: 0.58, lengthMs: 2200, lowpassHz: CYMBAL_HZ },
    modes(23, 26, 560, 8000, 1400, 0.28),
    band("rattle", 650, 0.2, 3),
    band("air", 580, 0.34, 6),
    band("shine", 450, 0.14, 2),
    band("buzz", 90, 0.14),
    band("stick", 16, 0.4),
  ),
  ride: sound(
    { drum: "ride", pan: -0.35, level: 0.45, lengthMs: 2200, lowpassHz: CYMBAL_HZ },
    modes(31, 14, 2900, 9000, 380, 0.4),
    modes(37, 20, 340, 6000, 1700, 0.13),
    band("hiss", 520, 0.1),
    band("shine", 90, 0.14),
    band("stick", 6, 0.4),
  ),
  bell: sound(
    { drum: "ride", pan: -0.35, level: 0.5, lengthMs: 1600, lowpassHz: CYMBAL_HZ },
    rings([453, 380, 0.1], [1003, 700, 0.16], [1727, 620, 0.22], [2033, 560, 0.16]),
    rings([3361, 480, 0.5], [3552, 420, 0.32], [5764, 300, 0.24], [8143, 180, 0.16]),
    modes(37, 14, 800, 7000, 1300, 0.1),
    band("stick", 7, 0.36),
  ),
  ajar_hat: openHat(0.25),
  half_open_hat: openHat(0.55),
  half_open_hat_edge: openHat(0.55, 1),
  open_hat_edge: openHat(1, 1),
  hat_splash: sound(
    { ...HAT, drum: "open_hat", level: 0.38, lengthMs: 800, takes: 2 },
    band("sizzle", 300, 0.24, 6),
    band("air", 320, 0.2, 6),
    band("buzz", 26, 0.3),
    modes(7, 12, 380, 4000, 480, 0.16),
  ),
  closed_hat_edge: sound(
    { ...HAT, level: 0.52, lengthMs: 230 },
    band("shine", 66, 0.24),
    band("clang", 74, 0.26),
    band("air", 60, 0.24),
    modes(7, 10, 360, 1500, 95, 0.18),
    band("rattle", 12, 0.4),
  ),
  ride_edge: sound(
    { drum: "ride", pan: -0.35, level: 0.55, lengthMs: 2400, lowpassHz: CYMBAL_HZ },
    modes(37, 26, 330, 6500, 1700, 0.34),
    band("rattle", 700, 0.16, 4),
    band("hiss", 620, 0.2, 7),
    band("stick", 12, 0.36),
  ),
  sticks: sound(
    { drum: "rim", pan: 0, level: 0.5, lengthMs: 120, lowpassHz: [2500, 17000], takes: 2 },
    rings([1480, 18, 0.5], [2210, 22, 0.7], [3170, 14, 0.5], [4630, 9, 0.3]),
    band("stick", 4, 0.4),
  ),
};

/** One stroke at full force, its peak 1. */
function compute({ lengthMs, layers, drive }: Sound, bench: Bench, take: number): Float32Array<ArrayBuffer> {
  const { sampleRate } = bench;
  const samples = new Float32Array(Math.round((lengthMs * sampleRate) / 1000));
  const { length } = samples;
  for (const layer of layers) layer(samples, bench, take);
  if (drive > 0) {
    for (let index = 0; index < length; index++) {
      const driven = drive * samples[index]!;
      samples[index] = driven / Math.sqrt(1 + driven * driven); // Rounder than a tanh, at a fifth of its time.
    }
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

/** The strokes of one sound as they are computed, for the kit and for the tests. */
export function takesOf(sound: Sound, sampleRate: number, bench = benchFor(sampleRate)) {
  return Array.from({ length: sound.takes }, (_, take) => compute(sound, bench, take));
}

const force = (velocity: number) => Math.min(127, Math.max(1, velocity)) / 127;

/** How loud a stroke is, 1 for the hardest. */
export const loudnessOf = (velocity: number) => force(velocity) ** 1.6;

/** Where a stroke's low-pass sits: soft strokes are dark. */
export function brightnessHz({ lowpassHz: [darkHz, brightHz] }: Sound, velocity: number): number {
  return darkHz * (brightHz / darkHz) ** force(velocity);
}
