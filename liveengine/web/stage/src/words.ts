// Words that the page says in more than one place.
import { meterAt } from "./beats";
import { beatsUntilBar } from "./coming";
import { say, sayName } from "./language";
import type { StyleShare, TimeMap } from "./messages";

/** A drum as players say it. */
export const drumName = (drum: string) => sayName("drum", drum);

/** So many bars. */
export const barsOf = (count: number) => say("bars", { count });

/** The last so many bars. */
export const lastBars = (count: number) => say("last_bars", { count });

/** A share as a whole number of percent. */
export const percentOf = (share: number) => `${Math.round(share * 100)} %`;

/** What a bar is played as: its style, or both of a blend with their shares. */
export function styleWords(
  bar: { style: string; blend: readonly StyleShare[] },
  titleOf: (style: string) => string,
): string {
  if (bar.blend.length === 0) return titleOf(bar.style);
  return bar.blend.map((each) => `${titleOf(each.style)} ${percentOf(each.share)}`).join(" · ");
}

/** In how many bars a bar begins, in beats for the last of them; null once it has begun. */
export function untilBar(map: TimeMap, nowUs: number, bar: number): string | null {
  const beats = beatsUntilBar(map, nowUs, bar);
  if (beats === 0) return null;
  const barBeats = meterAt(map, bar).beats;
  if (beats <= barBeats) return say("in_beats", { count: Math.ceil(beats) });
  return say("in_bars", { count: Math.ceil(beats / barBeats) });
}
