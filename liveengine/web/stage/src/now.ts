// Where the music is, for what is rendered once a beat.
import { signal } from "@preact/signals";
import { beatAt, place, startBeat } from "./beats";
import { fillsNextBar } from "./coming";
import { clock, live, time, welcome } from "./state";

/** Bar and beat as players count them; null while nothing sounds. */
export const now = signal<{ bar: number; beat: number } | null>(null);

/** Whether a fill that is asked for now is played in the next bar. */
export const fillIsNext = signal(false);

/** Follows the music with each frame of the screen, for as long as the page is open. */
export function followTime(): void {
  const look = () => {
    requestAnimationFrame(look);
    const map = time.peek();
    const barBeats = welcome.peek()?.bar_beats ?? 4;
    const nowUs = clock.engineUs(performance.now());
    const found = map === null ? null : place(map, nowUs, barBeats);
    const known = now.peek();
    if (found?.bar !== known?.bar || found?.beat !== known?.beat) now.value = found;
    if (map === null || found === null) return;
    const beatsIn = beatAt(map, nowUs) - startBeat(map, found.bar - 1, barBeats);
    const commitBeats = ((live.peek()?.commit_ms ?? 0) * map.bpm) / 60_000;
    fillIsNext.value = fillsNextBar(beatsIn, commitBeats, welcome.peek()?.bar_steps ?? 16);
  };
  look();
}
