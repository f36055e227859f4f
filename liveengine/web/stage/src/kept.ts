// What this browser keeps for the next visit: theme, language, favourites.
import { effect, signal, type Signal } from "@preact/signals";

const PREFIX = "liveengine: ";

/** The browser's store; none where a page may keep nothing. */
function store(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** A signal that begins as it was left; `reads` turns what was kept, or null, into its value. */
export function kept<Value>(name: string, reads: (found: unknown) => Value): Signal<Value> {
  let found: unknown = null;
  try {
    found = JSON.parse(store()?.getItem(PREFIX + name) ?? "null");
  } catch {
    found = null; // what another version has left
  }
  const made = signal(reads(found));
  effect(() => {
    const text = JSON.stringify(made.value);
    try {
      store()?.setItem(PREFIX + name, text);
    } catch {
      return; // it is full, or private: the choice lasts as long as the page
    }
  });
  return made;
}

/** Reads one of some words, and the first where it is another. */
export function oneOf<Word extends string>(words: readonly [Word, ...Word[]]): (found: unknown) => Word {
  return (found) => words.find((word) => word === found) ?? words[0];
}
