// What the player should read: what is wrong, what the engine says, and what a knob is to be connected to.
import { say } from "../language";
import { notice } from "../notice";
import { act, connected, live, teaching, trouble, welcome } from "../state";
import { Button } from "./parts";

/** An engine that was started again has another token, unless its settings name one. */
const isElsewhere = () => !["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);

function lost(): string {
  if (welcome.value === null) return say("trouble.looking");
  return `${say("trouble.silent")} ${isElsewhere() ? say("trouble.anew") : ""}`;
}

/** The elements stay while they are empty: readers watch them. They lie over the plan; nothing moves. */
export function Notes() {
  const learns = live.value?.learning;
  return (
    <div class="notes">
      <p class="trouble" role="status">
        {connected.value ? "" : lost()}
      </p>
      <p class="trouble" role="alert">
        {trouble.value}
        {trouble.value !== "" && (
          <Button class="link" tip={say("trouble.read.tip")} onClick={() => (trouble.value = "")}>
            {say("trouble.read")}
          </Button>
        )}
      </p>
      <p class="notice" role="status">
        {teaching.value ? say("learn.touch") : learns != null ? say("learn.waits", { control: learns }) : ""}
        {learns != null && (
          <Button class="link" tip={say("learn.stop.tip")} onClick={() => void act("learn_midi", "")}>
            {say("learn.stop")}
          </Button>
        )}
      </p>
      <p class="notice" role="status">
        {notice.value}
      </p>
    </div>
  );
}
