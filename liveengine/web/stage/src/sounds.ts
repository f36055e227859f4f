// The sounds of the kit: what each voice is layered from, how loud and bright it is, and how it is computed.
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

export const SOUNDS: Readonly<Record<VoiceName, Sound>> = {
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
