// Whether this page sounds, and how loud.
import { effect, signal } from "@preact/signals";
import { kept } from "./kept";
import { say } from "./language";
import { Listening } from "./listen";
import { PAGE_KITS, type PageKit } from "./page-kits";
import type { SoundName } from "./sounds";
import { clock, plan, time, trouble, welcome, wishedStyle } from "./state";

export const listens = signal(false);
export const volume = signal(0.8);
/** The drums that this page sounds; null are those of the style that plays. */
export const pageKit = kept<PageKit | null>(
  "page kit",
  (found) => PAGE_KITS.find((kit) => kit === found) ?? null,
);
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
  const made = new Listening({
    plan,
    clock,
    map: () => time.value,
    welcome: () => welcome.value,
    kit: () => pageKit.value,
  });
  effect(() => {
    made.kit.volume = volume.value;
  });
  effect(() => {
    time.value; // a new tempo moves all that is scheduled
    pageKit.value; // as do other drums
    made.look();
  });
  return made;
}

/** Sounds one stroke by hand here as well, where this page sounds. */
export function soundHere(name: string, velocity: number): void {
  if (!listens.value || listening === null) return;
  const kit = listening.kitOf(wishedStyle.value ?? "");
  listening.kit.strike(name as SoundName, velocity, listening.context.currentTime, kit);
}
