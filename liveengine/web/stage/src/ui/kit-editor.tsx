// The kit editor: strike a pad, hear it, choose its note or let a pad of yours choose it, save under a name.
import { useEffect, useRef, useState } from "preact/hooks";
import { nextNote, readKit, Refused, saveKit } from "../kit-calls";
import {
  changed,
  changesOf,
  draftOf,
  fieldsOf,
  NONE,
  strokeOf,
  struckBy,
  toneOf,
  undone,
} from "../kit-draft";
import type { Draft, Note } from "../kit-draft";
import { say, sayName } from "../language";
import { soundHere } from "../listening";
import { act, valueOf } from "../state";
import { Button } from "./parts";

const VELOCITY = 100;

export function KitEditor(props: { isOpen: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const waiting = useRef<AbortController | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [chosen, setChosen] = useState("");
  const [waits, setWaits] = useState(false);
  const [name, setName] = useState("");
  const [notice, setNotice] = useState("");
  const [taken, setTaken] = useState("");

  const stopWaiting = () => {
    waiting.current?.abort();
    waiting.current = null;
    setWaits(false);
  };
  const tell = (wrong: unknown) => setNotice(wrong instanceof Error ? wrong.message : String(wrong));
  const close = () => {
    stopWaiting();
    setDraft(null); // what was not saved is as it was
    props.onClose();
  };
  const open = async () => {
    setNotice("");
    setTaken("");
    dialog.current?.showModal();
    try {
      const kit = await readKit(String(valueOf("kit")));
      setDraft(draftOf(kit));
      setChosen(kit.sounds[0]?.articulation ?? "");
      setName(kit.own ? kit.title : "");
    } catch (wrong) {
      tell(wrong);
    }
  };
  useEffect(() => {
    if (props.isOpen) void open();
    return stopWaiting;
  }, [props.isOpen]);
  const strike = (articulation: string, of: Draft) => {
    const [struck, note] = strokeOf(of, articulation);
    void act("strike", struck, VELOCITY, note);
    soundHere(articulation, VELOCITY);
  };
  const choose = (articulation: string, of: Draft) => {
    if (articulation !== chosen) stopWaiting();
    setChosen(articulation);
    strike(articulation, of);
  };
  const change = (of: Draft, note: Note | null) => {
    stopWaiting(); // a note that comes later is not for this any more
    const next = changed(of, chosen, note);
    setDraft(next);
    strike(chosen, next);
  };
  const learn = async (of: Draft) => {
    if (waits) return stopWaiting();
    const mine = new AbortController();
    waiting.current = mine;
    setWaits(true);
    setNotice("");
    try {
      const note = await nextNote(mine.signal);
      if (mine.signal.aborted) return;
      if (note === null) setNotice(say("edit.none_came"));
      else change(of, note);
    } catch (wrong) {
      tell(wrong);
    }
    if (waiting.current === mine) stopWaiting();
  };
  const save = async (of: Draft, replace: boolean) => {
    setTaken("");
    try {
      const saved = await saveKit(name.trim(), fieldsOf(of, name.trim()), replace);
      setDraft(draftOf(await readKit(saved.name)));
      setNotice(say("edit.saved", { file: saved.file }));
    } catch (wrong) {
      if (wrong instanceof Refused && wrong.taken) setTaken(name);
      tell(wrong);
    }
  };

  return (
    <dialog ref={dialog} class="kit-editor" aria-labelledby="edit-title" onClose={close}>
      <h2 id="edit-title">{say("edit.title", { kit: draft?.kit.title ?? "" })}</h2>
      <p class="hint">{say("edit.hint")}</p>
      {draft !== null && (
        <>
          <div class="kit-pads" role="group" aria-label={say("kit")}>
            {draft.kit.sounds.map(({ articulation }) => (
              <Pad
                key={articulation}
                draft={draft}
                articulation={articulation}
                pressed={articulation === chosen}
                onTouch={() => choose(articulation, draft)}
              />
            ))}
          </div>
          <NoteOf
            draft={draft}
            articulation={chosen}
            waits={waits}
            onNote={(note) => change(draft, note)}
            onLearn={() => void learn(draft)}
          />
          <form
            class="buttons"
            onSubmit={(event) => {
              event.preventDefault();
              void save(draft, false);
            }}
          >
            <label for="kit-name">{say("edit.name")}</label>
            <input
              id="kit-name"
              type="text"
              maxLength={64}
              value={name}
              onInput={(event) => {
                setName(event.currentTarget.value);
                setTaken("");
              }}
            />
            <Button submits class="lit" tip={say("edit.save.tip")} disabled={name.trim() === ""}>
              {say("edit.save")}
            </Button>
            {taken !== "" && (
              <Button tip={say("edit.replace.tip")} onClick={() => void save(draft, true)}>
                {say("edit.replace", { name: taken })}
              </Button>
            )}
          </form>
        </>
      )}
      <p class="told" role="status">
        {notice}
      </p>
      <div class="buttons">
        <Button
          tip={say("edit.undo.tip")}
          disabled={draft === null || draft.steps.length === 0}
          onClick={() => {
            stopWaiting();
            if (draft !== null) setDraft(undone(draft));
          }}
        >
          {say("undo")}
        </Button>
        <Button tip={say("edit.close.tip")} onClick={() => dialog.current?.close()}>
          {say(draft !== null && draft.steps.length > 0 ? "edit.cancel" : "settings.close")}
        </Button>
      </div>
    </dialog>
  );
}

function Pad(props: { draft: Draft; articulation: string; pressed: boolean; onTouch: () => void }) {
  const { draft, articulation } = props;
  const { articulation: struck, notes } = struckBy(draft, articulation);
  const own = struck === articulation;
  const name = sayName("strike", articulation);
  return (
    <Button
      class={`${own ? "" : "folded"} ${articulation in changesOf(draft) ? "changed" : ""}`}
      pressed={props.pressed}
      tip={own ? say("edit.pad.tip", { name }) : say("edit.folded", { name: sayName("strike", struck) })}
      onTouch={props.onTouch}
      data-control={`strike_${articulation}`}
    >
      <span>{name}</span>{" "}
      <small>{own ? notes.slice(0, 2).join(" ") + (notes.length > 2 ? " …" : "") : "–"}</small>
    </Button>
  );
}

function NoteOf(props: {
  draft: Draft;
  articulation: string;
  waits: boolean;
  onNote: (note: Note | null) => void;
  onLearn: () => void;
}) {
  const { draft, articulation, onNote } = props;
  const { articulation: struck, notes } = struckBy(draft, articulation);
  const own = struck === articulation;
  const note = notes[0] ?? 0;
  const needed = draft.kit.sounds.find((each) => each.articulation === articulation)?.nearest === null;
  return (
    <div class="kit-note">
      <h3>{sayName("strike", articulation)}</h3>
      <div class="buttons" role="group" aria-label={sayName("strike", articulation)}>
        <Button tip={say("edit.lower")} disabled={note === 0} onClick={() => onNote(note - 1)}>
          −
        </Button>
        <input
          type="number"
          aria-label={say("edit.note")}
          min={0}
          max={127}
          value={own ? note : ""}
          onChange={(event) => {
            const wanted = event.currentTarget.valueAsNumber;
            if (Number.isInteger(wanted) && wanted >= 0 && wanted <= 127) onNote(wanted);
            else event.currentTarget.value = own ? String(note) : "";
          }}
        />
        <Button tip={say("edit.higher")} disabled={note === 127} onClick={() => onNote(note + 1)}>
          +
        </Button>
        <span class="tone">{own ? toneOf(note) : "–"}</span>
        <Button tip={say("edit.learn.tip")} pressed={props.waits} onClick={props.onLearn}>
          {say(props.waits ? "edit.learning" : "edit.learn")}
        </Button>
        <Button tip={say("edit.none.tip")} disabled={needed || !own} onClick={() => onNote(NONE)}>
          {say("edit.none")}
        </Button>
        <Button
          tip={say("edit.back.tip")}
          label={say("edit.back.tip")}
          disabled={!(articulation in changesOf(draft))}
          onClick={() => onNote(null)}
        >
          ↺
        </Button>
      </div>
      <p class="hint">
        {!own && say("edit.folded", { name: sayName("strike", struck) })}
        {own && notes.length > 1 && say("edit.several")}
      </p>
    </div>
  );
}
