// Taps: how loud a touch is, and what is sent of it. The page itself is a stub here.
import { expect, test, vi } from "vitest";
import { strike, struck, velocityAt } from "./tapping";

const tapped = vi.hoisted(() => [] as [number, number][]);
vi.mock("./state", () => ({ tap: (velocity: number, atMs: number) => tapped.push([velocity, atMs]) }));

test.each([
  [0, 127],
  [0.5, 76],
  [1, 24],
  [-0.1, 127], // a finger beyond the edge
  [1.2, 24],
])("a touch %f down the pad has velocity %i", (share, velocity) => {
  expect(velocityAt(share)).toBe(velocity);
});

test("each tap is sent with its moment, and counts anew for the pad to shine", () => {
  const { count } = struck.value;
  strike(127, 1000);
  strike(127, 1250);
  expect(tapped).toEqual([
    [127, 1000],
    [127, 1250],
  ]);
  expect(struck.value).toEqual({ count: count + 2, velocity: 127 });
});
