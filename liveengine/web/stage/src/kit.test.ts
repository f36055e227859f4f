// What of the kit needs no audio context: which hat chokes which, and the limiter's curve.
import { expect, test } from "vitest";
import { chokeAt, limited, strokeOf } from "./kit";

test("an open hat is choked by the first hat that closes after it", () => {
  expect(chokeAt(1, [3, 2, 5])).toBe(2);
  expect(chokeAt(1, [0.5, 1])).toBe(Infinity); // before it, and at the very moment
  expect(chokeAt(1, [])).toBe(Infinity);
});

test("the limiter leaves a bar as it is, rounds what is loud, and never passes full scale", () => {
  for (let level = -0.7; level <= 0.7; level += 0.05) expect(limited(level)).toBe(level);
  let before = -Infinity;
  for (let level = -4; level <= 4; level += 0.01) {
    const now = limited(level);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(Math.abs(now)).toBeLessThan(1);
    before = now;
  }
  expect(limited(2)).toBeGreaterThan(0.95);
});

test("an open hat is struck as open as it is", () => {
  expect(strokeOf("open_hat", null)).toBe("open_hat");
  expect(strokeOf("open_hat", 0.75)).toBe("open_hat");
  expect(strokeOf("open_hat", 0.74)).toBe("half_open_hat");
  expect(strokeOf("open_hat", 0.2)).toBe("ajar_hat");
  expect(strokeOf("closed_hat", 0.2)).toBe("closed_hat");
});
