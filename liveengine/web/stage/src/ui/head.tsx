// The head of the page: what plays, where it is, who is there, and the switches that a stage needs first.
import { useEffect, useRef } from "preact/hooks";
import { place } from "../beats";
import icon from "../icon.svg";
import { listen, listens, volume } from "../listening";
import {
  act,
  clock,
  connected,
  live,
  soundedStyle,
  styleIsComing,
  time,
  titleOf,
  welcome,
  wishedStyle,
} from "../state";
import { Action } from "./parts";

export function Head() {
  const map = time.value;
  const peers = live.value?.peers ?? 0;
  const sounding = map?.sounding === true;
  const playing = soundedStyle.value;
  return (
    <header>
      <h1>
        <img src={icon} alt="" width="26" height="26" /> liveengine
      </h1>
      <div class="now" aria-live="polite">
        <strong>{playing === "" ? (sounding ? "waiting" : "stands still") : titleOf(playing)}</strong>
        {styleIsComing.value && <span class="coming">next: {titleOf(wishedStyle.value ?? "")}</span>}
      </div>
      <Where />
      <div class="figures">
        <span class="bpm">{map === null ? "–" : map.bpm.toFixed(2)} bpm</span>
        <span>
          {peers} {peers === 1 ? "Link peer" : "Link peers"}
        </span>
      </div>
      <div class="switches">
        <button type="button" class="transport" onClick={() => void act(sounding ? "stop" : "start")}>
          {sounding ? "■ Stop" : "▶ Start"}
        </button>
        <button
          type="button"
          class="listen"
          aria-pressed={listens.value}
          disabled={!connected.value && !listens.value}
          onClick={() => void listen(!listens.value)}
        >
          {listens.value ? "♪ Listening here" : "♪ Listen here"}
        </button>
        {listens.value && (
          <label class="volume">
            <span class="unseen">Volume here</span>
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
        <Action name="panic" class="panic" title="every note off (Esc)">
          Panic
        </Action>
      </div>
    </header>
  );
}

/** Bar and beat, written with each frame: as text they would be rendered sixty times a second. */
function Where() {
  const text = useRef<HTMLSpanElement>(null);
  const lamps = useRef<HTMLSpanElement>(null);
  const beats = Math.ceil(welcome.value?.bar_beats ?? 4);
  useEffect(() => {
    let frame = 0;
    const write = () => {
      frame = requestAnimationFrame(write);
      const map = time.peek();
      const barBeats = welcome.peek()?.bar_beats ?? 4;
      const now = map === null ? null : place(map, clock.engineUs(performance.now()), barBeats);
      const shown = now === null ? "–.–" : `${now.bar}.${now.beat}`;
      if (text.current !== null && text.current.textContent !== shown) {
        text.current.textContent = shown;
        [...(lamps.current?.children ?? [])].forEach((lamp, beat) =>
          lamp.classList.toggle("on", now !== null && beat === now.beat - 1),
        );
      }
    };
    write();
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <div class="where">
      <span class="unseen">bar and beat</span>
      <span ref={text} class="place" />
      <span ref={lamps} class="lamps" aria-hidden="true">
        {Array.from({ length: beats }, (_, beat) => (
          <i key={beat} />
        ))}
      </span>
    </div>
  );
}
