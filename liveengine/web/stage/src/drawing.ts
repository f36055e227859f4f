// Drawing by hand: which cell of the plan a finger is on, and what touching it means.
import { STEPS_PER_BEAT, barAt, beatAt, meterAt, startBeat } from "./beats";
import type { Value } from "./connection";
import type { BarView, Welcome } from "./messages";
import { layOut, type Moment } from "./waterfall";

const STROKE = 96;
const ACCENT = 122;

/** A place in the grid of a bar that is still to come. */
export interface Cell {
  readonly bar: number;
  readonly step: number;
  readonly voice: number;
}

/** A command for the engine: its name and values. */
export type Command = readonly [string, ...Value[]];

/** What is in a cell: drawn by hand, or as it is written. */
function found(bar: BarView, step: number, voices: readonly number[]) {
  const here = (each: { step: number; voice: number }) => each.step === step && voices.includes(each.voice);
  return { drawn: bar.drawing.find(here), written: bar.hits.find(here) };
}

/** The cell at a place of the waterfall, in pixels; null in what plays or has played. */
export function cellAt(moment: Moment, x: number, y: number): Cell | null {
  const { map, welcome, plan } = moment;
  if (!map.sounding) return null;
  const { nowX, perBeat, laneHeight } = layOut(moment);
  const beat = beatAt(map, moment.nowUs) + (x - nowX) / perBeat;
  const begun = barAt(map, beat);
  const nearest = Math.round((beat - startBeat(map, begun)) * STEPS_PER_BEAT);
  const isNext = nearest >= meterAt(map, begun).steps;
  const [bar, step] = isNext ? [begun + 1, 0] : [begun, nearest];
  const view = plan.bars.get(bar);
  const voices = voicesOf(welcome, Math.floor(y / laneHeight));
  if (bar <= plan.current || view === undefined || voices[0] === undefined) return null;
  const { drawn, written } = found(view, step, voices);
  return { bar, step, voice: (drawn ?? written)?.voice ?? voices[0] };
}

function voicesOf(welcome: Welcome, lane: number): number[] {
  const drum = welcome.drums[lane];
  return welcome.voices.flatMap((voice, number) => (voice.drum === drum ? [number] : []));
}

/** What touching a cell does: a stroke, then its accent, then silence, then as it is written again. */
export function touched(bar: BarView, cell: Cell): Command {
  const { drawn, written } = found(bar, cell.step, [cell.voice]);
  const place = [cell.bar, cell.step, cell.voice] as const;
  if (drawn === undefined) return ["draw", ...place, written === undefined ? STROKE : ACCENT];
  if (drawn.velocity === 0) return ["erase", ...place];
  return ["draw", ...place, drawn.velocity < ACCENT ? ACCENT : 0];
}
