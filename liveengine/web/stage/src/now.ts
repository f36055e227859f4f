// Where the music is, for what is rendered once a beat.
import { signal } from "@preact/signals";
import { place } from "./beats";
import { clock, time, welcome } from "./state";

/** Bar and beat as players count them; null while nothing sounds. */
export const now = signal<{ bar: number; beat: number } | null>(null);

/** Follows the music with each frame of the screen, for as long as the page is open. */
export function followTime(): void {
  const look = () => {
    requestAnimationFrame(look);
    const map = time.peek();
    const barBeats = welcome.peek()?.bar_beats ?? 4;
    const found = map === null ? null : place(map, clock.engineUs(performance.now()), barBeats);
    const known = now.peek();
    if (found?.bar !== known?.bar || found?.beat !== known?.beat) now.value = found;
  };
  look();
}
