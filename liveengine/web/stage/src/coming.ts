// How long it is until what was asked for is heard, in beats.
import { STEPS_PER_BEAT, beatAt, startBeat } from "./beats";
import type { BarView, TimeMap } from "./messages";

/** After how many bars each place comes round from which a change is heard. */
const BARS_BETWEEN: Record<string, number> = { bar: 1, phrase_4: 4, phrase: 8 };

/** Beats from a moment to the bar line of a bar, at least 0. */
export function beatsUntilBar(map: TimeMap, nowUs: number, bar: number): number {
  return Math.max(0, startBeat(map, bar) - beatAt(map, nowUs));
}

/** The bar line from which a change of a switch mode is heard; null for modes within a bar. */
export function barOfChange(current: number, mode: string): number | null {
  const every = BARS_BETWEEN[mode];
  return every === undefined ? null : (Math.floor(current / every) + 1) * every;
}

/** Whole beats until a style is heard: from the plan where it is in it, else as the switch mode says. */
export function beatsUntilStyle(
  map: TimeMap,
  nowUs: number,
  plan: { current: number; bars: readonly BarView[] },
  style: string,
  mode: string,
): number {
  const next = barOfChange(plan.current, mode);
  const playing = plan.bars.find((bar) => bar.index === plan.current);
  if (next === null || playing?.style === style) return 1; // from the next beat on, or sooner
  const planned = plan.bars.find((bar) => bar.index > plan.current && bar.style === style);
  return Math.max(1, Math.ceil(beatsUntilBar(map, nowUs, planned?.index ?? next)));
}

/** A shorter fill has no room to say anything; the engine has the same. */
const FILL_LEAST_STEPS = 6;

/** Whether a fill asked for so many beats into a bar is played in the next one: in its second half. */
export function fillsNextBar(beatsIn: number, commitBeats: number, barSteps: number): boolean {
  const step = Math.ceil((beatsIn + commitBeats) * STEPS_PER_BEAT);
  return step > 0 && barSteps - step < Math.max(barSteps / 2, FILL_LEAST_STEPS);
}
