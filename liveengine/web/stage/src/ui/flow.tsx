// The waterfall with its lane heads: what plays and what is planned, and each drum's level and switches beside it.
import { useEffect, useRef } from "preact/hooks";
import { clock, connected, live, plan, planChanges, time, titleOf, welcome } from "../state";
import { LANE_HUES, layOut, paint, type Frame, type Moment } from "../waterfall";
import { drumName } from "../words";
import { MILLISECONDS, SHARE, Slider, Toggle } from "./parts";

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

export function Flow() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let wanted = 0;
    const draw = () => {
      wanted = requestAnimationFrame(draw);
      const element = canvas.current;
      const context = element?.getContext("2d", { alpha: false });
      if (!element || !context) return;
      const scale = Math.min(2, devicePixelRatio);
      const { clientWidth: width, clientHeight: height } = element;
      if (element.width !== Math.round(width * scale)) element.width = Math.round(width * scale);
      if (element.height !== Math.round(height * scale)) element.height = Math.round(height * scale);
      const moment = momentFor(width, height);
      if (moment === null) return;
      context.setTransform(scale, 0, 0, scale, 0, 0);
      painted = layOut(moment);
      paint(context, painted, moment, innerWidth < WIDE_PX);
    };
    draw();
    return () => cancelAnimationFrame(wanted);
  }, []);
  return (
    <section class={`flow ${connected.value ? "" : "lost"}`} aria-labelledby="flow-title">
      <h2 id="flow-title" class="unseen">
        The plan
      </h2>
      <Lanes />
      <canvas
        ref={canvas}
        role="img"
        aria-label="Drums flowing towards the strike line; the table after it says the same"
      />
      <PlayingBar />
    </section>
  );
}

function Lanes() {
  const drums = welcome.value?.drums ?? [];
  return (
    <div class="lanes" role="group" aria-label="Drums">
      {drums.map((drum, lane) => {
        const name = drumName(drum);
        return (
          <div class="lane" key={drum} style={{ "--hue": LANE_HUES[lane] }}>
            <span class="drum">{name}</span>
            <Toggle control={`mute_${drum}`} label={`mute ${name}`} class="small mute">
              M
            </Toggle>
            <Toggle control={`solo_${drum}`} label={`solo ${name}`} class="small solo">
              S
            </Toggle>
            <Slider control={`level_${drum}`} label={`level of ${name}`} shown={SHARE} home={1} bare />
          </div>
        );
      })}
    </div>
  );
}

/** Pushes and borrowed drums, which are turned less often. */
export function Pushes() {
  const drums = welcome.value?.drums ?? [];
  return (
    <details class="panel pushes">
      <summary>
        <h2>Push, pull and borrowed drums</h2>
      </summary>
      <p class="hint">Later is positive. A borrowed drum is played by the style that blends in.</p>
      {drums.map((drum) => {
        const name = drumName(drum);
        return (
          <div class="push" key={drum}>
            <Slider control={`push_${drum}`} label={`push of ${name}`} shown={MILLISECONDS} home={0} />
            <Toggle control={`borrow_${drum}`} label={`borrow ${name}`} class="small">
              borrow
            </Toggle>
          </div>
        );
      })}
    </details>
  );
}

const WORDS: readonly [number, string][] = [
  [0, "muted"],
  [40, "ghost"],
  [75, "soft"],
  [105, "medium"],
  [127, "loud"],
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
      const loud = WORDS.find(([most]) => hit.velocity <= most)?.[1] ?? "loud";
      return `${Math.floor(hit.step / 4) + 1}.${(hit.step % 4) + 1} ${loud}`;
    });
    return { drum: drumName(drum), received: received.join(", ") || "rests" };
  });
  return (
    <table class="unseen">
      <caption>
        Bar {bar.index + 1}, {titleOf(bar.style)}: beat and sixteenth of each stroke
      </caption>
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
