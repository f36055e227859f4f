// Messages as an engine sends them, for tests.
import type { BarView, HitView, TimeMap } from "./messages";

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
  sounding: true,
};

/** A stroke on the grid. */
export function hit(step: number, voice: number, more: Partial<HitView> = {}): HitView {
  return {
    serial: nextSerial(),
    step,
    voice,
    beat: step / 4,
    offset_ms: 0,
    velocity: 100,
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
