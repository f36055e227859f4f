// Captures: asked for here, kept by the engine, and fetched as a file by the page that has asked.
import { effect } from "@preact/signals";
import { act, live } from "./state";

let asked = 0;
let seen: readonly string[] | null = null;

/** Where a capture is fetched from. */
export function captureAddress(name: string): string {
  return `./api/v1/live/captures/${encodeURIComponent(name)}`;
}

/** Has the last bars kept, and fetches them once they are. */
export async function capture(bars: number): Promise<void> {
  asked++;
  if (!(await act(`capture_${bars}`))) asked = Math.max(0, asked - 1);
}

effect(() => {
  const told = live.value;
  if (told === null) return;
  const names = told.captures.map((each) => each.name);
  for (const name of names) {
    if (seen === null || seen.includes(name) || asked === 0) continue;
    asked--;
    const link = document.createElement("a");
    link.href = captureAddress(name);
    link.download = name;
    link.click();
  }
  seen = names;
});
