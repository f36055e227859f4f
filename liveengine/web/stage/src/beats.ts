// Musical time on the page: beats and microseconds by the engine's map, and where bars and hits lie in it.
import type { HitView, TimeMap } from "./messages";

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

/** The session beat of a bar's bar line. */
export function startBeat(map: TimeMap, bar: number, barBeats: number): number {
  return map.origin_beat + (bar - map.origin_bar) * barBeats;
}

/** The session beat at which a hit sounds, push, pull and jitter in it. */
export function soundingBeat(map: TimeMap, bar: number, barBeats: number, hit: HitView): number {
  return startBeat(map, bar, barBeats) + hit.beat + (hit.offset_ms * map.bpm) / 60_000;
}

/** The moment at which a hit sounds, microseconds of the engine's clock. */
export function soundingUs(map: TimeMap, bar: number, barBeats: number, hit: HitView): number {
  return timeAt(map, soundingBeat(map, bar, barBeats, hit));
}

/** A place in the music as players say it, from 1: bar and beat; null before the first bar line. */
export function place(map: TimeMap, timeUs: number, barBeats: number): { bar: number; beat: number } | null {
  const beats = beatAt(map, timeUs) - map.origin_beat;
  if (!map.sounding || !(beats >= 0)) return null;
  const bar = Math.floor(beats / barBeats);
  return { bar: map.origin_bar + bar + 1, beat: Math.floor(beats - bar * barBeats) + 1 };
}
