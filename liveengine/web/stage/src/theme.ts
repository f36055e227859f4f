// Light or dark: as the system has it, or as the player chooses.
import { computed, effect, signal } from "@preact/signals";
import { kept, oneOf } from "./kept";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export const theme = kept<Theme>("theme", oneOf(THEMES));

const asked = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
const systemIsDark = signal(asked?.matches ?? true);
asked?.addEventListener("change", (event) => (systemIsDark.value = event.matches));

export const isDark = computed(() =>
  theme.value === "system" ? systemIsDark.value : theme.value === "dark",
);

/** Keeps the document in the theme. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = isDark.value ? "dark" : "light";
  });
}
