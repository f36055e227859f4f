// What is done in the moment: fill, break, undo, locks; and how far the set is.
import { beatsUntilBar } from "../coming";
import { say } from "../language";
import type { SetView } from "../messages";
import { fillIsNext, now } from "../now";
import { act, clock, live, time, welcome } from "../state";
import { barsOf, lastBars } from "../words";
import { Action, Button, Panel } from "./parts";

const LAST_SEED = 2 ** 31;

export function Moments() {
  const looped = live.value?.looped_bars ?? 0;
  const set = live.value?.set ?? null;
  return (
    <Panel title={say("moments")} name="moments">
      {set !== null && <SetProgress set={set} />}
      <div class="big">
        {(["fill", "break", "undo"] as const).map((name) => (
          <Action key={name} name={name} tip={say(`${name}.tip`)}>
            {say(name)}
            {name === "fill" && <small>{say(fillIsNext.value ? "fill.next" : "fill.this")}</small>}
          </Action>
        ))}
      </div>
      <div class="lesser">
        {[1, 2, 4].map((count) => (
          <Action
            key={count}
            name={`lock_${count}`}
            class={looped === count ? "lit" : ""}
            tip={say("lock.tip", { bars: lastBars(count) })}
          >
            {say("lock", { count })}
          </Action>
        ))}
        <Action
          name="unlock"
          class={looped > 0 ? "lit" : ""}
          tip={
            looped > 0
              ? `${say("locked", { bars: barsOf(looped) })}: ${say("unlock.tip")}`
              : say("unlock.tip")
          }
        >
          {say("unlock")}
        </Action>
        <Button
          tip={say("new_idea.tip")}
          onClick={() => void act("seed", Math.floor(Math.random() * LAST_SEED))}
        >
          {say("new_idea")}
        </Button>
        <Action name="panic" class="panic" tip={say("panic.tip")}>
          {say("panic")}
        </Action>
      </div>
    </Panel>
  );
}

/** Which scene of the set plays, what comes next, and when. */
function SetProgress(props: { set: SetView }) {
  const { set } = props;
  return (
    <div class="set">
      <progress value={set.place} max={set.count} aria-label={set.title} />
      <p>
        <strong>{set.scene}</strong> <span>{say("set.place", { place: set.place, count: set.count })}</span>
        <span>
          {set.next_scene === ""
            ? say("set.last")
            : say("set.then", { scene: set.next_scene, when: whenComes(set) })}
        </span>
      </p>
      <Action name="next_scene" tip={say("set.next.tip")}>
        {say("set.next")}
      </Action>
    </div>
  );
}

/** In how many bars the next scene comes, in beats for the last of them. */
function whenComes(set: SetView): string {
  now.value; // once a beat
  const [map, barBeats] = [time.value, welcome.value?.bar_beats ?? 4];
  if (set.next_bar === null || map?.sounding !== true) return set.next_when;
  const beats = beatsUntilBar(map, clock.engineUs(performance.now()), set.next_bar - 1, barBeats);
  if (beats <= barBeats) return say("in_beats", { count: Math.max(1, Math.ceil(beats)) });
  return say("in_bars", { count: Math.ceil(beats / barBeats) });
}
