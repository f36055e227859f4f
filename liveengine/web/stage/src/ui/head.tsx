// The head of the page: what plays, what comes next and when, where it is, and the switches of the stage.
import { meterAt } from "../beats";
import { beatsUntilStyle } from "../coming";
import { say } from "../language";
import icon from "../icon.svg";
import { listen, listens, volume } from "../listening";
import type { BarView } from "../messages";
import { now } from "../now";
import {
  act,
  clock,
  connected,
  live,
  plan,
  planChanges,
  soundedStyle,
  styleIsComing,
  time,
  titleOf,
  valueOf,
  wishedStyle,
} from "../state";
import { styleWords } from "../words";
import { Button } from "./parts";
import { ProofDial } from "./proof";
import { Settings } from "./settings";

export function Head() {
  const map = time.value;
  const count = live.value?.peers ?? 0;
  const sounding = map?.sounding === true;
  const link = live.value === null || /peers?$/.test(live.value.source);
  return (
    <header>
      <h1>
        <img src={icon} alt="" width="26" height="26" /> <span>liveengine</span>
      </h1>
      <div class="now" aria-live="polite">
        <strong class={blendOf() === null ? "" : "blends"}>{playing()}</strong>
        {styleIsComing.value && (
          <span class="coming">
            <span class="unseen">{say("now.coming", { style: titleOf(wishedStyle.value ?? "") })}</span>
            <span aria-hidden="true">{coming()}</span>
          </span>
        )}
      </div>
      <Where />
      <div class="figures">
        <span class="bpm">{map === null ? "–" : map.bpm.toFixed(2)} bpm</span>
        <span>{link ? say("now.peers", { count }) : live.value?.source}</span>
      </div>
      <div class="switches">
        <Button
          class="transport"
          tip={say(sounding ? "stop.tip" : "start.tip")}
          onClick={() => void act(sounding ? "stop" : "start")}
        >
          <b aria-hidden="true">{sounding ? "■" : "▶"}</b> <span>{say(sounding ? "stop" : "start")}</span>
        </Button>
        <Button
          class="listen"
          tip={say("listen.tip")}
          pressed={listens.value}
          disabled={!connected.value && !listens.value}
          onClick={() => void listen(!listens.value)}
        >
          <b aria-hidden="true">♪</b> <span>{say(listens.value ? "listen.on" : "listen")}</span>
        </Button>
        {listens.value && (
          <label class="volume" title={say("volume")}>
            <span class="unseen">{say("volume")}</span>
            <input
              type="range"
              min={0}
              max={1}
              step={0.01}
              value={volume.value}
              onInput={(event) => (volume.value = event.currentTarget.valueAsNumber)}
            />
          </label>
        )}
        <ProofDial />
        <Settings />
      </div>
    </header>
  );
}

/** The bar that plays, where two styles are blended in it. */
function blendOf(): BarView | null {
  planChanges.value; // which bar it is
  const bar = plan.bars.get(plan.current);
  const sounds = time.value?.sounding === true && soundedStyle.value !== "";
  return sounds && bar !== undefined && bar.blend.length > 0 ? bar : null;
}

/** What plays: a style, or both of a blend with their shares. */
function playing(): string {
  if (time.value?.sounding !== true) return say("now.stopped");
  if (soundedStyle.value === "") return say("now.starting");
  const blend = blendOf();
  return blend === null ? titleOf(soundedStyle.value) : styleWords(blend, titleOf);
}

/** What comes next, and in how many beats: to be seen, as nobody wants each beat read out. */
function coming(): string {
  now.value; // once a beat
  planChanges.value;
  const [map, style] = [time.value, wishedStyle.value ?? ""];
  if (map === null) return "";
  const count = beatsUntilStyle(
    map,
    clock.engineUs(performance.now()),
    { current: plan.current, bars: plan.from(map.origin_bar) },
    style,
    String(valueOf("switch")),
  );
  return say("now.next", { style: titleOf(style), when: say("in_beats", { count }) });
}

/** Bar and beat. */
function Where() {
  const at = now.value;
  const every = Math.round(Number(valueOf("fill_every") ?? 0));
  const toFill = at === null || at.bar === 0 || every === 0 ? null : every - 1 - ((at.bar - 1) % every);
  const beats =
    time.value === null ? 4 : Math.ceil(meterAt(time.value, Math.max(0, (at?.bar ?? 1) - 1)).beats);
  return (
    <div class="where">
      <span class="unseen">{say("now.place")}</span>
      <span class="place">{at === null ? "–.–" : at.bar === 0 ? `−${at.beat}` : `${at.bar}.${at.beat}`}</span>
      {toFill !== null && <small>{toFill === 0 ? say("fill.now") : say("fill.in", { count: toFill })}</small>}
      <span class="lamps" aria-hidden="true">
        {Array.from({ length: beats }, (_, beat) => (
          <i key={beat} class={at !== null && at.bar > 0 && at.beat === beat + 1 ? "on" : ""} />
        ))}
      </span>
    </div>
  );
}
