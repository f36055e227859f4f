// First steps: how to hear the drums, for whoever has no peer yet and nothing that listens at the port.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listen, listens } from "../listening";
import { live, welcome } from "../state";

const dismissed = signal(false);

export function FirstSteps() {
  const port = welcome.value?.port;
  const received = live.value;
  const known = received !== null && (received.peers > 0 || received.heard === true);
  useEffect(() => {
    if (known) dismissed.value = true; // nor back in the middle of a song, when the last peer leaves
  }, [known]);
  if (port === undefined || received === null || known || dismissed.value) return null;
  return (
    <section class="panel first-steps" aria-labelledby="first-title">
      <h2 id="first-title">Hear it</h2>
      <ol>
        <li>
          Right now, with nothing else:{" "}
          <button type="button" class="lit" disabled={listens.value} onClick={() => void listen(true)}>
            {listens.value ? "listening here" : "Listen here"}
          </button>
        </li>
        <li>
          In Ableton Live, for tempo: Settings → Link, Tempo &amp; MIDI → <em>Show Link Toggle</em>, then
          click <em>Link</em> at the top left.{" "}
          {received.peers === 0 && <span class="state">No Link peer is here yet.</span>}
        </li>
        {port.name !== "" ? (
          <li>
            For sound: under Input Ports switch <em>Track</em> on for{" "}
            <strong class="port">{port.name}</strong>, put a Drum Rack on a MIDI track, choose that port under{" "}
            <em>MIDI From</em>, and arm the track.{" "}
            {received.heard === false && <span class="state">Nothing listens at the port yet.</span>}
          </li>
        ) : (
          <li>
            This machine has no MIDI system that a port could be opened in: {port.cure}, and start liveengine
            again.
          </li>
        )}
        {port.control !== "" && (
          <li>
            A controller of yours is connected to <strong class="port">{port.control}</strong>.
          </li>
        )}
      </ol>
      <button type="button" class="link" onClick={() => (dismissed.value = true)}>
        I know how
      </button>
    </section>
  );
}
