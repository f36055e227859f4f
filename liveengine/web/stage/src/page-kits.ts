// The kits that the page can sound: acoustic, two drum machines, brushes; and which one a style is played on.
import { ACOUSTIC, nearestTo, sound, type Sound, type SoundName, type Sounds } from "./sounds";
import { after, band, rings, tone, type Layer } from "./synthesis";

export const PAGE_KITS = ["acoustic", "808", "909", "brushes"] as const;
export type PageKit = (typeof PAGE_KITS)[number];

const BRIGHT = [5000, 21000] as const;
const ROUND = [1500, 16000] as const;
const machineHat = (drum: string, ringMs: number, ...more: readonly Layer[]): Sound =>
  sound(
    { drum, pan: 0.15, level: 0.4, lengthMs: 60 + 2.4 * ringMs, lowpassHz: BRIGHT, stray: 0 },
    band("shine", ringMs, 0.5),
    ...more,
  );
const machineTom = (hz: number, pan: number, bend: number): Sound =>
  sound(
    { drum: "toms", pan, level: 0.8, lengthMs: 560, lowpassHz: ROUND, stray: 0 },
    tone(hz, 210, 1, [bend, 45]),
    band("thump", 40, 0.06),
  );
/** Many hands: three bursts, and the room. */
const clap = (name: "buzz" | "rattle"): Sound =>
  sound(
    { drum: "snare", pan: 0, level: 0.9, lengthMs: 420, lowpassHz: [2500, 14000], takes: 2 },
    band(name, 9, 0.7),
    after(10, band(name, 9, 0.6)),
    after(20, band(name, 9, 0.6)),
    after(30, band(name, 120, 0.5)),
  );
const machineCymbal = (drum: string, pan: number, ringMs: number): Sound =>
  sound(
    { drum, pan, level: 0.5, lengthMs: 2.4 * ringMs, lowpassHz: BRIGHT, stray: 0 },
    band("sizzle", ringMs, 0.4, 1),
    band("shine", 1.2 * ringMs, 0.4),
    band("clang", 0.5 * ringMs, 0.3),
  );

const TR_808: Sounds = {
  kick: sound(
    { drum: "kick", pan: 0, level: 1.1, lengthMs: 1200, lowpassHz: [700, 9000], drive: 0.7, stray: 0 },
    tone(49, 520, 1, [1.3, 6]),
    band("stick", 4, 0.1),
  ),
  snare: sound(
    { drum: "snare", pan: 0, level: 0.9, lengthMs: 300, lowpassHz: [2500, 18000], stray: 0 },
    tone(178, 90, 0.7, [0.3, 4]),
    tone(331, 60, 0.45, [0.3, 3]),
    band("hiss", 110, 0.4),
    band("rattle", 90, 0.2),
  ),
  snare_rim: clap("buzz"),
  rim: sound(
    { drum: "rim", pan: 0, level: 0.55, lengthMs: 90, lowpassHz: [2500, 16000], stray: 0 },
    rings([455, 22, 0.5], [1667, 16, 0.8]),
    band("stick", 3, 0.3),
  ),
  closed_hat: machineHat("hat", 42, band("sizzle", 30, 0.3)),
  pedal_hat: machineHat("hat", 30, band("sizzle", 24, 0.4)),
  ajar_hat: machineHat("open_hat", 90, band("sizzle", 70, 0.3)),
  half_open_hat: machineHat("open_hat", 150, band("sizzle", 120, 0.3)),
  open_hat: machineHat("open_hat", 320, band("sizzle", 260, 0.3)),
  high_tom: machineTom(165, 0.2, 0.15),
  mid_tom: machineTom(120, 0, 0.15),
  low_tom: machineTom(82, -0.2, 0.15),
  crash: machineCymbal("crash", 0.25, 900),
  crash_2: machineCymbal("crash", -0.25, 700),
  ride: machineCymbal("ride", -0.2, 380),
  bell: sound(
    { drum: "ride", pan: -0.1, level: 0.45, lengthMs: 560, lowpassHz: [2500, 12000], stray: 0 },
    rings([540, 190, 0.6], [800, 170, 0.6], [1620, 90, 0.28], [2400, 80, 0.22]),
    band("clang", 20, 0.1),
  ),
};

/** Its cymbals are recordings of real ones: they stay the acoustic kit's. */
const TR_909: Sounds = {
  kick: sound(
    { drum: "kick", pan: 0, level: 1.1, lengthMs: 520, lowpassHz: [900, 13000], drive: 2, stray: 0 },
    tone(53, 190, 1, [2.4, 15], [4, 3]),
    band("stick", 6, 0.4),
  ),
  snare: sound(
    { drum: "snare", pan: 0, level: 1, lengthMs: 360, lowpassHz: [3000, 19000], drive: 0.8, stray: 0 },
    tone(190, 70, 0.8, [0.7, 8]),
    tone(335, 45, 0.4, [0.6, 6]),
    band("rattle", 120, 0.4),
    band("hiss", 150, 0.4),
  ),
  snare_rim: clap("rattle"),
  rim: sound(
    { drum: "rim", pan: 0, level: 0.6, lengthMs: 90, lowpassHz: [2500, 18000], drive: 1.5, stray: 0 },
    rings([500, 20, 0.6], [1100, 14, 0.7]),
    band("stick", 3, 0.4),
  ),
  closed_hat: machineHat("hat", 52, band("air", 46, 0.4), band("clang", 20, 0.3)),
  pedal_hat: machineHat("hat", 34, band("clang", 26, 0.3)),
  ajar_hat: machineHat("open_hat", 110, band("air", 90, 0.4), band("clang", 60, 0.2)),
  half_open_hat: machineHat("open_hat", 190, band("air", 160, 0.4), band("clang", 100, 0.2)),
  open_hat: machineHat("open_hat", 380, band("air", 340, 0.4), band("clang", 200, 0.2)),
  high_tom: machineTom(180, 0.2, 0.5),
  mid_tom: machineTom(132, 0, 0.5),
  low_tom: machineTom(92, -0.2, 0.5),
};

const swish = (sweepMs: number, level: number): readonly Layer[] => [
  tone(190, 60, 0.3, [0.2, 8]),
  band("hiss", sweepMs, 0.3, 4),
  band("rattle", 0.8 * sweepMs, 0.3, 3),
  band("buzz", 40, level),
];
const BRUSHED = { drum: "snare", pan: 0.06, takes: 2 } as const;
/** Felt on the kick, wires on the snare; all else as by sticks, but softer and darker. */
const BRUSHES: Sounds = {
  ...Object.fromEntries(
    Object.entries(ACOUSTIC).map(([name, one]) => {
      const [darkHz, brightHz] = one.lowpassHz;
      return [name, { ...one, level: 0.7 * one.level, lowpassHz: [0.5 * darkHz, 0.45 * brightHz] as const }];
    }),
  ),
  kick: sound(
    { drum: "kick", pan: 0, level: 0.95, lengthMs: 420, lowpassHz: [300, 2500], drive: 0.6 },
    tone(56, 190, 1, [0.9, 22]),
    band("thump", 34, 0.14),
  ),
  snare: sound({ ...BRUSHED, level: 0.7, lengthMs: 330, lowpassHz: [2500, 12000] }, ...swish(90, 0.2)),
  snare_rim: sound({ ...BRUSHED, level: 0.8, lengthMs: 380, lowpassHz: [3000, 14000] }, ...swish(120, 0.5)),
};

const KITS: Readonly<Record<PageKit, Sounds>> = {
  acoustic: ACOUSTIC,
  "808": TR_808,
  "909": TR_909,
  brushes: BRUSHES,
};
/** Every stroke of a kit that has a sound of its own there. */
export const namesOf = (kit: PageKit) => Object.keys(KITS[kit]) as SoundName[];

/** What a stroke sounds as on a kit: itself or the nearest there, else as on the acoustic one. */
export function soundOf(kit: PageKit, name: SoundName): Sound {
  for (const sounds of [KITS[kit], ACOUSTIC]) {
    for (let near: SoundName | undefined = name; near !== undefined; near = nearestTo(near)) {
      const found = sounds[near];
      if (found !== undefined) return found;
    }
  }
  return ACOUSTIC.kick; // every voice is there
}

const BY_FAMILY: Readonly<Record<string, PageKit>> = { hip_hop: "808", electronic: "909", jazz: "brushes" };
/** Styles that are not played on what the rest of their family is. */
const BY_STYLE: Readonly<Record<string, PageKit>> = {
  boombap: "acoustic",
  lofi: "acoustic",
  metro_boomin: "808",
  electro: "808",
  breakbeat: "acoustic",
  dnb: "acoustic",
  blues: "acoustic",
  neworleans: "acoustic",
};

/** The kit that a style is played on where nobody has chosen another. */
export function kitOfStyle(style: string, family: string): PageKit {
  return BY_STYLE[style] ?? BY_FAMILY[family] ?? "acoustic";
}
