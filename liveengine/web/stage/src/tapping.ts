// Tapping a rhythm for the drummer: on the pad, or with the space bar.
import { signal } from "@preact/signals";
import { tap } from "./state";

/** Whether the space bar taps; otherwise it is the browser's. */
export const spaceTaps = signal(false);
/** How loud a key is. */
export const KEY_VELOCITY = 100;
const SOFTEST = 24;
const LOUDEST = 127;

/** The last tap on this page, and which it was. */
export const struck = signal({ count: 0, velocity: 0 });

/** The velocity of a touch so far down the pad, 0-1: loud at the top. */
export function velocityAt(share: number): number {
  return Math.round(LOUDEST - (LOUDEST - SOFTEST) * Math.min(1, Math.max(0, share)));
}

/** Taps, at a moment of the page's clock. */
export function strike(velocity: number, atMs: number): void {
  struck.value = { count: struck.value.count + 1, velocity };
  tap(velocity, atMs);
}
