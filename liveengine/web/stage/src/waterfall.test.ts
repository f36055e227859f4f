// The waterfall's layout: where hits, bars and lines lie at a moment, and in which part of the music's time.
import { expect, test } from "vitest";
import type { BarView, HitView, TimeMap, Welcome } from "./messages";
import { CHANGE_MS, PlanStore } from "./plan";
import { barOf, hit, inBarsOf, TIME_MAP } from "./samples";
import { layOut, lightOf, type Frame, type Mark, type Moment, type Part } from "./waterfall";

const DRUMS = ["crash", "ride", "open_hat", "hat", "toms", "rim", "snare", "kick"];
const VOICE_DRUMS: readonly (readonly [string, string])[] = [
  ["kick", "kick"],
  ["snare", "snare"],
  ["snare_rim", "snare"],
  ["rim", "rim"],
  ["closed_hat", "hat"],
  ["pedal_hat", "hat"],
  ["open_hat", "open_hat"],
  ["high_tom", "toms"],
  ["mid_tom", "toms"],
  ["low_tom", "toms"],
  ["crash", "crash"],
  ["crash_2", "crash"],
  ["ride", "ride"],
  ["bell", "ride"],
];
const KICK = 0;
const SNARE = 1;
const HAT = 4;

// 1050 pixels are 10.5 beats: 100 each, the strike line at 150. Eight lanes of 100 pixels.
const WIDTH = 1050;
const HEIGHT = 800;
const PER_BEAT = 100;
const NOW_X = 150;
const BEAT_US = 500_000; // at 120 bpm

function welcome(): Welcome {
  const voices = VOICE_DRUMS.map(([name, drum], place) => ({ name, drum, note: 36 + place }));
  const port = { backend: "", name: "", control: "", system: "linux", cure: "" };
  const [version, styles, controls] = [1, [], []];
  return {
    type: "welcome",
    version,
    engine: "0",
    drums: DRUMS,
    voices,
    styles,
    controls,
    port,
  };
}

const WELCOME = welcome();

function mapAt(bpm: number, more: Partial<TimeMap> = {}): TimeMap {
  return { ...TIME_MAP, bpm, ...more };
}

function planOf(current: number, ...bars: BarView[]): PlanStore {
  const plan = new PlanStore();
  plan.take({ type: "plan", current, known: bars.map((bar) => bar.index), bars }, 0);
  return plan;
}

function momentOf(plan: PlanStore, more: Partial<Moment> = {}): Moment {
  return {
    plan,
    map: mapAt(120),
    welcome: WELCOME,
    nowUs: 0,
    nowMs: 10_000,
    commitMs: 0,
    width: WIDTH,
    height: HEIGHT,
    titleOf: (style) => style.toUpperCase(),
    ...more,
  };
}

function markOf(frame: Frame, bar: number, beat: number): Mark {
  const found = frame.marks.filter((mark) => mark.bar === bar && Math.abs(mark.beat - beat) < 1e-6);
  expect(found).toHaveLength(1);
  return found[0] as Mark;
}

function bandOf(frame: Frame, part: Part): { from: number; to: number }[] {
  return frame.bands.filter((band) => band.part === part).map(({ from, to }) => ({ from, to }));
}

/** Repeatable numbers from 0 to 1 (a Lehmer generator). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

test("what sounds now lies on the strike line, a beat later lies a beat to the right", () => {
  const plan = planOf(0, barOf(0, [hit(0, KICK), hit(4, SNARE), hit(8, KICK)]));
  const frame = layOut(momentOf(plan));
  expect(frame.nowX).toBe(NOW_X);
  expect(frame.marks.map((mark) => mark.x)).toEqual([NOW_X, NOW_X + PER_BEAT, NOW_X + 2 * PER_BEAT]);
  const later = layOut(momentOf(plan, { nowUs: BEAT_US }));
  expect(later.marks.map((mark) => mark.x)).toEqual([NOW_X - PER_BEAT, NOW_X, NOW_X + PER_BEAT]);
});

test("every voice has its drum's lane, in whose middle its mark lies", () => {
  const hits = VOICE_DRUMS.map((_, voice) => hit(voice, voice, { velocity: 9 * voice + 10 }));
  const frame = layOut(momentOf(planOf(0, barOf(0, hits))));
  expect(frame.laneHeight).toBe(100);
  expect(frame.marks).toHaveLength(VOICE_DRUMS.length);
  for (const mark of frame.marks) {
    const drum = VOICE_DRUMS[mark.voice]?.[1] ?? "";
    expect(mark.lane).toBe(DRUMS.indexOf(drum));
    expect(mark.y + mark.height / 2).toBeCloseTo(100 * mark.lane + 50, 9);
    expect(mark.height).toBeLessThan(100);
  }
});

test("harder strokes are taller and brighter, and soft ones stay visible", () => {
  const hits = [1, 20, 64, 100, 127].map((velocity, place) => hit(place, SNARE, { velocity }));
  const { marks } = layOut(momentOf(planOf(0, barOf(0, hits))));
  for (let place = 1; place < marks.length; place++) {
    expect(marks[place]?.height).toBeGreaterThan(marks[place - 1]?.height ?? Infinity);
    expect(marks[place]?.light).toBeGreaterThan(marks[place - 1]?.light ?? Infinity);
  }
  expect(marks[0]?.light).toBeGreaterThan(0.25);
  expect(marks.at(-1)?.light).toBe(1);
  expect(marks.at(-1)?.height).toBeCloseTo(80, 9);
});

test("brightness rises with every velocity from 1 to 127", () => {
  for (let velocity = 1; velocity <= 127; velocity++)
    expect(lightOf(velocity)).toBeGreaterThan(lightOf(velocity - 1));
  expect(lightOf(127)).toBe(1);
});

test("a muted hit keeps its place, dark and small", () => {
  const frame = layOut(momentOf(planOf(0, barOf(0, [hit(4, KICK, { velocity: 0 }), hit(8, KICK)]))));
  const muted = markOf(frame, 0, 1);
  expect(muted.x).toBe(NOW_X + PER_BEAT);
  expect(muted.light).toBe(0);
  expect(muted.velocity).toBe(0);
  expect(muted.height).toBeCloseTo(30, 9);
  expect(muted.height).toBeLessThan(markOf(frame, 0, 2).height);
  expect(muted.ghost).toBe(0);
});

test("feel moves a mark, and its sixteenth stays on the grid", () => {
  const swung = hit(2, HAT, { beat: 2 / 3 }); // 66.7 %: the offbeat's eighth as a triplet
  const laidBack = hit(4, SNARE, { offset_ms: 20 }); // 0.04 beats at 120 bpm
  const rushed = hit(8, KICK, { beat: 2 - 1 / 48, offset_ms: -5 });
  const plan = planOf(0, barOf(0, [swung, laidBack, rushed]));
  const { marks } = layOut(momentOf(plan));
  expect(marks.map((mark) => mark.gridX)).toEqual([200, 250, 350]);
  expect(marks[0]?.x).toBeCloseTo(NOW_X + 66.667, 3);
  expect(marks[1]?.x).toBeCloseTo(254, 9);
  expect(marks[2]?.x).toBeCloseTo(350 - 100 / 48 - 1, 9);
  // Milliseconds are more of a beat at 240 bpm; swing is not.
  const fast = layOut(momentOf(plan, { map: mapAt(240) })).marks;
  expect(fast[0]?.x).toBeCloseTo(NOW_X + 66.667, 3);
  expect(fast[1]?.x).toBeCloseTo(258, 9);
});

test("a first hit that is early lies left of its bar line", () => {
  const early = layOut(momentOf(planOf(0, barOf(0), barOf(1, [hit(0, KICK, { offset_ms: -30 })]))));
  expect(early.marks[0]?.x).toBeCloseTo(NOW_X + 4 * PER_BEAT - 6, 9);
  expect(early.marks[0]?.gridX).toBe(NOW_X + 4 * PER_BEAT);
});

test("hits are past, committed, of the bar that plays, planned or stale", () => {
  const quarters = () => [0, 4, 8, 12].map((step) => hit(step, KICK));
  const plan = planOf(4, barOf(4, quarters()), barOf(5, quarters()), barOf(6, quarters(), { stale_from: 8 }));
  const map = mapAt(120, { origin_beat: 16, origin_bar: 4 });
  // In bar 5 as players count, on its second beat; 600 ms are 1.2 beats.
  const frame = layOut(momentOf(plan, { map, nowUs: 17 * BEAT_US, commitMs: 600, width: 2000 }));
  const parts = (bar: number) => frame.marks.filter((mark) => mark.bar === bar).map((mark) => mark.part);
  expect(parts(4)).toEqual(["past", "past", "committed", "playing"]);
  expect(parts(5)).toEqual(["planned", "planned", "planned", "planned"]);
  expect(parts(6)).toEqual(["planned", "planned", "stale", "stale"]);
});

test("what is committed or past is not stale, though its bar is to be made anew", () => {
  const hits = Array.from({ length: 16 }, (_, step) => hit(step, HAT));
  const plan = planOf(0, barOf(0, hits, { stale_from: 4 }));
  const frame = layOut(momentOf(plan, { nowUs: 2 * BEAT_US, commitMs: 250 })); // half a beat
  const parts = frame.marks.map((mark) => mark.part);
  expect(parts.slice(0, 9)).toEqual(Array(9).fill("past")); // up to the strike line itself
  expect(parts.slice(9, 11)).toEqual(["committed", "committed"]);
  expect(parts.slice(11)).toEqual(Array(5).fill("stale"));
});

test("a bar that plays and is stale from its middle on shows both", () => {
  const plan = planOf(0, barOf(0, [hit(4, KICK), hit(7, KICK), hit(8, KICK)], { stale_from: 8 }));
  const frame = layOut(momentOf(plan));
  expect(frame.marks.map((mark) => mark.part)).toEqual(["playing", "playing", "stale"]);
  expect(bandOf(frame, "playing")).toEqual([{ from: 150, to: 550 }]);
  expect(bandOf(frame, "stale")).toEqual([{ from: 350, to: 550 }]);
});

test("bars are bands of one width, shaded by whether they have been, play or are planned", () => {
  const plan = planOf(2, barOf(1), barOf(2), barOf(3));
  plan.bars.set(1, barOf(1)); // a bar that has just been is kept
  const frame = layOut(momentOf(plan, { nowUs: 9 * BEAT_US, commitMs: 500 }));
  expect(bandOf(frame, "past")).toEqual([{ from: -350, to: 50 }]);
  expect(bandOf(frame, "playing")).toEqual([{ from: 50, to: 450 }]);
  expect(bandOf(frame, "planned")).toEqual([{ from: 450, to: 850 }]);
  expect(bandOf(frame, "committed")).toEqual([{ from: NOW_X, to: NOW_X + PER_BEAT }]);
  expect(bandOf(frame, "stale")).toEqual([]);
});

test("the committed stretch is milliseconds: twice as many beats at twice the tempo", () => {
  for (const [bpm, pixels] of [
    [60, 30],
    [120, 60],
    [240, 120],
  ] as const) {
    const frame = layOut(momentOf(planOf(0, barOf(0)), { map: mapAt(bpm), commitMs: 300 }));
    expect(bandOf(frame, "committed")[0]?.to).toBeCloseTo(NOW_X + pixels, 9);
  }
});

test("a bar of 4/4 has sixteen lines: a bar line, three beats, and sixteenths between", () => {
  const frame = layOut(momentOf(planOf(0, barOf(0))));
  expect(frame.lines.map((line) => line.x)).toEqual(
    Array.from({ length: 16 }, (_, step) => NOW_X + 25 * step), //
  );
  expect(frame.lines.map((line) => line.weight).filter((weight) => weight === "beat")).toHaveLength(3);
  expect(frame.lines.map((line) => line.weight).filter((weight) => weight === "bar")).toHaveLength(1);
});

test("bar lines say bar and style as players read them, and one that is played again says so", () => {
  const plan = planOf(7, barOf(7), barOf(8, [], { style: "jazz", fallback: true }));
  const map = mapAt(120, { origin_bar: 7 });
  const labels = layOut(momentOf(plan, { map })).lines.filter((line) => line.label !== "");
  expect(labels.map((line) => line.label)).toEqual(["8 FUNK", "9 JAZZ (the last bar again)"]);
  expect(labels.map((line) => line.weight)).toEqual(["bar", "bar"]);
});

test("7/8: fourteen sixteenths, the next bar line after three and a half beats", () => {
  const last = hit(13, HAT);
  const plan = planOf(0, barOf(0, [hit(0, KICK), last]), barOf(1, [hit(0, KICK), hit(12, SNARE)]), barOf(2));
  const frame = layOut(momentOf(plan, { map: inBarsOf(mapAt(120), 3.5) }));
  const bars = frame.lines.filter((line) => line.weight === "bar");
  expect(frame.lines).toHaveLength(3 * 14);
  expect(bars.map((line) => line.x)).toEqual([150, 500, 850]);
  const beats = frame.lines.slice(14, 28).filter((line) => line.weight === "beat");
  expect(beats.map((line) => line.x)).toEqual([600, 700, 800]); // the fourth beat is half a beat before the line
  expect(bandOf(frame, "playing")).toEqual([{ from: 150, to: 500 }]);
  expect(frame.marks.map((mark) => mark.x)).toEqual([150, 475, 500, 800]);
  for (const mark of frame.marks) expect(mark.gridX).toBeCloseTo(mark.x, 9);
});

test("7/8 that is stale from its fifth eighth on", () => {
  const hits = [8, 9, 10, 13].map((step) => hit(step, HAT));
  const plan = planOf(2, barOf(2), barOf(3, hits, { stale_from: 10 }));
  const map = inBarsOf(mapAt(140, { origin_bar: 2 }), 3.5);
  const frame = layOut(momentOf(plan, { map }));
  expect(frame.marks.map((mark) => mark.part)).toEqual(["planned", "planned", "stale", "stale"]);
  expect(bandOf(frame, "stale")).toEqual([{ from: 500 + 250, to: 850 }]);
});

test("5/8 and 3/4 have their own bars too", () => {
  for (const [beats, steps] of [
    [2.5, 10],
    [3, 12],
    [5.5, 22],
  ] as const) {
    const plan = planOf(0, barOf(0), barOf(1));
    const frame = layOut(momentOf(plan, { map: inBarsOf(mapAt(120), beats) }));
    const bars = frame.lines.filter((line) => line.weight === "bar");
    expect(frame.lines).toHaveLength(2 * steps);
    expect(bars.map((line) => line.x)).toEqual([NOW_X, NOW_X + PER_BEAT * beats]);
  }
});

test("a stroke that was replaced fades as a ghost where it was, and a new one shines", () => {
  const plan = planOf(0, barOf(0, [hit(0, KICK), hit(4, SNARE)]));
  const goneMs = 20_000;
  const change = barOf(0, [hit(0, KICK), hit(8, SNARE)]);
  plan.take({ type: "plan", current: 0, known: [0], bars: [change] }, goneMs);
  const received = [0, 0.5, 0.9].map((share) => {
    const frame = layOut(momentOf(plan, { nowMs: goneMs + share * CHANGE_MS }));
    return { kick: markOf(frame, 0, 0), gone: markOf(frame, 0, 1), come: markOf(frame, 0, 2) };
  });
  expect(received.map(({ gone }) => gone.ghost)).toEqual([1, expect.closeTo(0.5, 9), expect.closeTo(0.1, 9)]);
  expect(received.map(({ come }) => come.newness)).toEqual([
    1,
    expect.closeTo(0.5, 9),
    expect.closeTo(0.1, 9),
  ]);
  for (const { kick, gone, come } of received) {
    expect(gone.x).toBe(NOW_X + PER_BEAT);
    expect(gone.lane).toBe(DRUMS.indexOf("snare"));
    expect(gone.newness).toBe(0);
    expect([come.ghost, kick.ghost, kick.newness]).toEqual([0, 0, 0]);
  }
});

test("a stroke that has only just come fades as it goes, and shines no more", () => {
  const plan = planOf(0, barOf(0, [hit(0, KICK)]));
  const tell = (nowMs: number, ...hits: HitView[]) =>
    plan.take({ type: "plan", current: 0, known: [0], bars: [barOf(0, hits)] }, nowMs);
  tell(20_000, hit(0, KICK), hit(4, SNARE));
  tell(20_100, hit(0, KICK));
  expect(markOf(layOut(momentOf(plan, { nowMs: 20_100 })), 0, 1)).toMatchObject({ ghost: 1, newness: 0 });
});

test("a ghost is not stale, though its bar is", () => {
  const plan = planOf(0, barOf(0, [hit(8, SNARE), hit(12, SNARE)]));
  const change = barOf(0, [hit(12, SNARE)], { stale_from: 4 });
  plan.take({ type: "plan", current: 0, known: [0], bars: [change] }, 20_000);
  const frame = layOut(momentOf(plan, { nowMs: 20_000 }));
  expect(markOf(frame, 0, 2)).toMatchObject({ ghost: 1, part: "playing" });
  expect(markOf(frame, 0, 3)).toMatchObject({ ghost: 0, part: "stale" });
});

// The plan forgets ghosts only with the next news, which may be a bar away; until then they are painted as hits.
test("a ghost that has faded is not laid out any more, though no news came since", () => {
  const plan = planOf(0, barOf(0, [hit(0, KICK), hit(4, SNARE)]));
  plan.take({ type: "plan", current: 0, known: [0], bars: [barOf(0, [hit(0, KICK)])] }, 20_000);
  const frame = layOut(momentOf(plan, { nowMs: 20_000 + CHANGE_MS + 100 }));
  expect(frame.marks.map((mark) => mark.beat)).toEqual([0]);
});

test("a narrow screen shows fewer beats rather than smaller ones", () => {
  const hits = [0, 4, 8, 12].map((step) => hit(step, KICK));
  const plan = planOf(0, barOf(0, hits), barOf(1, [hit(0, SNARE), hit(12, SNARE)]));
  const frame = layOut(momentOf(plan, { width: 320 }));
  expect(frame.nowX).toBe(69);
  expect(frame.marks.map((mark) => mark.x)).toEqual([69, 115, 161, 207, 253]); // 46 pixels a beat, then no room
});

test("started again, what played before the stop has no place before the first bar line", () => {
  const plan = planOf(1, barOf(1, [hit(0, KICK), hit(8, SNARE)]));
  plan.take({ type: "plan", current: 2, known: [2], bars: [barOf(2, [hit(0, KICK)])] }, 0);
  const frame = layOut(momentOf(plan, { map: mapAt(120, { origin_beat: 6, origin_bar: 2 }) }));
  expect(frame.marks.map((mark) => [mark.bar, mark.beat])).toEqual([[2, 6]]);
  expect(frame.lines.map((line) => line.label).filter(Boolean)).toEqual(["3 FUNK"]);
  expect(frame.bands.filter((band) => band.part === "past")).toEqual([]);
});

test("only what can be seen is laid out, and a beat at either side", () => {
  const everyStep = () => Array.from({ length: 16 }, (_, step) => hit(step, HAT));
  const plan = planOf(3, ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => barOf(index, everyStep())));
  for (let nowBeat = 12; nowBeat < 16; nowBeat += 0.13) {
    const { marks } = layOut(momentOf(plan, { nowUs: nowBeat * BEAT_US }));
    const shown = marks.map((mark) => mark.x);
    expect(Math.min(...shown)).toBeGreaterThanOrEqual(-PER_BEAT - 1e-6);
    expect(Math.max(...shown)).toBeLessThanOrEqual(WIDTH + PER_BEAT + 1e-6);
    // Nothing that can be seen is left out: sixteenths, 25 pixels apart, fill the screen from side to side.
    const visible = shown.filter((x) => x >= 0 && x <= WIDTH).sort((one, other) => one - other);
    expect(visible.length).toBeGreaterThanOrEqual(WIDTH / 25 - 1);
    for (let place = 1; place < visible.length; place++)
      expect((visible[place] ?? 0) - (visible[place - 1] ?? 0)).toBeCloseTo(25, 6);
  }
});

test("everything flows left at the tempo's pace, and a new tempo lets nothing jump", () => {
  const random = randomFrom(17);
  const hits = Array.from({ length: 16 }, (_, step) => hit(step, step % 14));
  const plan = planOf(0, barOf(0, hits), barOf(1));
  for (let round = 0; round < 100; round++) {
    const map = mapAt(40 + 200 * random(), { time_us: 5e9 * random() });
    const nowUs = map.time_us + random() * 1e6;
    const frame = layOut(momentOf(plan, { map, nowUs }));
    const frameUs = 16_667;
    const next = layOut(momentOf(plan, { map, nowUs: nowUs + frameUs }));
    const pace = ((PER_BEAT * map.bpm) / 60e6) * frameUs;
    const nextX = new Map(next.marks.map((mark) => [mark.serial, mark.x]));
    const stay = frame.marks.filter((mark) => nextX.has(mark.serial)); // one may just leave at the left
    expect(stay.length).toBeGreaterThan(8);
    for (const mark of stay) expect(mark.x - (nextX.get(mark.serial) ?? NaN)).toBeCloseTo(pace, 5);
    const beat = map.beat + ((nowUs - map.time_us) * map.bpm) / 60e6;
    const other = mapAt(40 + 200 * random(), { time_us: nowUs, beat });
    const after = layOut(momentOf(plan, { map: other, nowUs }));
    expect(after.marks).toHaveLength(frame.marks.length);
    after.marks.forEach((mark, place) => expect(mark.x).toBeCloseTo(frame.marks[place]?.x ?? NaN, 5));
  }
});

test("bars are laid out in the order of the music, in whichever they were received", () => {
  const plan = planOf(0, barOf(2, [hit(0, KICK)]), barOf(0, [hit(0, KICK)]), barOf(1, [hit(0, KICK)]));
  const frame = layOut(momentOf(plan));
  expect(frame.marks.map((mark) => mark.bar)).toEqual([0, 1, 2]);
  const lines = frame.lines.map((line) => line.x);
  expect(lines).toEqual([...lines].sort((one, other) => one - other));
});
