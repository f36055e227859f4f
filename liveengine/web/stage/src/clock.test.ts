// The engine's clock as the page estimates it: right in the middle, never off by more than it says, true to the quickest.
import { expect, test } from "vitest";
import { EngineClock } from "./clock";

const KEPT_ANSWERS = 20;

/** Repeatable numbers from 0 to 1 (a Lehmer generator). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** Lets a clock hear an engine that is ahead of the page by `aheadUs`, with a way there and a way back. */
function ask(clock: EngineClock, sentMs: number, aheadUs: number, thereMs: number, backMs: number): void {
  clock.hear(sentMs, (sentMs + thereMs) * 1000 + aheadUs, sentMs + thereMs + backMs);
}

test("before the first answer nothing is known", () => {
  const clock = new EngineClock();
  expect(clock.known).toBe(false);
  expect(clock.errorMs).toBe(Infinity);
  expect(clock.engineUs(1000)).toBeNaN();
  expect(clock.localMs(1_000_000)).toBeNaN();
});

test("an answer was given in the middle between asking and hearing", () => {
  const clock = new EngineClock();
  clock.hear(1000, 5_005_000, 1010);
  expect(clock.known).toBe(true);
  expect(clock.errorMs).toBe(5);
  expect(clock.engineUs(1005)).toBe(5_005_000);
  expect(clock.engineUs(1505)).toBe(5_505_000); // a beat at 120 bpm later
  expect(clock.localMs(5_005_000)).toBe(1005);
  expect(clock.localMs(6_005_000)).toBe(2005);
});

test("there and back is the same moment", () => {
  const random = randomFrom(3);
  const clock = new EngineClock();
  ask(clock, 20_000, 7e12 + 0.25, 3, 9);
  for (let round = 0; round < 200; round++) {
    const localMs = 20_000 + random() * 4 * 3600e3;
    expect(clock.localMs(clock.engineUs(localMs))).toBeCloseTo(localMs, 3);
  }
});

test("it is never off by more than it says, however lopsided the ways are", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomFrom(seed * 7919);
    const clock = new EngineClock();
    const aheadUs = (random() - 0.5) * 1e13;
    for (let sentMs = 0; sentMs < 60_000; sentMs += 1000) {
      ask(clock, sentMs, aheadUs, 0.2 + 30 * random() ** 3, 0.2 + 30 * random() ** 3);
      const offMs = Math.abs(clock.engineUs(sentMs) - (sentMs * 1000 + aheadUs)) / 1000;
      expect(offMs).toBeLessThanOrEqual(clock.errorMs + 0.005); // microseconds of 1e13 in a double
    }
    expect(clock.errorMs).toBeLessThan(15);
  }
});

test("the quickest answer is believed, whether it comes first or last", () => {
  const quickUs = 1_000_000;
  const slowUs = 1_004_000;
  const early = new EngineClock();
  ask(early, 0, quickUs, 1, 1);
  ask(early, 1000, slowUs, 5, 5);
  const late = new EngineClock();
  ask(late, 0, slowUs, 5, 5);
  ask(late, 1000, quickUs, 1, 1);
  for (const clock of [early, late]) {
    expect(clock.engineUs(2000)).toBe(2_000_000 + quickUs);
    expect(clock.errorMs).toBe(1);
  }
});

test("of two that were as quick the newer is believed", () => {
  const clock = new EngineClock();
  ask(clock, 0, 500, 2, 2);
  clock.forget();
  clock.hear(0, 2_000_500, 4);
  clock.hear(0, 2_000_900, 4);
  expect(clock.engineUs(2)).toBe(2_000_900);
});

test("an older answer must have been quicker by 0.05 ms a second: clocks drift apart", () => {
  for (const [youngerRoundTripMs, believedUs] of [
    [1.4, 700],
    [1.6, 300],
  ] as const) {
    const clock = new EngineClock();
    ask(clock, 0, 300, 0.5, 0.5); // worth 1.5 ms once it is 10 s old
    ask(clock, 10_000 - youngerRoundTripMs + 1, 700, youngerRoundTripMs / 2, youngerRoundTripMs / 2);
    expect(clock.engineUs(0)).toBeCloseTo(believedUs, 6);
  }
});

test("a clock that drifts by 50 ppm is followed for four hours", () => {
  const random = randomFrom(11);
  const clock = new EngineClock();
  const engineUs = (localMs: number) => 3e9 + localMs * 1000 * (1 + 50e-6);
  for (let sentMs = 0; sentMs < 4 * 3600e3; sentMs += 1000) {
    const [thereMs, backMs] = [0.5 + 4 * random(), 0.5 + 4 * random()];
    clock.hear(sentMs, engineUs(sentMs + thereMs), sentMs + thereMs + backMs);
    const nowMs = sentMs + 500;
    const offMs = Math.abs(clock.engineUs(nowMs) - engineUs(nowMs)) / 1000;
    // Half of the slowest way, and what 20 s of drift may add.
    if (offMs >= 2 + 1.1) expect.fail(`off by ${offMs} ms after ${sentMs / 1000} s`);
  }
});

test("an answer is forgotten after twenty others, however quick it was", () => {
  const clock = new EngineClock();
  ask(clock, 0, 0, 0.1, 0.1);
  for (let other = 1; other < KEPT_ANSWERS; other++) ask(clock, other, 4000, 20, 20);
  expect(clock.engineUs(0)).toBeCloseTo(0, 6);
  ask(clock, KEPT_ANSWERS, 4000, 20, 20);
  expect(clock.engineUs(0)).toBeCloseTo(4000, 6);
  expect(clock.errorMs).toBe(20);
});

test("another engine has another clock", () => {
  const clock = new EngineClock();
  ask(clock, 0, 9e9, 0.1, 0.1);
  clock.forget();
  expect(clock.known).toBe(false);
  expect(clock.engineUs(0)).toBeNaN();
  ask(clock, 5000, 2e6, 30, 30);
  expect(clock.engineUs(0)).toBe(2e6);
});

// A page's clock stands still while its phone sleeps: an answer that cannot be true beside an older one tells so.
test("after the page's clock has stood still, the next answer is believed", () => {
  const clock = new EngineClock();
  ask(clock, 0, 1e6, 1, 1);
  const sleptUs = 10e6;
  ask(clock, 1000, 1e6 + sleptUs, 4, 4);
  expect(clock.engineUs(2000)).toBeCloseTo(2e6 + 1e6 + sleptUs, 6);
});
