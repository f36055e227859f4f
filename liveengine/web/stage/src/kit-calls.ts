// What the kit editor asks of the engine over HTTP.
import type { KitView } from "./kit-draft";

const CALLS = "./api/v1/live";

export interface Saved {
  readonly name: string;
  readonly file: string;
}
/** What was refused: `taken` where a kit of the name exists and may be replaced. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly taken: boolean,
  ) {
    super(message);
  }
}

async function call<Answer>(method: string, path: string, more: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${CALLS}/${path}`, { method, ...more });
  const answered = (await answer.json()) as Answer & { detail?: string };
  if (!answer.ok) throw new Refused(answered.detail ?? answer.statusText, answer.status === 409);
  return answered;
}

export const readKit = (name: string) => call<KitView>("GET", `kits/${encodeURIComponent(name)}`);

/** The next note that is struck on the control port; null where none came, or the signal ended the wait. */
export const nextNote = (signal: AbortSignal) =>
  call<{ note: number | null }>("POST", "next-note", { signal }).then(
    ({ note }) => note,
    (wrong: unknown) => {
      if (signal.aborted) return null;
      throw wrong;
    },
  );

export const saveKit = (name: string, fields: object, replace: boolean) =>
  call<Saved>("PUT", `kits/${encodeURIComponent(name)}`, {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ fields, replace }),
  });
