// Which part of the page is in front: one at a time on a phone, one drawer on anything larger.
import { signal } from "@preact/signals";

/** On a phone a screen each; all but the first two are the drawer's on larger screens. */
export const TASKS = ["styles", "energy", "kit", "feel", "jam", "scenes"] as const;
export type Task = (typeof TASKS)[number];
export const DRAWERS: readonly Task[] = ["feel", "jam", "scenes", "kit"];

export const task = signal<Task>("styles");
export const proofIsOpen = signal(false);
/** Whether it is explained how to hear the drums; null until that is known. */
export const hearIsOpen = signal<boolean | null>(null);
