// Proof: how well time is kept, and how soon each bar was ready, behind a dial in the head of the page.
import { useEffect } from "preact/hooks";
import { say } from "../language";
import type { Making, Proof } from "../messages";
import { live, proof } from "../state";
import { Button, FileLink } from "./parts";
import { proofIsOpen } from "./view";

const WIDTH = 300;
const HEIGHT = 70;
const FOOT = 14;
/** Lateness at which the dial is full. */
const DIAL_MS = 2;
const RADIUS = 13;
const ROUND = 2 * Math.PI * RADIUS;

/** A small dial: the lateness that 95 of 100 notes stay below, red once a bar was late or a note was left out. */
export function ProofDial() {
  const received = proof.value;
  useEffect(() => {
    const close = (event: Event) => {
      const inside = event.target instanceof Element && event.target.closest(".proof, .dial") !== null;
      if (!inside) proofIsOpen.value = false;
    };
    addEventListener("pointerdown", close);
    return () => removeEventListener("pointerdown", close);
  }, []);
  if (received === null) return null;
  const value = received.p95_ms.toFixed(2);
  const share = Math.min(1, received.p95_ms / DIAL_MS);
  const bad = received.late_bars > 0 || droppedOf(received) > 0;
  return (
    <>
      <Button
        class={`dial ${bad ? "bad" : ""}`}
        tip={say("proof.tip", { value })}
        label={`${say("proof")}: ${say("proof.tip", { value })}`}
        pressed={proofIsOpen.value}
        onClick={() => (proofIsOpen.value = !proofIsOpen.value)}
      >
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="16" cy="16" r={RADIUS} class="track" />
          <circle
            cx="16"
            cy="16"
            r={RADIUS}
            class="filled"
            stroke-dasharray={`${Math.max(0.04, share) * ROUND} ${ROUND}`}
            transform="rotate(-90 16 16)"
          />
          <text x="16" y="19">
            {value.replace(/^0/, "")}
          </text>
        </svg>
      </Button>
      {proofIsOpen.value && <ProofSheet received={received} />}
    </>
  );
}

const droppedOf = (received: Proof) => Object.values(received.dropped).reduce((sum, each) => sum + each, 0);

function ProofSheet(props: { received: Proof }) {
  const { received } = props;
  const dropped = droppedOf(received);
  const all = Object.values(received.made_by).reduce((sum, count) => sum + count, 0);
  const remote = received.made_by["remote"] ?? 0;
  const late = say("proof.of", { part: received.late_bars, all: received.bars });
  return (
    <section class="panel proof" aria-labelledby="proof-title">
      <h2 id="proof-title">{say("proof")}</h2>
      <dl class="numbers">
        <Figure name={say("proof.half")} value={`${received.p50_ms.toFixed(2)} ms`} />
        <Figure name={say("proof.most_of")} value={`${received.p95_ms.toFixed(2)} ms`} />
        <Figure name={say("proof.latest")} value={`${received.most_ms.toFixed(2)} ms`} />
        <Figure name={say("proof.notes")} value={String(received.notes)} />
        <Figure name={say("proof.late_bars")} value={late} bad={received.late_bars > 0} />
        <Figure name={say("proof.dropped")} value={String(dropped)} bad={dropped > 0} />
        <Figure name={say("proof.ahead")} value={`${live.value?.commit_ms ?? 0} ms`} />
        {all > 0 && <Figure name={say("proof.remote")} value={`${Math.round((100 * remote) / all)} %`} />}
      </dl>
      <Lateness received={received} />
      <Makings makings={received.making} />
      <p>
        <FileLink name="liveengine-take.mid" address="./api/v1/live/take.mid">
          {say("proof.take")}
        </FileLink>
      </p>
    </section>
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
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`} role="img" aria-label={say("proof.lateness")}>
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
      <figcaption>{say("proof.lateness.text", { end: end.toFixed(0) })}</figcaption>
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
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + FOOT}`} role="img" aria-label={say("proof.making")}>
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
                {say("proof.making.bar", {
                  bar: each.bar + 1,
                  took: each.waited_ms?.toFixed(0) ?? "–",
                  had: each.allowed_ms?.toFixed(0) ?? "–",
                })}
              </title>
            </rect>
          );
        })}
      </svg>
      <figcaption>
        {newest === undefined
          ? say("proof.making.none")
          : say(newest.late ? "proof.making.late" : "proof.making.well")}
      </figcaption>
    </figure>
  );
}
