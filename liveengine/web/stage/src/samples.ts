// Messages as an engine sends them, for tests.
import type { BarView, HitView, OnsetView, Players, TimeMap } from "./messages";

let serials = 0;

/** A serial that no hit has had. */
export const nextSerial = (): number => ++serials;

/** Beats at 120 bpm from moment 0 on. */
export const TIME_MAP: TimeMap = {
  type: "time",
  time_us: 0,
  beat: 0,
  bpm: 120,
  origin_beat: 0,
  origin_bar: 0,
  meters: [{ bar: 0, meter: "4/4", beats: 4, steps: 16 }],
  sounding: true,
};

/** A map whose bars all have so many beats. */
export function inBarsOf(map: TimeMap, beats: number): TimeMap {
  return { ...map, meters: [{ bar: map.origin_bar, meter: "", beats, steps: 4 * beats }] };
}

/** A stroke on the grid. */
export function hit(step: number, voice: number, more: Partial<HitView> = {}): HitView {
  return {
    serial: nextSerial(),
    step,
    voice,
    beat: step / 4,
    offset_ms: 0,
    velocity: 100,
    openness: null,
    drawn: false,
    ...more,
  };
}

/** A bar of funk that was made in time. */
export function barOf(index: number, hits: HitView[] = [], more: Partial<BarView> = {}): BarView {
  return {
    index,
    style: "funk",
    blend: [],
    fallback: false,
    stale_from: null,
    made_ms: 40,
    drawing: [],
    hits,
    ...more,
  };
}

/** A note of a bass on the grid. */
export function onset(bar: number, step: number, more: Partial<OnsetView> = {}): OnsetView {
  return { bar, step, offset: 0, velocity: 100, instrument: "bass", ...more };
}

/** A bass that plays a riff of two bars. */
export const BASS: Players = {
  type: "players",
  bar: 5,
  activity: 0.5,
  loudness: 0.71,
  riff_bars: 2,
  silent_bars: 0,
  phrase_place: 6,
  phrase_length: 8,
  phrase_known: false,
  pushes_ms: { bass: 12.3 },
  similarity: 0.94,
  reasons: [
    { moves: "energy", amount: 0.1, why: "loudness 0.71" },
    { moves: "accents", amount: 0.6, why: "riff of 2 bars" },
  ],
};
