// The plan on the page: which bars it keeps, which hits are new, and which have just been replaced.
import { expect, test } from "vitest";
import type { BarView, HitView } from "./messages";
import { CHANGE_MS, PlanStore } from "./plan";
import { barOf as barOfHits, hit as hitWith, nextSerial } from "./samples";

const KICK = 0;
const SNARE = 1;
const CLOSED_HAT = 4;
const STEPS = 16;

const hit = (step: number, voice: number, velocity = 100): HitView => hitWith(step, voice, { velocity });

const barOf = (index: number, hits: HitView[] = [hit(0, KICK), hit(4, SNARE)]): BarView =>
  barOfHits(index, hits);

/** Tells a store of bars; those in `known` without a bar of their own are as they were. */
function tell(store: PlanStore, current: number, known: number[], bars: BarView[], nowMs: number): void {
  store.take({ type: "plan", current, known, bars }, nowMs);
}

function indexes(store: PlanStore): number[] {
  return [...store.bars.keys()].sort((one, other) => one - other);
}

test("bars that are received are kept, and the one that plays is known", () => {
  const store = new PlanStore();
  const bars = [barOf(0), barOf(1), barOf(2)];
  tell(store, 0, [0, 1, 2], bars, 1000);
  expect(indexes(store)).toEqual([0, 1, 2]);
  expect(store.bars.get(1)).toBe(bars[1]);
  expect(store.current).toBe(0);
});

test("two bars that have played stay, older ones go", () => {
  const store = new PlanStore();
  tell(store, 0, [0, 1, 2], [barOf(0), barOf(1), barOf(2)], 0);
  for (let current = 1; current <= 6; current++) {
    tell(store, current, [current, current + 1, current + 2], [barOf(current + 2)], 2000 * current);
    const first = Math.max(0, current - 2);
    expect(indexes(store)).toEqual(Array.from({ length: current + 3 - first }, (_, place) => first + place));
  }
});

test("a bar that is not planned any more goes at once", () => {
  const store = new PlanStore();
  tell(store, 4, [4, 5, 6], [barOf(4), barOf(5), barOf(6)], 0);
  tell(store, 4, [4], [], 100);
  expect(indexes(store)).toEqual([4]);
});

test("a page that was away for long keeps nothing of before", () => {
  const store = new PlanStore();
  tell(store, 0, [0, 1], [barOf(0), barOf(1)], 0);
  tell(store, 90, [90, 91], [barOf(90), barOf(91)], 180_000);
  expect(indexes(store)).toEqual([90, 91]);
});

test("the first plan does not shine; what comes later does, for 450 ms", () => {
  const store = new PlanStore();
  const first = barOf(0);
  tell(store, 0, [0], [first], 1000);
  for (const each of first.hits) expect(store.newness(each, 1000)).toBe(0);
  const later = barOf(1);
  tell(store, 0, [0, 1], [later], 2000);
  for (const each of later.hits) {
    expect(store.newness(each, 2000)).toBe(1);
    expect(store.newness(each, 2225)).toBeCloseTo(0.5, 9);
    expect(store.newness(each, 2449)).toBeGreaterThan(0);
    expect(store.newness(each, 2450)).toBe(0);
    expect(store.newness(each, 99_000)).toBe(0);
  }
});

test("the same stroke under another serial is neither new nor a ghost", () => {
  const store = new PlanStore();
  tell(store, 0, [0], [barOf(0, [hit(0, KICK), hit(4, SNARE, 90)])], 0);
  const again = [hit(0, KICK), { ...hit(4, SNARE, 60), beat: 1.02, offset_ms: 7 }];
  tell(store, 0, [0], [barOf(0, again)], 500);
  for (const each of again) expect(store.newness(each, 500)).toBe(0);
  expect(store.ghosts).toEqual([]);
  expect(store.bars.get(0)?.hits).toBe(again);
});

test("a stroke that goes leaves a ghost in its bar, and one that comes shines", () => {
  const store = new PlanStore();
  const [kick, snare] = [hit(0, KICK), hit(4, SNARE)];
  tell(store, 7, [7], [barOf(7, [kick, snare])], 0);
  const hat = hit(4, CLOSED_HAT); // the same step, another voice
  tell(store, 7, [7], [barOf(7, [hit(0, KICK), hat])], 300);
  expect(store.ghosts).toEqual([{ bar: 7, hit: snare, goneMs: 300 }]);
  expect(store.newness(hat, 300)).toBe(1);
});

test("a stroke that is muted stays where it was", () => {
  const store = new PlanStore();
  tell(store, 0, [0], [barOf(0, [hit(0, KICK)])], 0);
  const muted = hit(0, KICK, 0);
  tell(store, 0, [0], [barOf(0, [muted])], 100);
  expect(store.ghosts).toEqual([]);
  expect(store.newness(muted, 100)).toBe(0);
});

test("ghosts go with the first news after 450 ms", () => {
  const store = new PlanStore();
  tell(store, 0, [0], [barOf(0)], 0);
  tell(store, 0, [0], [barOf(0, [])], 1000);
  expect(store.ghosts).toHaveLength(2);
  tell(store, 0, [0], [], 1000 + CHANGE_MS - 1);
  expect(store.ghosts).toHaveLength(2);
  tell(store, 0, [0], [], 1000 + CHANGE_MS);
  expect(store.ghosts).toEqual([]);
});

test("whoever watches is called once the change can be read", () => {
  const store = new PlanStore();
  const seen: [number, number][] = [];
  store.watch(() => seen.push([store.current, store.bars.size]));
  store.watch(() => seen.push([-1, store.bars.size]));
  tell(store, 3, [3, 4], [barOf(3), barOf(4)], 0);
  store.clear();
  expect(seen).toEqual([
    [3, 2],
    [-1, 2],
    [3, 0],
    [-1, 0],
  ]);
});

test("another engine's plan is a first plan", () => {
  const store = new PlanStore();
  tell(store, 0, [0], [barOf(0)], 0);
  tell(store, 0, [0], [barOf(0, [])], 100);
  store.clear();
  expect(store.bars.size).toBe(0);
  expect(store.ghosts).toEqual([]);
  const other = barOf(0);
  tell(store, 0, [0], [other], 200);
  for (const each of other.hits) expect(store.newness(each, 200)).toBe(0);
  expect(store.ghosts).toEqual([]);
});

test("a gig of four hours leaves no more behind than a song", () => {
  const store = new PlanStore();
  const barMs = 2000; // 4/4 at 120 bpm
  const aheadBars = 4;
  const filled = (index: number) =>
    barOf(
      index,
      Array.from({ length: STEPS }, (_, step) => hit(step, (step + nextSerial()) % 3)),
    );
  let mostGhosts = 0;
  for (let current = 0; current < (4 * 3600e3) / barMs; current++) {
    const known = Array.from({ length: aheadBars }, (_, ahead) => current + ahead);
    const nowMs = current * barMs;
    tell(store, current, known, [filled(current + aheadBars - 1)], nowMs);
    for (let turn = 1; turn <= 3; turn++)
      tell(store, current, known, [filled(current + 1), filled(current + 2)], nowMs + turn * 600);
    mostGhosts = Math.max(mostGhosts, store.ghosts.length);
    if (store.bars.size > aheadBars + 2) expect.fail(`${store.bars.size} bars in bar ${current}`);
  }
  expect(mostGhosts).toBeGreaterThan(0);
  expect(mostGhosts).toBeLessThanOrEqual(2 * STEPS);
});
