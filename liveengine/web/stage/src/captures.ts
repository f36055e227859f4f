// Captures: asked for here, kept by the engine, and fetched as a file by the page that has asked.
import { effect } from "@preact/signals";
import { act, live } from "./state";

/** How long a capture that was asked for here is waited for: one that fails never comes. */
const WAITED_MS = 15_000;
let asked: number[] = [];
let seen: readonly string[] | null = null;

/** Where a capture is fetched from. */
export function captureAddress(name: string): string {
  return `./api/v1/live/captures/${encodeURIComponent(name)}`;
}

/** Has the last bars kept, and fetches them once they are. */
export async function capture(bars: number): Promise<void> {
  const until = performance.now() + WAITED_MS;
  asked.push(until);
  if (!(await act(`capture_${bars}`))) asked = asked.filter((each) => each !== until);
}

effect(() => {
  const received = live.value;
  if (received === null) return;
  const names = received.captures.map((each) => each.name);
  for (const name of names) {
    if (seen === null || seen.includes(name)) continue;
    asked = asked.filter((until) => until > performance.now());
    if (asked.shift() === undefined) continue;
    const link = document.createElement("a");
    link.href = captureAddress(name);
    link.download = name;
    link.click();
  }
  seen = names;
});
