// The whole page.
import { useRef } from "preact/hooks";
import { KEYS, STYLE_KEYS, keysAreOn } from "../keys";
import { connected, live, trouble, welcome } from "../state";
import { FirstSteps } from "./first-steps";
import { Flow, Pushes } from "./flow";
import { Head } from "./head";
import { Captures, Moments, Scenes } from "./moments";
import { ProofPanel } from "./proof";
import { Shape } from "./shape";
import { Styles } from "./styles";

export function App() {
  return (
    <>
      <Head />
      <main>
        <Notes />
        <FirstSteps />
        <Flow />
        <div class="panels">
          <Styles />
          <Shape />
          <div class="column">
            <Moments />
            <Scenes />
            <Captures />
          </div>
          <div class="column">
            <ProofPanel />
            <Pushes />
          </div>
        </div>
      </main>
      <Foot />
    </>
  );
}

/** What the player should read: what is wrong, and what the engine says. The elements stay: readers watch them. */
function Notes() {
  const notice = live.value?.notice ?? "";
  const lost =
    welcome.value === null
      ? "Looking for the engine …"
      : `The engine does not answer. Trying again … ${anew}`;
  return (
    <div class="notes">
      <div class="troubles">
        <p class="trouble" role="status">
          {connected.value ? "" : lost}
        </p>
        <p class="trouble" role="alert">
          {trouble.value}
          {trouble.value !== "" && (
            <button type="button" class="link" onClick={() => (trouble.value = "")}>
              All right
            </button>
          )}
        </p>
      </div>
      <p class="notice" role="status" title={notice}>
        {notice}
      </p>
    </div>
  );
}

/** An engine that was started again has another token, unless its settings name one. */
const anew = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname)
  ? ""
  : "If it was started again, open the link that it shows now.";

function Foot() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <footer>
      <button type="button" class="link" onClick={() => dialog.current?.showModal()}>
        Keys
      </button>
      <span>
        liveengine {welcome.value?.engine ?? ""} · {welcome.value?.meter ?? ""} ·{" "}
        {welcome.value?.port.name === "" ? "no MIDI port" : `sending to ${welcome.value?.port.name ?? "…"}`}
      </span>
      <dialog ref={dialog} aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <label>
          <input
            type="checkbox"
            checked={keysAreOn.value}
            onChange={(event) => (keysAreOn.value = event.currentTarget.checked)}
          />{" "}
          single keys count
        </label>
        <table>
          <tbody>
            <tr>
              <th scope="row">
                <kbd>{STYLE_KEYS[0]}</kbd>–<kbd>{STYLE_KEYS.at(-1)}</kbd>
              </th>
              <td>the first styles</td>
            </tr>
            {KEYS.map((key) => (
              <tr key={key.key}>
                <th scope="row">
                  <kbd>{key.shown}</kbd>
                </th>
                <td>{key.does}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </dialog>
    </footer>
  );
}
