// What the other players have struck, and where it lies under the plan.
import { STEPS_PER_BEAT, meterAt, startBeat } from "./beats";
import type { OnsetView } from "./messages";
import { axisOf, paletteOf, type Frame, type Moment } from "./waterfall";

/** Bars that are kept before the last one in which something was struck: a riff of two is shown again. */
const BARS_BEFORE = 2;
/** Longer riffs come again beyond the screen: of them the last bar is shown. */
const LONGEST_SHOWN = 2;

/** The last notes that were struck; sent by the engine. */
export class HeardStore {
  onsets: OnsetView[] = [];

  /** Takes new notes, and forgets those of bars that are over. */
  take(fresh: readonly OnsetView[]): void {
    const last = fresh.at(-1)?.bar;
    if (last === undefined) return;
    const isNear = ({ bar }: OnsetView) => bar >= last - BARS_BEFORE && bar <= last + 1;
    this.onsets = [...this.onsets, ...fresh].filter(isNear);
  }

  /** Forgets everything: another engine hears others. */
  clear(): void {
    this.onsets = [];
  }
}

/** A note as it is painted, where it was struck or, `again`, where the riff has it next. */
export interface HeardMark {
  readonly x: number;
  /** Its strength, 0-1. */
  readonly strength: number;
  readonly instrument: string;
  readonly again: boolean;
}

/** Where notes lie at a moment: behind the strike line as they were struck, and again where they may come. */
export function layOutHeard(moment: Moment, onsets: readonly OnsetView[], riffBars: number): HeardMark[] {
  const { map, width } = moment;
  if (!map.sounding) return [];
  const { x, nowX } = axisOf(moment);
  const shown = riffBars <= LONGEST_SHOWN ? Math.max(1, riffBars) : 1;
  return onsets.flatMap(({ bar, step, offset, velocity, instrument }) => {
    if (bar < map.origin_bar) return []; // a start or a jump has moved its bar
    const beat = startBeat(map, bar) + (step + offset) / STEPS_PER_BEAT;
    const mark = { strength: velocity / 127, instrument };
    const marks = [
      { ...mark, x: x(beat), again: false },
      { ...mark, x: x(beat + shown * meterAt(map, bar).beats), again: true },
    ];
    return marks.filter((each) => each.x > (each.again ? nowX : -MARK_WIDTH) && each.x < width);
  });
}

/** A hue for each instrument. */
export const INSTRUMENT_HUES: Record<string, number> = { bass: 214, guitar: 32, keys: 168, drums: 12 };
const MARK_WIDTH = 5;
const LEAST_SHARE = 0.25;

/** Paints notes under the plan's frame. */
export function paintHeard(
  context: CanvasRenderingContext2D,
  frame: Frame,
  marks: readonly HeardMark[],
  shown: { readonly width: number; readonly height: number; readonly dark: boolean },
): void {
  const { width, height } = shown;
  const palette = paletteOf(shown.dark);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  for (const line of frame.lines) {
    context.fillStyle = palette.lines[line.weight];
    context.fillRect(Math.round(line.x), 0, line.weight === "bar" ? 2 : 1, height);
  }
  for (const mark of marks) {
    const tall = (height - 2) * (LEAST_SHARE + (1 - LEAST_SHARE) * mark.strength);
    context.globalAlpha = (0.35 + 0.65 * mark.strength) * (mark.again ? 0.4 : 1);
    context.fillStyle = `hsl(${INSTRUMENT_HUES[mark.instrument] ?? 0} 75% ${shown.dark ? 66 : 42}%)`;
    context.beginPath();
    context.roundRect(mark.x, height - tall, MARK_WIDTH, tall, 2);
    context.fill();
  }
  context.globalAlpha = 1;
  context.fillStyle = palette.now;
  context.fillRect(frame.nowX - 1, 0, 2, height);
}
