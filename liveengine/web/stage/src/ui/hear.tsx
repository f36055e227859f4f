// How to hear the drums, for whoever has no peer yet and nothing that listens at the port. Once heard, it folds.
import { useEffect } from "preact/hooks";
import { say } from "../language";
import { listen, listens } from "../listening";
import { live, welcome } from "../state";
import { Button } from "./parts";
import { hearIsOpen } from "./view";

export function Hear() {
  const port = welcome.value?.port;
  const received = live.value;
  const heard = received !== null && (received.peers > 0 || received.heard === true || listens.value);
  const known = received !== null;
  useEffect(() => {
    if (heard)
      hearIsOpen.value = false; // nor back in the middle of a song, when the last peer leaves
    else if (known) hearIsOpen.value ??= true;
  }, [heard, known]);
  if (port === undefined || received === null || hearIsOpen.value !== true) return null;
  return (
    <section class="hear" aria-labelledby="hear-title">
      <h2 id="hear-title">{say("hear")}</h2>
      <Button class="lit" tip={say("listen.tip")} disabled={listens.value} onClick={() => void listen(true)}>
        ♪ {say(listens.value ? "listen.on" : "listen")}
      </Button>
      <details>
        <summary title={say("hear.live.tip")}>{say("hear.live")}</summary>
        <ol>
          <li>
            {say("hear.tempo")} {received.peers === 0 && <em>{say("hear.no_peer")}</em>}
          </li>
          <li>
            {port.name === ""
              ? say("hear.no_midi", { cure: port.cure })
              : say("hear.sound", { port: port.name })}{" "}
            {received.heard === false && <em>{say("hear.no_listener")}</em>}
          </li>
          {port.control !== "" && <li>{say("hear.controller", { port: port.control })}</li>}
        </ol>
      </details>
      <Button class="fold" tip={say("hear.fold.tip")} onClick={() => (hearIsOpen.value = false)}>
        {say("hear.fold")}
      </Button>
    </section>
  );
}
