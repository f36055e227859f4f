// Whether this page sounds, and how loud.
import { effect, signal } from "@preact/signals";
import { say } from "./language";
import { Listening } from "./listen";
import { clock, plan, time, trouble, welcome } from "./state";

export const listens = signal(false);
export const volume = signal(0.8);
/** Made with the first click: browsers let no page sound before. */
export let listening: Listening | null = null;

/** Lets the page sound, or fall silent. */
export async function listen(on: boolean): Promise<void> {
  try {
    if (on) {
      listening ??= prepared();
      await listening.begin();
    } else {
      await listening?.end();
    }
    listens.value = on;
  } catch (error) {
    trouble.value = say("trouble.silent_browser", { reason: String(error) });
  }
}

function prepared(): Listening {
  const made = new Listening({ plan, clock, map: () => time.value, welcome: () => welcome.value });
  effect(() => {
    made.kit.volume = volume.value;
  });
  effect(() => {
    time.value; // a new tempo moves all that is scheduled
    made.look();
  });
  return made;
}
