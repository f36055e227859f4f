// The waterfall: drums as lanes that flow towards the strike line; where everything lies, and how it is painted.
import { STEPS_PER_BEAT, beatAt, meterAt, soundingBeat, startBeat } from "./beats";
import type { TimeMap, Welcome } from "./messages";
import { CHANGE_MS, type PlanStore } from "./plan";
import { say } from "./language";
import { drumName, styleWords } from "./words";

const BEATS_BACK = 1.5;
/** As far as plans reach in 4/4; a narrow screen shows less. */
const BEATS_AHEAD = 9;
const LEAST_PIXELS_PER_BEAT = 46;
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
  /** Whether it was drawn by hand, and stays. */
  readonly drawn: boolean;
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
  /** Cells that are to stay silent by hand: where their sixteenth lies. */
  readonly silences: readonly { x: number; lane: number }[];
  readonly nowX: number;
  readonly perBeat: number;
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

/** The lane of a voice, from the top. */
function laneOf(welcome: Welcome, voice: number): number {
  return welcome.drums.indexOf(welcome.voices[voice]?.drum ?? "");
}

/** Where the beats of the session lie across the screen. */
export interface Axis {
  readonly nowBeat: number;
  readonly nowX: number;
  readonly perBeat: number;
  x(beat: number): number;
}

/** The axis at a moment: time flows to the left. */
export function axisOf({ map, nowUs, width }: Pick<Moment, "map" | "nowUs" | "width">): Axis {
  const perBeat = Math.max(LEAST_PIXELS_PER_BEAT, width / (BEATS_BACK + BEATS_AHEAD));
  const nowBeat = beatAt(map, nowUs);
  const nowX = BEATS_BACK * perBeat;
  return { nowBeat, nowX, perBeat, x: (beat) => nowX + (beat - nowBeat) * perBeat };
}

/** Where everything lies at a moment. Pure. */
export function layOut(moment: Moment): Frame {
  const { map, welcome, plan, width, height } = moment;
  const { nowBeat, nowX, perBeat, x } = axisOf(moment);
  const endBeat = nowBeat + (width - nowX) / perBeat;
  const laneHeight = height / welcome.drums.length;
  const committedBeat = nowBeat + (moment.commitMs * map.bpm) / 60_000;
  const bars = plan.from(map.origin_bar);

  if (!map.sounding) return { marks: [], bands: [], lines: [], silences: [], nowX, perBeat, laneHeight };
  const marks: Mark[] = [];
  const place = (
    bar: number,
    hit: Parameters<typeof soundingBeat>[2],
    ghost: number,
    stale: number | null,
  ) => {
    const beat = soundingBeat(map, bar, hit);
    if (beat < nowBeat - BEATS_BACK - 1 || beat > endBeat + 1) return;
    const lane = laneOf(welcome, hit.voice);
    const tall = laneHeight * (0.3 + 0.5 * (hit.velocity / 127));
    marks.push({
      bar,
      serial: hit.serial,
      voice: hit.voice,
      velocity: hit.velocity,
      beat,
      lane,
      x: x(beat),
      gridX: x(startBeat(map, bar) + hit.step / STEPS_PER_BEAT),
      y: (lane + 0.5) * laneHeight - tall / 2,
      height: tall,
      light: lightOf(hit.velocity),
      newness: ghost > 0 ? 0 : plan.newness(hit, moment.nowMs),
      ghost,
      drawn: hit.drawn,
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

  const silences = bars.flatMap((bar) => {
    const start = startBeat(map, bar.index);
    const silent = bar.drawing.filter((each) => each.velocity === 0);
    return silent.map(({ step, voice }) => ({
      x: x(start + step / STEPS_PER_BEAT),
      lane: laneOf(welcome, voice),
    }));
  });
  const bands: Band[] = [];
  const lines: { x: number; weight: "step" | "beat" | "bar"; label: string }[] = [];
  for (const bar of bars) {
    const start = startBeat(map, bar.index);
    const { beats, steps } = meterAt(map, bar.index);
    const part: Part = bar.index < plan.current ? "past" : bar.index === plan.current ? "playing" : "planned";
    bands.push({ part, from: x(start), to: x(start + beats) });
    if (bar.stale_from !== null)
      bands.push({
        part: "stale",
        from: x(start + bar.stale_from / STEPS_PER_BEAT),
        to: x(start + beats),
      });
    for (let step = 0; step < steps; step++) {
      const weight = step === 0 ? "bar" : step % STEPS_PER_BEAT === 0 ? "beat" : "step";
      const made = bar.fallback ? ` (${say("plan.repeated")})` : "";
      const label = step === 0 ? `${bar.index + 1} ${styleWords(bar, moment.titleOf)}${made}` : "";
      lines.push({ x: x(start + step / STEPS_PER_BEAT), weight, label });
    }
  }
  bands.push({ part: "committed", from: nowX, to: x(committedBeat) });
  return { marks, bands, lines, silences, nowX, perBeat, laneHeight };
}

/** A hue per drum, from the top of the kit to its bottom: cymbals warm and light, skins deep. */
export const LANE_HUES = [46, 32, 168, 190, 268, 310, 12, 214];

/** The colours of a theme; `least` and `most` are the lightness of a ghost note and of an accent, in percent. */
export interface Palette {
  readonly ground: string;
  readonly bands: Record<Part, string>;
  readonly lines: Record<"step" | "beat" | "bar", string>;
  readonly lanes: string;
  readonly now: string;
  readonly label: string;
  readonly behindLabel: string;
  readonly fresh: string;
  readonly drum: number;
  readonly muted: number;
  readonly least: number;
  readonly most: number;
}

const DARK: Palette = {
  ground: "#0b0e12",
  bands: {
    past: "#0d1015",
    playing: "#1b222c",
    committed: "rgba(255, 180, 84, .26)",
    planned: "#131820",
    stale: "rgba(226, 86, 86, .13)",
  },
  lines: { step: "rgba(255,255,255,.04)", beat: "rgba(255,255,255,.12)", bar: "rgba(255,255,255,.4)" },
  lanes: "rgba(0,0,0,.4)",
  now: "#ffb454",
  label: "#aab6c4",
  behindLabel: "rgba(11,14,18,.8)",
  fresh: "#fff",
  drum: 72,
  muted: 28,
  least: 34,
  most: 74,
};
const LIGHT: Palette = {
  ground: "#e9ecf0",
  bands: {
    past: "#e3e6ea",
    playing: "#ffffff",
    committed: "rgba(245, 158, 11, .24)",
    planned: "#f3f5f8",
    stale: "rgba(220, 60, 60, .13)",
  },
  lines: { step: "rgba(20,30,45,.05)", beat: "rgba(20,30,45,.14)", bar: "rgba(20,30,45,.45)" },
  lanes: "rgba(20,30,45,.1)",
  now: "#c2670a",
  label: "#475467",
  behindLabel: "rgba(255,255,255,.85)",
  fresh: "#111827",
  drum: 30,
  muted: 72,
  least: 72,
  most: 36,
};
/** The colours of what is painted beside the waterfall, too. */
export const paletteOf = (dark: boolean): Palette => (dark ? DARK : LIGHT);

const HIT_WIDTH = 7;
const CROSS = 4;
const LABEL_HEIGHT = 16;
/** What the names of drums take at the left, on screens where nothing beside the lanes says them. */
const DRUM_WIDTH = 62;

/** Paints a frame. Sizes are CSS pixels; the context is scaled to the screen's. */
export function paint(
  context: CanvasRenderingContext2D,
  frame: Frame,
  moment: Moment,
  shown: { readonly labels: boolean; readonly dark: boolean },
): void {
  const { width, height, welcome } = moment;
  const palette = paletteOf(shown.dark);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  for (const band of frame.bands) {
    context.fillStyle = palette.bands[band.part];
    context.fillRect(band.from, 0, band.to - band.from, height);
  }
  context.fillStyle = palette.lanes;
  for (let lane = 1; lane < welcome.drums.length; lane++)
    context.fillRect(0, lane * frame.laneHeight, width, 1);
  for (const line of frame.lines) {
    context.fillStyle = palette.lines[line.weight];
    context.fillRect(Math.round(line.x), 0, line.weight === "bar" ? 2 : 1, height);
  }
  for (const mark of frame.marks) paintMark(context, mark, frame, palette);
  context.strokeStyle = palette.fresh;
  context.lineWidth = 1.5;
  for (const { x, lane } of frame.silences) paintSilence(context, x, (lane + 0.5) * frame.laneHeight);
  context.fillStyle = palette.now;
  context.fillRect(frame.nowX - 1, 0, 2, height);
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "top";
  paintLabels(context, frame, palette, shown.labels ? DRUM_WIDTH : 0);
  if (frame.lines.length === 0) {
    context.fillStyle = palette.label;
    context.fillText(say("now.stopped"), frame.nowX + 12, height / 2);
  }
  if (shown.labels) {
    context.textBaseline = "middle";
    welcome.drums.forEach((drum, lane) => {
      context.fillStyle = `hsl(${LANE_HUES[lane]} 70% ${palette.drum}%)`;
      context.fillText(drumName(drum), 4, (lane + 0.5) * frame.laneHeight);
    });
  }
}

/** Names of bars at their lines; that of the bar that plays stays in sight until the next one pushes it out. */
function paintLabels(context: CanvasRenderingContext2D, frame: Frame, palette: Palette, least: number): void {
  context.save();
  context.beginPath();
  context.rect(least, 0, context.canvas.width, LABEL_HEIGHT);
  context.clip();
  let before = Infinity;
  for (const line of frame.lines.filter((each) => each.label !== "").reverse()) {
    const width = context.measureText(line.label).width + 6;
    const left = Math.min(Math.max(line.x + 3, least + 2), before - width - 4);
    before = line.x;
    context.fillStyle = palette.behindLabel;
    context.fillRect(left, 1, width, LABEL_HEIGHT - 2);
    context.fillStyle = palette.label;
    context.fillText(line.label, left + 3, 3);
  }
  context.restore();
}

function paintMark(context: CanvasRenderingContext2D, mark: Mark, frame: Frame, palette: Palette): void {
  const hue = LANE_HUES[mark.lane] ?? 0;
  if (mark.ghost > 0) {
    context.globalAlpha = mark.ghost * 0.8;
    context.strokeStyle = "hsl(0 80% 62%)";
    context.lineWidth = 1.5;
    context.strokeRect(mark.x, mark.y, HIT_WIDTH, mark.height);
    context.globalAlpha = 1;
    return;
  }
  const since = (frame.nowX - mark.x) / frame.perBeat;
  const shine = since >= 0 && since < SHINE_BEATS ? 1 - since / SHINE_BEATS : 0;
  const { least, most, muted } = palette;
  const shade = mark.velocity === 0 ? muted : least + (most - least) * mark.light;
  const light = shade + Math.sign(most - least) * (30 * shine + 22 * mark.newness);
  const faded = mark.part === "past" ? 0.35 + 0.65 * shine : mark.part === "stale" ? 0.55 : 1;
  context.globalAlpha = faded;
  // How far feel has moved it from its sixteenth.
  context.fillStyle = `hsl(${hue} 60% 60% / .55)`;
  const middle = mark.y + mark.height / 2;
  context.fillRect(Math.min(mark.gridX, mark.x), middle - 1, Math.abs(mark.x - mark.gridX), 2);
  context.fillStyle = `hsl(${hue} ${mark.velocity === 0 ? 8 : 82}% ${Math.min(92, Math.max(18, light))}%)`;
  context.beginPath();
  context.roundRect(mark.x, mark.y, HIT_WIDTH, mark.height, 2);
  context.fill();
  if (mark.drawn) {
    context.strokeStyle = palette.fresh;
    context.lineWidth = 1.5;
    context.strokeRect(mark.x - 2.5, mark.y - 2.5, HIT_WIDTH + 5, mark.height + 5);
  }
  if (mark.newness > 0) {
    context.globalAlpha = mark.newness;
    context.strokeStyle = palette.fresh;
    context.lineWidth = 2;
    context.strokeRect(mark.x - 2, mark.y - 2, HIT_WIDTH + 4, mark.height + 4);
  }
  context.globalAlpha = 1;
}

/** A cell that stays silent by hand: a small cross. */
function paintSilence(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath();
  context.moveTo(x - CROSS, y - CROSS);
  context.lineTo(x + CROSS, y + CROSS);
  context.moveTo(x - CROSS, y + CROSS);
  context.lineTo(x + CROSS, y - CROSS);
  context.stroke();
}
