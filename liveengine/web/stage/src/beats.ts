// Musical time on the page: beats and microseconds by the engine's map, and where bars and hits lie in it.
import type { HitView, MeterFrom, TimeMap } from "./messages";

const US_PER_MINUTE = 60e6;
/** Steps are sixteenths. */
export const STEPS_PER_BEAT = 4;

/** The session beat at a moment of the engine's clock. */
export function beatAt(map: TimeMap, timeUs: number): number {
  return map.beat + ((timeUs - map.time_us) * map.bpm) / US_PER_MINUTE;
}

/** The moment of a session beat, microseconds of the engine's clock. */
export function timeAt(map: TimeMap, beat: number): number {
  return map.time_us + ((beat - map.beat) * US_PER_MINUTE) / map.bpm;
}

/** The meter of a bar. */
export function meterAt(map: TimeMap, bar: number): MeterFrom {
  return map.meters.findLast((each) => each.bar <= bar) ?? map.meters[0] ?? FOUR_FOUR;
}

const FOUR_FOUR: MeterFrom = { bar: 0, meter: "4/4", beats: 4, steps: 16 };

/** The session beat of a bar's bar line. */
export function startBeat(map: TimeMap, bar: number): number {
  let [beat, from, { beats }] = [map.origin_beat, map.origin_bar, meterAt(map, map.origin_bar)];
  for (const each of map.meters.slice(1)) {
    if (each.bar > bar) break;
    beat += (each.bar - from) * beats;
    ({ bar: from, beats } = each);
  }
  return beat + (bar - from) * beats;
}

/** The bar in which a session beat lies. */
export function barAt(map: TimeMap, beat: number): number {
  const begun = map.meters.slice(1).findLast((each) => startBeat(map, each.bar) <= beat);
  const { bar, beats } = begun ?? { ...meterAt(map, map.origin_bar), bar: map.origin_bar };
  return bar + Math.floor((beat - startBeat(map, bar)) / beats);
}

/** The session beat at which a hit sounds, push, pull and jitter in it. */
export function soundingBeat(map: TimeMap, bar: number, hit: HitView): number {
  return startBeat(map, bar) + hit.beat + (hit.offset_ms * map.bpm) / 60_000;
}

/** The moment at which a hit sounds, microseconds of the engine's clock. */
export function soundingUs(map: TimeMap, bar: number, hit: HitView): number {
  return timeAt(map, soundingBeat(map, bar, hit));
}

/** Longer before its first bar line a performance has not begun yet. */
const COUNTED_BEATS = 16;

/** A place in the music as players say it, from 1: bar and beat; before the first bar line bar 0, and beats to go. */
export function place(map: TimeMap, timeUs: number): { bar: number; beat: number } | null {
  const beat = beatAt(map, timeUs);
  if (!map.sounding || !(beat >= map.origin_beat - COUNTED_BEATS)) return null;
  if (beat < map.origin_beat) return { bar: 0, beat: Math.ceil(map.origin_beat - beat) };
  const bar = barAt(map, beat);
  return { bar: bar + 1, beat: Math.floor(beat - startBeat(map, bar)) + 1 };
}
