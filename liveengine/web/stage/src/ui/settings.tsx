// Settings of this page: language, light or dark, keys; and what it is connected to.
import { useRef, useState } from "preact/hooks";
import { KEYS, STYLE_KEYS, keysAreOn } from "../keys";
import { LANGUAGE_NAMES, language, say, sayName, type Language } from "../language";
import { pageKit } from "../listening";
import { PAGE_KITS, type PageKit } from "../page-kits";
import { controls, turn, valueOf, welcome } from "../state";
import { THEMES, theme } from "../theme";
import { KitEditor } from "./kit-editor";
import { Button } from "./parts";
import { hearIsOpen } from "./view";

export function Settings() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [edits, setEdits] = useState(false);
  const port = welcome.value?.port;
  const kits = controls.value?.kits ?? [];
  const codes = Object.keys(LANGUAGE_NAMES) as Language[];
  return (
    <>
      <Button
        class="settings"
        tip={say("settings.tip")}
        label={say("settings")}
        onClick={() => dialog.current?.showModal()}
      >
        <b aria-hidden="true">⚙</b>
      </Button>
      <dialog ref={dialog} aria-labelledby="settings-title">
        <h2 id="settings-title">{say("settings")}</h2>
        <div class="row">
          <label for="language">{say("language")}</label>
          <select
            id="language"
            value={language.value}
            onChange={(event) => (language.value = event.currentTarget.value as Language)}
          >
            {codes.map((code) => (
              <option key={code} value={code} lang={code}>
                {LANGUAGE_NAMES[code]}
              </option>
            ))}
          </select>
        </div>
        <div class="row">
          <label for="kit">{say("kit.choice")}</label>
          <select
            id="kit"
            value={String(valueOf("kit"))}
            onChange={(event) => turn("kit", event.currentTarget.value)}
          >
            {kits.map((kit) => (
              <option key={kit}>{kit}</option>
            ))}
          </select>
          <Button
            tip={say("edit.tip")}
            onClick={() => {
              dialog.current?.close();
              setEdits(true);
            }}
          >
            {say("edit")}
          </Button>
        </div>
        <div class="row">
          <label for="page-kit">{say("page_kit")}</label>
          <select
            id="page-kit"
            value={pageKit.value ?? ""}
            onChange={(event) => (pageKit.value = (event.currentTarget.value || null) as PageKit | null)}
          >
            <option value="">{say("page_kit.style")}</option>
            {PAGE_KITS.map((kit) => (
              <option key={kit} value={kit}>
                {sayName("page_kit", kit)}
              </option>
            ))}
          </select>
        </div>
        <div class="row" role="group" aria-label={say("theme")}>
          <span>{say("theme")}</span>
          <div class="choice">
            {THEMES.map((each) => (
              <Button
                key={each}
                tip={`${say("theme")}: ${say(`theme.${each}`)}`}
                pressed={theme.value === each}
                onClick={() => (theme.value = each)}
              >
                {say(`theme.${each}`)}
              </Button>
            ))}
          </div>
        </div>
        <h3>{say("keys")}</h3>
        <label>
          <input
            type="checkbox"
            checked={keysAreOn.value}
            onChange={(event) => (keysAreOn.value = event.currentTarget.checked)}
          />{" "}
          {say("keys.use")}
        </label>
        <table>
          <tbody>
            <tr>
              <th scope="row">
                <kbd>{STYLE_KEYS[0]}</kbd>–<kbd>{STYLE_KEYS.at(-1)}</kbd>
              </th>
              <td>{say("keys.first")}</td>
            </tr>
            {KEYS.map((key) => (
              <tr key={key.key}>
                <th scope="row">
                  <kbd>{key.shown}</kbd>
                </th>
                <td>{say(key.does)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p class="hint">
          liveengine {welcome.value?.engine} ·{" "}
          {port === undefined || port.name === "" ? say("port.none") : say("port.to", { port: port.name })}
        </p>
        <div class="buttons">
          <Button
            tip={say("hear.live.tip")}
            onClick={() => {
              hearIsOpen.value = true;
              dialog.current?.close();
            }}
          >
            {say("hear")}
          </Button>
          <Button tip={say("settings.close.tip")} class="lit" onClick={() => dialog.current?.close()}>
            {say("settings.close")}
          </Button>
        </div>
      </dialog>
      <KitEditor isOpen={edits} onClose={() => setEdits(false)} />
    </>
  );
}
