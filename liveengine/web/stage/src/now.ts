// Where the music is, for what is rendered once a beat.
import { signal } from "@preact/signals";
import { beatAt, meterAt, place, startBeat } from "./beats";
import { fillsNextBar } from "./coming";
import { clock, live, time } from "./state";

/** Bar and beat as players count them; null while nothing sounds. */
export const now = signal<{ bar: number; beat: number } | null>(null);

/** Whether a fill that is asked for now is played in the next bar. */
export const fillIsNext = signal(false);

/** Follows the music with each frame of the screen, for as long as the page is open. */
export function followTime(): void {
  const look = () => {
    requestAnimationFrame(look);
    const map = time.peek();
    const nowUs = clock.engineUs(performance.now());
    const found = map === null ? null : place(map, nowUs);
    const known = now.peek();
    if (found?.bar !== known?.bar || found?.beat !== known?.beat) now.value = found;
    if (map === null || found === null || found.bar === 0) return;
    const beatsIn = beatAt(map, nowUs) - startBeat(map, found.bar - 1);
    const commitBeats = ((live.peek()?.commit_ms ?? 0) * map.bpm) / 60_000;
    fillIsNext.value = fillsNextBar(beatsIn, commitBeats, meterAt(map, found.bar - 1).steps);
  };
  look();
}
