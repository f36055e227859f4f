// A kit while it is edited: what has been changed of it, step by step, and what will be saved.

/** What an articulation is struck by, as the engine tells it. */
export interface SoundView {
  readonly articulation: string;
  readonly notes: readonly number[];
  readonly nearest: string | null;
}
export interface KitView {
  readonly name: string;
  readonly title: string;
  readonly own: boolean;
  readonly sounds: readonly SoundView[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A note taken away: the nearest is struck. */
export const NONE = "none";
export type Note = number | typeof NONE;
type Changes = Readonly<Record<string, Note>>;

/** A kit and the changes of it, oldest first. Each change makes another draft; the one before stays. */
export interface Draft {
  readonly kit: KitView;
  readonly steps: readonly Changes[];
}

export const draftOf = (kit: KitView): Draft => ({ kit, steps: [] });
export const changesOf = (draft: Draft): Changes => draft.steps.at(-1) ?? {};

/** The draft with another note for an articulation; null is the kit's own. */
export function changed(draft: Draft, articulation: string, note: Note | null): Draft {
  const { [articulation]: _, ...others } = changesOf(draft);
  const next = note === null ? others : { ...others, [articulation]: note };
  return { ...draft, steps: [...draft.steps, next] };
}

export const undone = (draft: Draft): Draft => ({ ...draft, steps: draft.steps.slice(0, -1) });

/** What an articulation is struck by: its notes, and whose they are where it has none of its own. */
export function struckBy(draft: Draft, articulation: string): Omit<SoundView, "nearest"> {
  const changes = changesOf(draft);
  let name: string | null = articulation;
  while (name !== null) {
    const own = draft.kit.sounds.find((each) => each.articulation === name);
    const change = changes[name];
    if (typeof change === "number") return { articulation: name, notes: [change] };
    if (change !== NONE && own !== undefined && own.notes.length > 0)
      return { articulation: name, notes: own.notes };
    name = own?.nearest ?? null;
  }
  return { articulation, notes: [] }; // the engine has no such kit
}

/** What strikes an articulation of a draft on the engine's kit; a note only where the engine must have it. */
export function strokeOf(draft: Draft, articulation: string): readonly [string, number | null] {
  const { articulation: struck, notes } = struckBy(draft, articulation);
  return [struck, notes.length === 1 ? (notes[0] ?? null) : null];
}

/** The fields of the file to be saved under a name. */
export function fieldsOf(draft: Draft, name: string): Record<string, unknown> {
  const notes = { ...(draft.kit.fields["notes"] as object | undefined), ...changesOf(draft) };
  return { ...draft.kit.fields, title: name, ...(Object.keys(notes).length > 0 && { notes }) };
}

const TONES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
/** A note as most drum software names it: 60 is C3. */
export const toneOf = (note: number): string => `${TONES[note % 12]}${Math.floor(note / 12) - 2}`;
