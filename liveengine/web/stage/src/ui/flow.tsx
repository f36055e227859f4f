// The plan: what plays and what is planned, as lanes that flow towards the strike line.
import { useEffect, useRef } from "preact/hooks";
import { say, type Key } from "../language";
import { cellAt, touched } from "../drawing";
import { layOutHeard, paintHeard } from "../heard";
import {
  act,
  clock,
  connected,
  heard,
  live,
  plan,
  planChanges,
  players,
  time,
  titleOf,
  welcome,
} from "../state";
import { isDark } from "../theme";
import { layOut, paint, type Frame, type Moment } from "../waterfall";
import { drumName, styleWords } from "../words";
import { Hear } from "./hear";
import { Heard } from "./heard";
import { Action } from "./parts";

const WIDE_PX = 760;
/** The frame that was painted last; what the page shows can be asked of it. */
export let painted: Frame | null = null;

function momentFor(width: number, height: number): Moment | null {
  const map = time.peek();
  const card = welcome.peek();
  const nowMs = performance.now();
  if (map === null || card === null || !clock.known) return null;
  const commitMs = live.peek()?.commit_ms ?? 0;
  return { plan, map, welcome: card, nowUs: clock.engineUs(nowMs), nowMs, commitMs, width, height, titleOf };
}

/** Draws into the cell under a finger. */
function drawAt(x: number, y: number, canvas: HTMLCanvasElement): void {
  const moment = momentFor(canvas.clientWidth, canvas.clientHeight);
  const cell = moment === null ? null : cellAt(moment, x, y);
  const bar = cell === null ? undefined : plan.bars.get(cell.bar);
  if (cell !== null && bar !== undefined) void act(...touched(bar, cell));
}

/** A canvas's context in CSS pixels, as large as it is shown. */
function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const scale = Math.min(2, devicePixelRatio);
  const { clientWidth, clientHeight } = canvas;
  if (canvas.width !== Math.round(clientWidth * scale)) canvas.width = Math.round(clientWidth * scale);
  if (canvas.height !== Math.round(clientHeight * scale)) canvas.height = Math.round(clientHeight * scale);
  const context = canvas.getContext("2d", { alpha: false });
  context?.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

export function Flow() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const strip = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let wanted = 0;
    const draw = () => {
      wanted = requestAnimationFrame(draw);
      const element = canvas.current;
      const context = element && contextOf(element);
      const moment = element && momentFor(element.clientWidth, element.clientHeight);
      if (!context || !moment) return;
      const dark = isDark.peek();
      painted = layOut(moment);
      paint(context, painted, moment, { labels: innerWidth < WIDE_PX, dark });
      const below = strip.current && contextOf(strip.current);
      if (!below) return;
      const marks = layOutHeard(moment, heard.onsets, players.peek()?.riff_bars ?? 0);
      paintHeard(below, painted, marks, { width: moment.width, height: below.canvas.clientHeight, dark });
    };
    draw();
    return () => cancelAnimationFrame(wanted);
  }, []);
  return (
    <section class={`flow ${connected.value ? "" : "lost"}`} aria-labelledby="flow-title">
      <h2 id="flow-title" class="unseen">
        {say("plan")}
      </h2>
      <canvas
        ref={canvas}
        onClick={(event) => drawAt(event.offsetX, event.offsetY, event.currentTarget)}
        role="img"
        title={say("plan.draw")}
        aria-label={say("plan.picture")}
      />
      <PlayingBar />
      <Drawn />
      <Heard picture={strip} />
      <Hear />
    </section>
  );
}

/** A way back from all that was drawn, where something was. */
function Drawn() {
  planChanges.value;
  if ([...plan.bars.values()].every((bar) => bar.drawing.length === 0)) return null;
  return (
    <Action name="clear_drawing" class="clear-drawing" tip={say("plan.clear.tip")}>
      {say("plan.clear")}
    </Action>
  );
}

const LOUDNESS: readonly [number, Key][] = [
  [0, "loud.muted"],
  [40, "loud.ghost"],
  [75, "loud.soft"],
  [105, "loud.medium"],
  [127, "loud.loud"],
];

/** The bar that plays as a table, for those who do not see the waterfall. */
function PlayingBar() {
  planChanges.value; // which bar it is
  const bar = plan.bars.get(plan.current);
  const card = welcome.value;
  if (card === null || bar === undefined || time.value?.sounding !== true) return null;
  const rows = card.drums.map((drum) => {
    const hits = bar.hits.filter((hit) => card.voices[hit.voice]?.drum === drum);
    const received = hits.map((hit) => {
      const loud = LOUDNESS.find(([most]) => hit.velocity <= most)?.[1] ?? "loud.loud";
      return `${Math.floor(hit.step / 4) + 1}.${(hit.step % 4) + 1} ${say(loud)}`;
    });
    return { drum: drumName(drum), received: received.join(", ") || say("plan.rests") };
  });
  return (
    <table class="unseen">
      <caption>{say("plan.caption", { bar: bar.index + 1, style: styleWords(bar, titleOf) })}</caption>
      <tbody>
        {rows.map((row) => (
          <tr key={row.drum}>
            <th scope="row">{row.drum}</th>
            <td>{row.received}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
