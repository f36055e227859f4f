// The page's words in the player's language: files in `languages`, looked up by i18next.
import { effect, signal } from "@preact/signals";
import i18next, { type TOptions } from "i18next";
import { kept } from "./kept";
import en from "./languages/en.json";

/** The words of every other language by its code, fetched once it is chosen. English has each key. */
export const OTHERS = {
  de: () => import("./languages/de.json"),
  es: () => import("./languages/es.json"),
  ja: () => import("./languages/ja.json"),
} as const;
export type Language = "en" | keyof typeof OTHERS;
/** Languages as those who speak them call them. */
export const LANGUAGE_NAMES: Record<Language, string> = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  ja: "日本語",
};

type Written = keyof typeof en;
/** What can be said; of a text that counts, its name without the ending. */
export type Key =
  Written | (Written extends infer Each ? (Each extends `${infer Name}_other` ? Name : never) : never);

function isLanguage(code: unknown): code is Language {
  return typeof code === "string" && code in LANGUAGE_NAMES;
}

/** The first of the browser's languages that there is, English where there is none. */
export function languageFor(wanted: readonly string[]): Language {
  return wanted.map((each) => each.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

const wanted = globalThis.navigator?.languages ?? [];
export const language = kept<Language>("language", (found) =>
  isLanguage(found) ? found : languageFor(wanted),
);

const spoken = signal<Language>("en");
void i18next.init({
  lng: "en",
  fallbackLng: "en",
  keySeparator: false,
  nsSeparator: false,
  initAsync: false,
  interpolation: { escapeValue: false }, // it becomes text, never markup
  resources: { en: { translation: en } },
});
let speaking = Promise.resolve();
effect(() => void (speaking = speak(language.value)));

/** How long the page waits for its first words; a player who has to wait longer is better off with English. */
const FIRST_WORDS_MS = 5000;
/** Settles once the player's language is spoken: what is shown from then on does not change under their eyes. */
export const firstWords = Promise.race([
  speaking,
  new Promise<void>((resolve) => setTimeout(resolve, FIRST_WORDS_MS)),
]);

/** Speaks a language once its words are there; until then, or where none come, the one before goes on. */
export async function speak(code: Language): Promise<void> {
  if (code !== "en" && !i18next.hasResourceBundle(code, "translation")) {
    const fetched = await OTHERS[code]().catch(() => null); // the engine is away: the page says that elsewhere
    if (fetched === null) return;
    i18next.addResourceBundle(code, "translation", fetched.default);
  }
  if (code !== language.peek()) return;
  spoken.value = code;
  if (globalThis.document?.documentElement !== undefined) document.documentElement.lang = code;
}

/** A text in the player's language; `values` fill its gaps, `count` chooses its number. */
export function say(key: Key, values: TOptions = {}): string {
  return i18next.t(key, { ...values, lng: spoken.value });
}

/** A text for a name that the engine has given, and the name itself where there is none. */
export function sayName(prefix: string, name: string): string {
  return i18next.t(`${prefix}.${name}`, { lng: spoken.value, defaultValue: name.replaceAll("_", " ") });
}
