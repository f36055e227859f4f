// Languages: each has every text, with the same gaps; the browser's own is chosen.
import { expect, test, vi } from "vitest";
import { LANGUAGE_NAMES, OTHERS, language, languageFor, say, sayName, speak } from "./language";
import en from "./languages/en.json";

const LANGUAGES: Record<string, Record<string, string>> = { en };
for (const [code, words] of Object.entries(OTHERS)) LANGUAGES[code] = (await words()).default;

const gapsOf = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((found) => found[1]).sort();

test.each(Object.entries(LANGUAGES))("%s has every text and no other", (_, words) => {
  expect(Object.keys(words).sort()).toEqual(Object.keys(en).sort());
  for (const text of Object.values(words)) expect(text.trim()).not.toBe("");
});

test.each(Object.entries(LANGUAGES))("%s fills the same gaps as English", (_, words) => {
  for (const [key, english] of Object.entries(en)) {
    const text = words[key] ?? "";
    if (key === "last_bars_one") continue; // "the last bar" needs no number, in some languages it has one
    expect([key, ...gapsOf(text)]).toEqual([key, ...gapsOf(english)]);
  }
});

test("every language has a name of its own", () => {
  expect(Object.keys(LANGUAGE_NAMES)).toEqual(Object.keys(LANGUAGES));
});

test.each([
  [["de-AT", "en"], "de"],
  [["fr", "ja-JP", "en"], "ja"],
  [["ES"], "es"],
  [["fr"], "en"],
  [[], "en"],
] as const)("a browser that asks for %s gets %s", (wanted, given) => {
  expect(languageFor(wanted)).toBe(given);
});

test("a text counts, fills its gaps as they are, and changes with the language", async () => {
  language.value = "en";
  expect(say("bars", { count: 1 })).toBe("1 bar");
  expect(say("bars", { count: 4 })).toBe("4 bars");
  expect(say("now.next", { style: "R&B", when: say("in_beats", { count: 3 }) })).toBe("next: R&B in 3 beats");
  language.value = "de";
  await speak("de");
  expect(say("bars", { count: 4 })).toBe("4 Takte");
  language.value = "ja";
  await speak("ja");
  expect(say("bars", { count: 1 })).toBe("1小節");
  language.value = "en";
});

test("a name that the page does not know is said as it is", () => {
  expect(sayName("drum", "hat")).toBe("hi-hat");
  expect(sayName("drum", "cow_bell")).toBe("cow bell");
});

test("where a language's words do not come the one before goes on", async () => {
  const fetching = vi.spyOn(OTHERS, "es").mockRejectedValue(new TypeError("Failed to fetch"));
  language.value = "es";
  await speak("es");
  expect(fetching).toHaveBeenCalled();
  expect(say("bars", { count: 4 })).toBe("4 bars");
  fetching.mockRestore();
  language.value = "en";
});

test("a language that comes late does not take the place of one that was chosen since", async () => {
  language.value = "es";
  const late = speak("es");
  language.value = "en";
  await late;
  expect(say("bars", { count: 4 })).toBe("4 bars");
});
