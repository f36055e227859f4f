// A kit that is edited: each change and its way back, what strikes what, and the file that is saved.
import { expect, test } from "vitest";
import { changed, changesOf, draftOf, fieldsOf, strokeOf, struckBy, toneOf, undone } from "./kit-draft";
import type { KitView } from "./kit-draft";

const sound = (articulation: string, notes: number[], nearest: string | null = null) => ({
  articulation,
  notes,
  nearest,
});
const GM: KitView = {
  name: "gm",
  title: "General MIDI",
  own: false,
  sounds: [
    sound("snare", [38, 33]),
    sound("snare_rim", [], "snare"),
    sound("open_hat", [46]),
    sound("half_open_hat", [24, 25], "open_hat"),
    sound("half_open_hat_edge", [], "half_open_hat"),
  ],
  fields: { like: "gm" },
};

test("a change strikes its note, and undoing it the one before", () => {
  const draft = draftOf(GM);
  const once = changed(draft, "snare", 40);
  const twice = changed(once, "snare", 41);
  expect(strokeOf(twice, "snare")).toEqual(["snare", 41]);
  expect(strokeOf(undone(twice), "snare")).toEqual(["snare", 40]);
  expect(struckBy(undone(undone(twice)), "snare").notes).toEqual([38, 33]);
  expect(undone(draft)).toEqual(draft);
  expect(changesOf(changed(twice, "snare", null))).toEqual({});
  expect(changesOf(undone(changed(twice, "snare", null)))).toEqual({ snare: 41 });
  expect(changesOf(draft)).toEqual({});
});

test("of several notes the engine chooses", () => {
  expect(strokeOf(draftOf(GM), "snare")).toEqual(["snare", null]);
  expect(struckBy(draftOf(GM), "half_open_hat").notes).toEqual([24, 25]);
});

test("what has no note is struck on the nearest that has one, in the draft", () => {
  const draft = draftOf(GM);
  expect(struckBy(draft, "half_open_hat_edge").articulation).toBe("half_open_hat");
  const less = changed(draft, "half_open_hat", "none");
  expect(strokeOf(less, "half_open_hat_edge")).toEqual(["open_hat", 46]);
  expect(strokeOf(changed(less, "open_hat", 50), "half_open_hat")).toEqual(["open_hat", 50]);
  expect(struckBy(draftOf({ ...GM, sounds: [] }), "snare").notes).toEqual([]);
});

test("what is saved is what the file says and what was changed", () => {
  const own = { ...GM, own: true, fields: { title: "Pads", like: "gm", channel: 3, notes: { kick: 24 } } };
  const draft = changed(changed(draftOf(own), "snare", 40), "open_hat", "none");
  const notes = { kick: 24, snare: 40, open_hat: "none" };
  expect(fieldsOf(draft, "Mine")).toEqual({ title: "Mine", like: "gm", channel: 3, notes });
  expect(fieldsOf(draftOf(GM), "Mine")).toEqual({ title: "Mine", like: "gm" });
  expect(own.fields.notes).toEqual({ kick: 24 });
});

test("notes are named as drum software names them", () => {
  expect([60, 36, 37, 0, 127].map(toneOf)).toEqual(["C3", "C1", "C♯1", "C-2", "G8"]);
});
