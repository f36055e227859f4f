// The proof panel: how well time is kept, and how far ahead of its deadline each bar was there.
import { live, proof } from "../state";
import type { Making, Proof } from "../messages";
import { Panel } from "./parts";

const WIDTH = 300;
const HEIGHT = 84;
const FOOT = 14;

export function ProofPanel() {
  const received = proof.value;
  if (received === null) return null;
  const dropped = Object.values(received.dropped).reduce((sum, each) => sum + each, 0);
  const made = Object.entries(received.made_by);
  const all = made.reduce((sum, [, count]) => sum + count, 0);
  const remote = received.made_by["remote"] ?? 0;
  return (
    <Panel title="Proof" name="proof">
      <dl class="numbers">
        <Figure name="notes" value={String(received.notes)} />
        <Figure name="late by, half of them" value={`${received.p50_ms.toFixed(2)} ms`} />
        <Figure name="95 of 100" value={`${received.p95_ms.toFixed(2)} ms`} />
        <Figure name="the latest" value={`${received.most_ms.toFixed(2)} ms`} />
        <Figure
          name="late bars"
          value={`${received.late_bars} of ${received.bars}`}
          bad={received.late_bars > 0}
        />
        <Figure name="dropped notes" value={String(dropped)} bad={dropped > 0} />
        <Figure name="committed ahead" value={`${live.value?.commit_ms ?? 0} ms`} />
        {all > 0 && (
          <Figure name="bars from other machines" value={`${Math.round((100 * remote) / all)} %`} />
        )}
      </dl>
      <Lateness received={received} />
      <Makings makings={received.making} />
      <p>
        <a href="./api/v1/live/take.mid" download="liveengine-take.mid">
          Download the last take
        </a>
      </p>
    </Panel>
  );
}

function Figure(props: { name: string; value: string; bad?: boolean }) {
  return (
    <div class={props.bad === true ? "bad" : ""}>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

/** How late the last notes were sent, as a histogram. */
function Lateness(props: { received: Proof }) {
  const { bins, bin_ms: binMs } = props.received;
  const most = Math.max(1, ...bins);
  const wide = WIDTH / bins.length;
  const end = (bins.length - 1) * binMs;
  return (
    <figure>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`}
        role="img"
        aria-label="Histogram of how late notes were sent"
      >
        {bins.map((count, bin) => {
          const tall = (HEIGHT * count) / most;
          const last = bin === bins.length - 1;
          return (
            <rect
              key={bin}
              x={bin * wide}
              y={HEIGHT - tall}
              width={wide - 0.7}
              height={tall}
              class={last ? "late" : "well"}
            />
          );
        })}
        {[0, 0.5, 1, 1.5, 2].map((ms) => (
          <text key={ms} x={Math.min(WIDTH - 12, (ms / end) * (WIDTH - wide))} y={HEIGHT + 11}>
            {ms}
          </text>
        ))}
      </svg>
      <figcaption>notes by ms late; the last bar is all beyond {end.toFixed(0)} ms</figcaption>
    </figure>
  );
}

/** How long each of the last bars took, of the time that it had. */
function Makings(props: { makings: Making[] }) {
  const shown = props.makings.filter((each) => each.waited_ms !== null);
  const wide = WIDTH / 32;
  const shares = shown.map(
    (each) => ((each.waited_ms ?? 0) / Math.max(1, each.allowed_ms ?? Infinity)) * 100,
  );
  const newest = shown.at(-1);
  return (
    <figure>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`}
        role="img"
        aria-label="Time that the last bars took, in percent of what they had"
      >
        <line x1="0" x2={WIDTH} y1="1" y2="1" class="deadline" />
        {shown.map((each, place) => {
          const tall = Math.max(1.5, HEIGHT * Math.min(1, (shares[place] ?? 0) / 100));
          return (
            <rect
              key={each.bar}
              x={place * wide}
              y={HEIGHT - tall}
              width={wide - 1.5}
              height={tall}
              class={each.late ? "late" : "well"}
            >
              <title>
                bar {each.bar + 1}: {each.waited_ms?.toFixed(0)} ms of {each.allowed_ms?.toFixed(0) ?? "–"}
              </title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        {newest === undefined
          ? "no bar has played yet"
          : `bars by time taken, up to the deadline; the last took ${newest.waited_ms?.toFixed(0)} of ${newest.allowed_ms?.toFixed(0) ?? "–"} ms`}
      </figcaption>
    </figure>
  );
}
