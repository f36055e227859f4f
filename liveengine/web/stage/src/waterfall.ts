// The waterfall: drums as lanes that flow towards the strike line; where everything lies, and how it is painted.
import { beatAt, soundingBeat, startBeat } from "./beats";
import type { TimeMap, Welcome } from "./messages";
import { CHANGE_MS, type PlanStore } from "./plan";
import { drumName } from "./words";

const BEATS_BACK = 1.5;
/** As far as plans reach in 4/4; a narrow screen shows less. */
const BEATS_AHEAD = 9;
const LEAST_PIXELS_PER_BEAT = 46;
const STEPS_PER_BEAT = 4;
/** The time a struck hit goes on shining. */
const SHINE_BEATS = 0.35;

/** Which part of the music's time it is, for its shade. */
export type Part = "past" | "playing" | "committed" | "planned" | "stale";

/** A hit as it is painted; x is where it sounds, in pixels, `gridX` where its sixteenth lies. */
export interface Mark {
  readonly bar: number;
  readonly serial: number;
  readonly voice: number;
  readonly velocity: number;
  readonly beat: number;
  readonly lane: number;
  readonly x: number;
  readonly gridX: number;
  readonly y: number;
  readonly height: number;
  readonly light: number;
  readonly newness: number;
  readonly ghost: number;
  readonly part: Part;
}

/** A stretch of time from one x to another. */
export interface Band {
  readonly part: Part;
  readonly from: number;
  readonly to: number;
}

/** All that one frame shows. */
export interface Frame {
  readonly marks: readonly Mark[];
  readonly bands: readonly Band[];
  readonly lines: readonly { x: number; weight: "step" | "beat" | "bar"; label: string }[];
  readonly nowX: number;
  readonly laneHeight: number;
}

/** What a frame is laid out from. */
export interface Moment {
  readonly plan: PlanStore;
  readonly map: TimeMap;
  readonly welcome: Welcome;
  readonly nowUs: number;
  readonly nowMs: number;
  readonly commitMs: number;
  readonly width: number;
  readonly height: number;
  titleOf(style: string): string;
}

/** Brightness 0-1 of a velocity: ghost notes stay visible, accents shine. */
export function lightOf(velocity: number): number {
  return velocity === 0 ? 0 : 0.25 + 0.75 * (velocity / 127) ** 1.3;
}

/** Where everything lies at a moment. Pure. */
export function layOut(moment: Moment): Frame {
  const { map, welcome, plan, width, height } = moment;
  const perBeat = Math.max(LEAST_PIXELS_PER_BEAT, width / (BEATS_BACK + BEATS_AHEAD));
  const nowBeat = beatAt(map, moment.nowUs);
  const nowX = BEATS_BACK * perBeat;
  const endBeat = nowBeat + (width - nowX) / perBeat;
  const x = (beat: number) => nowX + (beat - nowBeat) * perBeat;
  const laneHeight = height / welcome.drums.length;
  const committedBeat = nowBeat + (moment.commitMs * map.bpm) / 60_000;
  const barBeats = welcome.bar_beats;
  const bars = plan.from(map.origin_bar);

  if (!map.sounding) return { marks: [], bands: [], lines: [], nowX, laneHeight };
  const marks: Mark[] = [];
  const place = (
    bar: number,
    hit: Parameters<typeof soundingBeat>[3],
    ghost: number,
    stale: number | null,
  ) => {
    const beat = soundingBeat(map, bar, barBeats, hit);
    if (beat < nowBeat - BEATS_BACK - 1 || beat > endBeat + 1) return;
    const lane = welcome.drums.indexOf(welcome.voices[hit.voice]?.drum ?? "");
    const tall = laneHeight * (0.3 + 0.5 * (hit.velocity / 127));
    marks.push({
      bar,
      serial: hit.serial,
      voice: hit.voice,
      velocity: hit.velocity,
      beat,
      lane,
      x: x(beat),
      gridX: x(startBeat(map, bar, barBeats) + hit.step / STEPS_PER_BEAT),
      y: (lane + 0.5) * laneHeight - tall / 2,
      height: tall,
      light: lightOf(hit.velocity),
      newness: ghost > 0 ? 0 : plan.newness(hit, moment.nowMs),
      ghost,
      part:
        beat <= nowBeat
          ? "past"
          : beat <= committedBeat
            ? "committed"
            : stale !== null && hit.step >= stale
              ? "stale"
              : bar === plan.current
                ? "playing"
                : "planned",
    });
  };
  for (const bar of bars) for (const hit of bar.hits) place(bar.index, hit, 0, bar.stale_from);
  for (const ghost of plan.ghosts)
    if (ghost.bar >= map.origin_bar && moment.nowMs < ghost.goneMs + CHANGE_MS)
      place(ghost.bar, ghost.hit, 1 - (moment.nowMs - ghost.goneMs) / CHANGE_MS, null);

  const bands: Band[] = [];
  const lines: { x: number; weight: "step" | "beat" | "bar"; label: string }[] = [];
  for (const bar of bars) {
    const start = startBeat(map, bar.index, barBeats);
    const part: Part = bar.index < plan.current ? "past" : bar.index === plan.current ? "playing" : "planned";
    bands.push({ part, from: x(start), to: x(start + barBeats) });
    if (bar.stale_from !== null)
      bands.push({
        part: "stale",
        from: x(start + bar.stale_from / STEPS_PER_BEAT),
        to: x(start + barBeats),
      });
    for (let step = 0; step < welcome.bar_steps; step++) {
      const weight = step === 0 ? "bar" : step % STEPS_PER_BEAT === 0 ? "beat" : "step";
      const made = bar.fallback ? " (fallback)" : "";
      const label = step === 0 ? `${bar.index + 1} ${moment.titleOf(bar.style)}${made}` : "";
      lines.push({ x: x(start + step / STEPS_PER_BEAT), weight, label });
    }
  }
  bands.push({ part: "committed", from: nowX, to: x(committedBeat) });
  return { marks, bands, lines, nowX, laneHeight };
}

/** A hue per drum, from the top of the kit to its bottom: cymbals warm and light, skins deep. */
export const LANE_HUES = [46, 32, 168, 190, 268, 310, 12, 214];

const SHADES: Record<Part, string> = {
  past: "#0d1117",
  playing: "#1c2532",
  committed: "rgba(255, 180, 84, .30)",
  planned: "#141b25",
  stale: "rgba(226, 86, 86, .13)",
};
const LINE_SHADES = {
  step: "rgba(255,255,255,.05)",
  beat: "rgba(255,255,255,.13)",
  bar: "rgba(255,255,255,.42)",
};
const HIT_WIDTH = 7;

/** Paints a frame. Sizes are CSS pixels; the context is scaled to the screen's. */
export function paint(
  context: CanvasRenderingContext2D,
  frame: Frame,
  moment: Moment,
  labels: boolean,
): void {
  const { width, height, welcome } = moment;
  context.fillStyle = "#0b0f14";
  context.fillRect(0, 0, width, height);
  for (const band of frame.bands) {
    context.fillStyle = SHADES[band.part];
    context.fillRect(band.from, 0, band.to - band.from, height);
  }
  context.fillStyle = "rgba(0,0,0,.35)";
  for (let lane = 1; lane < welcome.drums.length; lane++)
    context.fillRect(0, lane * frame.laneHeight, width, 1);
  for (const line of frame.lines) {
    context.fillStyle = LINE_SHADES[line.weight];
    context.fillRect(Math.round(line.x), 0, line.weight === "bar" ? 2 : 1, height);
  }
  const perBeat = frame.nowX / BEATS_BACK;
  for (const mark of frame.marks) paintMark(context, mark, frame, perBeat);
  context.fillStyle = "#ffb454";
  context.fillRect(frame.nowX - 1, 0, 2, height);
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "top";
  paintLabels(context, frame);
  if (frame.lines.length === 0) {
    context.fillStyle = "#aab6c4";
    context.fillText("stands still", frame.nowX + 12, height / 2);
  }
  if (labels) {
    context.textBaseline = "middle";
    welcome.drums.forEach((drum, lane) => {
      context.fillStyle = `hsl(${LANE_HUES[lane]} 70% 72%)`;
      context.fillText(drumName(drum), 4, (lane + 0.5) * frame.laneHeight);
    });
  }
}

/** Names of bars at their lines; that of the bar that plays stays in sight until the next one pushes it out. */
function paintLabels(context: CanvasRenderingContext2D, frame: Frame): void {
  let before = Infinity;
  for (const line of frame.lines.filter((each) => each.label !== "").reverse()) {
    const width = context.measureText(line.label).width + 6;
    const left = Math.min(Math.max(line.x + 3, 2), before - width - 4);
    before = line.x;
    context.fillStyle = "rgba(11,15,20,.75)";
    context.fillRect(left, 1, width, 14);
    context.fillStyle = "#aab6c4";
    context.fillText(line.label, left + 3, 3);
  }
}

function paintMark(context: CanvasRenderingContext2D, mark: Mark, frame: Frame, perBeat: number): void {
  const hue = LANE_HUES[mark.lane] ?? 0;
  if (mark.ghost > 0) {
    context.globalAlpha = mark.ghost * 0.8;
    context.strokeStyle = "hsl(0 80% 62%)";
    context.lineWidth = 1.5;
    context.strokeRect(mark.x, mark.y, HIT_WIDTH, mark.height);
    context.globalAlpha = 1;
    return;
  }
  const since = (frame.nowX - mark.x) / perBeat;
  const shine = since >= 0 && since < SHINE_BEATS ? 1 - since / SHINE_BEATS : 0;
  const light = mark.velocity === 0 ? 28 : 22 + 52 * mark.light;
  const faded = mark.part === "past" ? 0.35 + 0.65 * shine : mark.part === "stale" ? 0.55 : 1;
  context.globalAlpha = faded;
  // How far feel has moved it from its sixteenth.
  context.fillStyle = `hsl(${hue} 60% 60% / .55)`;
  const middle = mark.y + mark.height / 2;
  context.fillRect(Math.min(mark.gridX, mark.x), middle - 1, Math.abs(mark.x - mark.gridX), 2);
  context.fillStyle = `hsl(${hue} ${mark.velocity === 0 ? 8 : 82}% ${Math.min(92, light + 30 * shine + 22 * mark.newness)}%)`;
  context.beginPath();
  context.roundRect(mark.x, mark.y, HIT_WIDTH, mark.height, 2);
  context.fill();
  if (mark.newness > 0) {
    context.globalAlpha = mark.newness;
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.strokeRect(mark.x - 2, mark.y - 2, HIT_WIDTH + 4, mark.height + 4);
  }
  context.globalAlpha = 1;
}
