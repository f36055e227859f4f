// Scenes, which bring back how everything was set; and captures of what was played.
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { capture, captureAddress } from "../captures";
import { say } from "../language";
import { act, controls, live } from "../state";
import { barsOf, lastBars } from "../words";
import { Button, FileLink, Panel } from "./parts";

/** Bars over which a scene comes. */
const morphBars = signal(0);
/** Whether a scene was to be saved without a name. */
const isUnnamed = signal(false);

export function Scenes() {
  const field = useRef<HTMLInputElement>(null);
  const scenes = controls.value?.scenes ?? [];
  const save = async (event: Event) => {
    event.preventDefault();
    const name = field.current?.value.trim() ?? "";
    isUnnamed.value = name === "";
    if (name === "") field.current?.focus();
    if (name === "" || !(await act("save_scene", name)) || field.current === null) return;
    field.current.value = "";
    field.current.blur(); // keys play again
  };
  return (
    <Panel title={say("scenes")} name="scenes">
      <div class="scene-pads">
        {scenes.length === 0 && <span class="hint">{say("scenes.none")}</span>}
        {scenes.map((scene) => (
          <Button
            key={scene}
            data-scene={scene}
            tip={say("scenes.tip", { scene })}
            onClick={() => void act("scene", scene, morphBars.value)}
          >
            {scene}
          </Button>
        ))}
      </div>
      <form class="buttons" onSubmit={(event) => void save(event)}>
        <input
          ref={field}
          type="text"
          maxLength={64}
          placeholder={say("scenes.placeholder")}
          aria-label={say("scenes.name")}
          aria-invalid={isUnnamed.value}
          aria-describedby="scene-missing"
          onInput={() => (isUnnamed.value = false)}
        />
        <Button submits tip={say("scenes.save.tip")}>
          {say("scenes.save")}
        </Button>
        <label>
          {say("scenes.over")}{" "}
          <select
            value={morphBars.value}
            onChange={(event) => {
              morphBars.value = Number(event.currentTarget.value);
              event.currentTarget.blur();
            }}
          >
            {[0, 1, 2, 4, 8, 16].map((bars) => (
              <option key={bars} value={bars}>
                {bars === 0 ? say("scenes.at_once") : barsOf(bars)}
              </option>
            ))}
          </select>
        </label>
        <p id="scene-missing" class="missing" role="alert">
          {isUnnamed.value ? say("scenes.unnamed") : ""}
        </p>
      </form>
      <Captures />
    </Panel>
  );
}

function Captures() {
  const captures = live.value?.captures ?? [];
  return (
    <>
      <h3>{say("captures")}</h3>
      <div class="choice" role="group" aria-label={say("captures.keep")}>
        {[1, 4, 16, 64].map((bars) => (
          <Button
            key={bars}
            data-action={`capture_${bars}`}
            tip={say("captures.keep.tip", { bars: lastBars(bars) })}
            onClick={() => void capture(bars)}
          >
            {barsOf(bars)}
          </Button>
        ))}
      </div>
      <ul class="files">
        {[...captures].reverse().map((each) => (
          <li key={each.name}>
            <FileLink name={each.name} address={captureAddress(each.name)}>
              {each.name}
            </FileLink>{" "}
            {barsOf(each.bars)}
          </li>
        ))}
      </ul>
    </>
  );
}
