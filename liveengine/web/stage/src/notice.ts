// What the engine says in passing: read for some seconds, then gone.
import { effect, signal } from "@preact/signals";
import { live } from "./state";

/** How long a notice stays. */
export const NOTICE_MS = 7000;

export const notice = signal("");
let seen = "";
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const text = live.value?.notice ?? "";
  if (text === seen) return;
  seen = text;
  notice.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => (notice.value = ""), NOTICE_MS);
});
