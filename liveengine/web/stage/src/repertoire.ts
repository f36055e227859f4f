// The styles as they are shown: favourites first, then family by family.
import { kept } from "./kept";
import type { StyleCard } from "./messages";
import { welcome } from "./state";

/** Families in the order in which they are shown, and the hue that means each. */
export const FAMILY_HUES: Record<string, number> = {
  producers: 42,
  hip_hop: 285,
  electronic: 192,
  rock_soul: 8,
  latin_world: 138,
  jazz: 222,
  own: 325,
};
const FAMILIES = Object.keys(FAMILY_HUES);

export const favourites = kept<readonly string[]>("favourites", (found) =>
  Array.isArray(found) ? found.filter((each): each is string => typeof each === "string") : [],
);

/** Makes a style a favourite, or no more. */
export function toggleFavourite(style: string): void {
  const now = favourites.value;
  favourites.value = now.includes(style) ? now.filter((each) => each !== style) : [...now, style];
}

/** Styles with the favourites first, as they were chosen, then by family; within one as the engine has them. */
export function inOrder(cards: readonly StyleCard[], first: readonly string[]): StyleCard[] {
  const rank = (card: StyleCard) => {
    const chosen = first.indexOf(card.name);
    return chosen < 0 ? first.length + FAMILIES.indexOf(card.family) : chosen;
  };
  return [...cards].sort((one, other) => rank(one) - rank(other));
}

/** The styles as they are shown. */
export function shownStyles(): StyleCard[] {
  return inOrder(welcome.value?.styles ?? [], favourites.value);
}

/** The families that there are styles of. */
export function familiesOf(cards: readonly StyleCard[]): string[] {
  return FAMILIES.filter((family) => cards.some((card) => card.family === family));
}

const plain = (text: string) =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");

/** Whether a style is looked for: by a part of its title, its name or its family's. */
export function matches(card: StyleCard, sought: string, family: string): boolean {
  const wanted = plain(sought);
  return [card.title, card.name, family].some((text) => plain(text).includes(wanted));
}
