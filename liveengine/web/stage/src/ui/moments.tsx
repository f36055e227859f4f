// What is done once: fill, break, loops, undo, other dice; scenes; captures.
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { capture, captureAddress } from "../captures";
import { act, controls, live, teaching } from "../state";
import { barsOf, lastBars } from "../words";
import { Action, Panel } from "./parts";

const LAST_SEED = 2 ** 31;

export function Moments() {
  const looped = live.value?.looped_bars ?? 0;
  return (
    <Panel title="Moments" name="moments">
      <div class="buttons big">
        <Action name="fill">Fill</Action>
        <Action name="break">Break</Action>
        <Action name="undo">Undo</Action>
      </div>
      <div class="buttons">
        <span class="named">lock</span>
        {[1, 2, 4].map((bars) => (
          <Action
            key={bars}
            name={`lock_${bars}`}
            label={`lock ${lastBars(bars)}`}
            title={`play ${lastBars(bars)} again and again`}
          >
            {bars}
          </Action>
        ))}
        <Action name="unlock" class={looped > 0 ? "lit" : ""}>
          {looped > 0 ? `unlock ${looped}` : "unlock"}
        </Action>
        <button type="button" onClick={() => void act("seed", Math.floor(Math.random() * LAST_SEED))}>
          other dice
        </button>
        <button
          type="button"
          aria-pressed={teaching.value}
          title="then touch a control here, and a knob or pad of your controller"
          onClick={() => (teaching.value = !teaching.value)}
        >
          MIDI learn
        </button>
      </div>
      {teaching.value && <p class="hint">Touch the control that your knob or pad is to turn.</p>}
      {live.value?.learning != null && (
        <p class="hint">
          Now touch the knob or pad for {live.value.learning}.{" "}
          <button type="button" class="link" onClick={() => void act("learn_midi", "")}>
            Leave it
          </button>
        </p>
      )}
    </Panel>
  );
}

/** Bars over which a scene comes. */
const morphBars = signal(0);

export function Scenes() {
  const field = useRef<HTMLInputElement>(null);
  const scenes = controls.value?.scenes ?? [];
  const set = live.value?.set ?? null;
  const save = async (event: Event) => {
    event.preventDefault();
    const name = field.current?.value.trim() ?? "";
    if (name === "" || !(await act("save_scene", name)) || field.current === null) return;
    field.current.value = "";
    field.current.blur(); // keys play again
  };
  return (
    <Panel title="Scenes" name="scenes">
      {set !== null && (
        <p class="set">
          {set.title} {set.place}/{set.count}: <strong>{set.scene}</strong>
          {set.next_scene === ""
            ? ", the last"
            : `, then ${set.next_scene} ${set.next_bar === null ? set.next_when : `at bar ${set.next_bar}`}`}
          <Action name="next_scene">Next</Action>
        </p>
      )}
      <div class="buttons">
        {scenes.length === 0 && <span class="hint">None yet: save how it is turned now.</span>}
        {scenes.map((scene) => (
          <button
            key={scene}
            type="button"
            data-scene={scene}
            onClick={() => void act("scene", scene, morphBars.value)}
          >
            {scene}
          </button>
        ))}
      </div>
      <form class="buttons" onSubmit={(event) => void save(event)}>
        <input
          ref={field}
          type="text"
          maxLength={64}
          placeholder="name"
          aria-label="Name of the scene to save"
        />
        <button type="submit">Save</button>
        <label>
          over{" "}
          <select
            value={morphBars.value}
            onChange={(event) => {
              morphBars.value = Number(event.currentTarget.value);
              event.currentTarget.blur();
            }}
          >
            {[0, 1, 2, 4, 8, 16].map((bars) => (
              <option key={bars} value={bars}>
                {bars === 0 ? "at once" : barsOf(bars)}
              </option>
            ))}
          </select>
        </label>
      </form>
    </Panel>
  );
}

export function Captures() {
  const captures = live.value?.captures ?? [];
  return (
    <Panel title="Captures" name="captures">
      <div class="buttons">
        <span class="named">keep the last</span>
        {[1, 4, 16, 64].map((bars) => (
          <button
            key={bars}
            type="button"
            data-action={`capture_${bars}`}
            aria-label={`keep ${lastBars(bars)}`}
            onClick={() => void capture(bars)}
          >
            {bars === 1 ? "bar" : barsOf(bars)}
          </button>
        ))}
      </div>
      <ul class="files">
        {[...captures].reverse().map((each) => (
          <li key={each.name}>
            <a href={captureAddress(each.name)} download={each.name}>
              {each.name}
            </a>{" "}
            {barsOf(each.bars)}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
