// Musical time: where beats, bars and hits lie in microseconds, at tempos and in meters that players know.
import { expect, test } from "vitest";
import { barAt, beatAt, meterAt, place, soundingBeat, soundingUs, startBeat, timeAt } from "./beats";
import type { HitView, TimeMap } from "./messages";
import { inBarsOf, TIME_MAP } from "./samples";

const FOUR_FOUR = 4;
const SEVEN_EIGHT = 3.5;

function mapAt(bpm: number, more: Partial<TimeMap> = {}): TimeMap {
  return { ...TIME_MAP, bpm, ...more };
}

function hitAt(beat: number, offset_ms = 0): HitView {
  return {
    serial: 1,
    step: Math.floor(beat * 4),
    voice: 0,
    beat,
    offset_ms,
    velocity: 100,
    openness: null,
    drawn: false,
  };
}

/** Repeatable numbers from 0 to 1 (a Lehmer generator). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

test.each([
  [120, 500_000],
  [60, 1_000_000],
  [174, 344_827.586],
  [20, 3_000_000],
  [999, 60_060.06],
])("at %d bpm a beat lasts %d us", (bpm, beatUs) => {
  const map = mapAt(bpm, { time_us: 7_000_000, beat: 32 });
  expect(timeAt(map, 32)).toBe(7_000_000);
  expect(timeAt(map, 33)).toBeCloseTo(7_000_000 + beatUs, 2);
  expect(timeAt(map, 31)).toBeCloseTo(7_000_000 - beatUs, 2);
  expect(beatAt(map, 7_000_000 + beatUs / 4)).toBeCloseTo(32.25, 6); // a sixteenth
});

test("beats and moments lead to each other, hours away from where the map was taken", () => {
  const random = randomFrom(5);
  for (let round = 0; round < 500; round++) {
    const bpm = 20 + random() * 979;
    const map = mapAt(bpm, { time_us: random() * 1e12, beat: random() * 1e5 });
    const beat = map.beat + (random() - 0.5) * bpm * 240; // two hours either way
    expect(beatAt(map, timeAt(map, beat))).toBeCloseTo(beat, 5);
  }
});

test("a new tempo that begins now moves no beat that is now", () => {
  const before = mapAt(120, { time_us: 1_000_000, beat: 8 });
  const nowUs = 2_750_000; // beat 11.5
  const after = mapAt(90, { time_us: nowUs, beat: beatAt(before, nowUs) });
  expect(beatAt(after, nowUs)).toBe(11.5);
  expect(timeAt(after, 12.5) - nowUs).toBeCloseTo(666_666.667, 2);
});

test("bars of 4/4 begin every four beats, bars of 7/8 every three and a half", () => {
  const map = mapAt(120, { origin_beat: 16, origin_bar: 2 });
  expect([2, 3, 4].map((bar) => startBeat(inBarsOf(map, FOUR_FOUR), bar))).toEqual([16, 20, 24]);
  expect([1, 2, 3, 4].map((bar) => startBeat(inBarsOf(map, SEVEN_EIGHT), bar))).toEqual([12.5, 16, 19.5, 23]);
});

test("a bar of 7/8 at 140 bpm lasts a second and a half", () => {
  const map = mapAt(140);
  expect(soundingUs(inBarsOf(map, SEVEN_EIGHT), 1, hitAt(0))).toBeCloseTo(1_500_000, 6);
  expect(soundingUs(inBarsOf(map, SEVEN_EIGHT), 2, hitAt(0.5))).toBeCloseTo(3_214_285.714, 2);
});

test("swing of 66.7 % is a triplet: it scales with the tempo", () => {
  const swung = hitAt(0.667);
  expect(soundingUs(inBarsOf(mapAt(120), FOUR_FOUR), 0, swung)).toBeCloseTo(333_500, 6);
  expect(soundingUs(inBarsOf(mapAt(60), FOUR_FOUR), 0, swung)).toBeCloseTo(667_000, 6);
  expect(soundingUs(inBarsOf(mapAt(120), FOUR_FOUR), 0, hitAt(2 / 3))).toBeCloseTo(333_333.333, 3);
});

test("a push of 10 ms is 10 ms at any tempo, and early where it is negative", () => {
  for (const bpm of [60, 92.5, 120, 240]) {
    const map = mapAt(bpm);
    const plainUs = soundingUs(inBarsOf(map, FOUR_FOUR), 3, hitAt(1.5));
    expect(soundingUs(inBarsOf(map, FOUR_FOUR), 3, hitAt(1.5, 10)) - plainUs).toBeCloseTo(10_000, 3);
    expect(soundingUs(inBarsOf(map, FOUR_FOUR), 3, hitAt(1.5, -10)) - plainUs).toBeCloseTo(-10_000, 3);
  }
  expect(soundingBeat(inBarsOf(mapAt(120), FOUR_FOUR), 1, hitAt(1, 25))).toBe(5.05);
});

test("a first hit that is pushed sounds before its bar line", () => {
  const map = mapAt(120);
  expect(soundingUs(inBarsOf(map, FOUR_FOUR), 1, hitAt(0, -12))).toBeCloseTo(1_988_000, 6);
  expect(soundingBeat(inBarsOf(map, FOUR_FOUR), 1, hitAt(-1 / 8))).toBe(3.875); // micro-timing, six ticks early
});

test("a hit lies where the engine says: its bar line, its beat, then its milliseconds", () => {
  const random = randomFrom(9);
  for (let round = 0; round < 300; round++) {
    const barBeats = [1.25, 2.5, 3, SEVEN_EIGHT, FOUR_FOUR, 5][round % 6] ?? FOUR_FOUR;
    const map = mapAt(40 + random() * 200, {
      time_us: random() * 1e9,
      beat: random() * 1000,
      origin_beat: Math.floor(random() * 1000),
      origin_bar: Math.floor(random() * 100),
    });
    const bar = map.origin_bar + Math.floor(random() * 50);
    const hit = hitAt(random() * barBeats, (random() - 0.5) * 80);
    const beatUs = 60e6 / map.bpm;
    const lineBeat = map.origin_beat + (bar - map.origin_bar) * barBeats;
    const dueUs = map.time_us + (lineBeat + hit.beat - map.beat) * beatUs + hit.offset_ms * 1000;
    expect(soundingUs(inBarsOf(map, barBeats), bar, hit)).toBeCloseTo(dueUs, 2);
  }
});

test("players count bars and beats from 1", () => {
  const map = mapAt(120);
  expect(place(inBarsOf(map, FOUR_FOUR), 0)).toEqual({ bar: 1, beat: 1 });
  expect(place(inBarsOf(map, FOUR_FOUR), 499_999)).toEqual({ bar: 1, beat: 1 });
  expect(place(inBarsOf(map, FOUR_FOUR), 500_000)).toEqual({ bar: 1, beat: 2 });
  expect(place(inBarsOf(map, FOUR_FOUR), 1_999_999)).toEqual({ bar: 1, beat: 4 });
  expect(place(inBarsOf(map, FOUR_FOUR), 2_000_000)).toEqual({ bar: 2, beat: 1 });
});

test("the fourth beat of 7/8 is half as long", () => {
  const map = mapAt(120, { origin_beat: 8 });
  const eighthUs = 250_000;
  const received = Array.from({ length: 8 }, (_, eighth) =>
    place(inBarsOf(map, SEVEN_EIGHT), 4_000_000 + eighth * eighthUs),
  );
  expect(received.map((each) => `${each?.bar}.${each?.beat}`)).toEqual(
    ["1.1", "1.1", "1.2", "1.2", "1.3", "1.3", "1.4", "2.1"], //
  );
});

test("a place never runs backwards, and a beat never exceeds its bar", () => {
  const random = randomFrom(21);
  for (const barBeats of [1.25, 2.5, 3, SEVEN_EIGHT, FOUR_FOUR, 5.5, 8]) {
    const map = mapAt(60 + 140 * random(), { origin_beat: 4, beat: 4, time_us: 123_456_789 });
    let last = 0;
    for (let beats = 0; beats < 12 * barBeats; beats += 0.01 + 0.1 * random()) {
      const received = place(inBarsOf(map, barBeats), timeAt(map, 4 + beats));
      expect(received).not.toBeNull();
      const { bar = 0, beat = 0 } = received ?? {};
      expect(beat).toBeGreaterThanOrEqual(1);
      expect(beat).toBeLessThanOrEqual(Math.ceil(barBeats));
      const counted = bar * 100 + beat;
      expect(counted).toBeGreaterThanOrEqual(last);
      last = counted;
    }
    expect(Math.floor(last / 100)).toBe(12);
  }
});

test("nobody is anywhere long before the first bar line, in silence, or while the clock is unknown", () => {
  expect(place(mapAt(120, { origin_beat: 24 }), 1_999_000)).toBeNull();
  expect(place(inBarsOf(mapAt(120, { origin_beat: 4 }), FOUR_FOUR), 2_000_000)).toEqual({ bar: 1, beat: 1 });
  expect(place(inBarsOf(mapAt(120, { sounding: false }), FOUR_FOUR), 2_000_000)).toBeNull();
  expect(place(inBarsOf(mapAt(120), FOUR_FOUR), NaN)).toBeNull();
});

test("a song that was begun again in bar 6 counts on from there", () => {
  const map = mapAt(120, { origin_beat: 64, origin_bar: 5 });
  expect(place(inBarsOf(map, FOUR_FOUR), 32_000_000)).toEqual({ bar: 6, beat: 1 });
  expect(place(inBarsOf(map, FOUR_FOUR), 35_500_000)).toEqual({ bar: 7, beat: 4 });
});

test("beats are counted down to the first bar line", () => {
  const map = mapAt(120, { origin_beat: 8, origin_bar: 3 });
  expect(place(map, 1_900_000)).toEqual({ bar: 0, beat: 5 });
  expect(place(map, 3_999_999)).toEqual({ bar: 0, beat: 1 });
  expect(place(map, 4_000_000)).toEqual({ bar: 4, beat: 1 });
});

test("bars of 4/4, then of 3/4, then of 7/8", () => {
  const meters = [
    { bar: 2, meter: "4/4", beats: 4, steps: 16 },
    { bar: 4, meter: "3/4", beats: 3, steps: 12 },
    { bar: 6, meter: "7/8", beats: 3.5, steps: 14 },
  ];
  const map = mapAt(120, { origin_beat: 16, origin_bar: 2, meters });
  expect([2, 3, 4, 5, 6, 7].map((bar) => startBeat(map, bar))).toEqual([16, 20, 24, 27, 30, 33.5]);
  expect([16, 23.9, 24, 29.9, 30, 33.5, 40].map((beat) => barAt(map, beat))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect([1, 3, 4, 5, 9].map((bar) => meterAt(map, bar).meter)).toEqual(["4/4", "4/4", "3/4", "3/4", "7/8"]);
  expect(place(map, timeAt(map, 32.6))).toEqual({ bar: 7, beat: 3 });
});
