// The order of style pads, and how they are looked for.
import { afterEach, expect, test, vi } from "vitest";
import type { StyleCard } from "./messages";
import { FAMILY_HUES, familiesOf, favourites, inOrder, matches, toggleFavourite } from "./repertoire";

vi.mock("./state", () => ({ welcome: { value: null } })); // the page's own joins an engine

function card(name: string, family: string, title = name): StyleCard {
  return { name, title, family, low_bpm: 80, high_bpm: 120 };
}

const CARDS = [
  card("j_dilla", "producers", "J Dilla"),
  card("dnb", "electronic", "Drum and Bass"),
  card("hiphop", "hip_hop", "Hip-Hop"),
  card("jazz", "jazz", "Jazz"),
  card("trap", "hip_hop", "Trap"),
];
const names = (cards: StyleCard[]) => cards.map((each) => each.name);

afterEach(() => {
  favourites.value = [];
});

test("styles come family by family, in the engine's order within one", () => {
  expect(names(inOrder(CARDS, []))).toEqual(["j_dilla", "hiphop", "trap", "dnb", "jazz"]);
});

test("favourites come first, in the order in which they were chosen", () => {
  expect(names(inOrder(CARDS, ["jazz", "trap"]))).toEqual(["jazz", "trap", "j_dilla", "hiphop", "dnb"]);
});

test("a favourite is one until it is touched again", () => {
  toggleFavourite("trap");
  toggleFavourite("jazz");
  expect(favourites.value).toEqual(["trap", "jazz"]);
  toggleFavourite("trap");
  expect(favourites.value).toEqual(["jazz"]);
});

test("families are those that there are styles of, each with a hue of its own", () => {
  expect(familiesOf(CARDS)).toEqual(["producers", "hip_hop", "electronic", "jazz"]);
  expect(new Set(Object.values(FAMILY_HUES)).size).toBe(Object.keys(FAMILY_HUES).length);
});

test.each([
  ["hip", ["hiphop", "trap"]],
  ["HIPHOP", ["hiphop", "trap"]],
  ["dilla", ["j_dilla"]],
  ["drum and", ["dnb"]],
  ["dnb", ["dnb"]],
  ["", ["j_dilla", "dnb", "hiphop", "jazz", "trap"]],
  ["polka", []],
])("%s finds %s", (sought, found) => {
  const family: Record<string, string> = { hip_hop: "Hip-hop" };
  expect(names(CARDS.filter((each) => matches(each, sought, family[each.family] ?? "")))).toEqual(found);
});
