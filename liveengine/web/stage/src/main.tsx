// The stage page begins here.
import { effect } from "@preact/signals";
import { render } from "preact";
import { listenToKeys } from "./keys";
import { firstWords } from "./language";
import { listening } from "./listening";
import {
  clock,
  controls,
  heard,
  join,
  letGo,
  live,
  meantAgain,
  plan,
  players,
  proof,
  time,
  welcome,
} from "./state";
import { followTime } from "./now";
import { applyTheme } from "./theme";
import "./styles/ground.css";
import "./styles/parts.css";
import "./styles/panels.css";
import "./styles/players.css";
import "./styles/layout.css";
import "./styles/screens.css";
import { App } from "./ui/app";
import { painted } from "./ui/flow";

declare global {
  interface Window {
    /** What the page knows and shows, for the console and for tests. */
    liveengine: object;
  }
}

window.liveengine = {
  clock,
  heard,
  plan,
  get received() {
    return {
      welcome: welcome.value,
      time: time.value,
      controls: controls.value,
      live: live.value,
      players: players.value,
      proof: proof.value,
    };
  },
  get painted() {
    return painted;
  },
  get listening() {
    return listening;
  },
};

/** Keeps a tablet's screen on, where the browser lets it: on this machine, and over https. */
async function stayAwake(): Promise<void> {
  document.addEventListener("visibilitychange", () => void lockScreen());
  await lockScreen();
}

async function lockScreen(): Promise<void> {
  if (document.hidden || !("wakeLock" in navigator)) return;
  await navigator.wakeLock.request("screen").catch(() => null); // a browser that refuses lets the screen dim
}

// The token was good for the first call, and a cookie stands for it now: nobody needs to read it off the screen.
if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname);

applyTheme();
effect(() => {
  // A second engine's port has a name of its own: its page has that, too.
  const [client, port] = (welcome.value?.port.name ?? "").split(":");
  document.title = client !== undefined && port !== undefined ? client : "liveengine";
});
listenToKeys();
for (const left of ["pointerup", "pointercancel", "keyup"]) addEventListener(left, letGo);
// A tap is reported after its finger has left: what comes next is meant.
for (const next of ["pointerdown", "keydown"]) addEventListener(next, meantAgain, { capture: true });
followTime();
void stayAwake();
join();
await firstWords;
const root = document.getElementById("stage");
if (root !== null) render(<App />, root);
