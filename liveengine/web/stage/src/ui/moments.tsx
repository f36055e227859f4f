// What is done in the moment: fill, break, undo, the ending, half and double time, locks; and how far the set is.
import { say, sayName } from "../language";
import type { SetView } from "../messages";
import { fillIsNext, now } from "../now";
import { act, clock, live, time, valueOf, welcome } from "../state";
import { barsOf, lastBars, untilBar } from "../words";
import { Action, Button, Panel, Toggle } from "./parts";

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
      <Turns />
      <Pedals />
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

/** The ending, and where it comes once it was asked for; and bars read at another speed. */
function Turns() {
  const ending = live.value?.ending ?? null;
  return (
    <div class="turns">
      <Action name="end" class={ending === null ? "" : "lit"} tip={say("end.tip")}>
        {say("end")}
        <small>{ending === null ? say("fill.next") : (untilNow(ending) ?? say("end.now"))}</small>
      </Action>
      <Action name="end_phrase" tip={say("end_phrase.tip")}>
        {say("end")}
        <small>{say("end_phrase")}</small>
      </Action>
      {(["half_time", "double_time"] as const).map((name) => (
        <Toggle key={name} control={name} label={say(name)} tip={say(`${name}.tip`)}>
          {say(name)}
        </Toggle>
      ))}
      <label class="meter" title={say("meter.tip")}>
        <span class="unseen">{say("meter")}</span>
        <select
          data-control="time_signature"
          value={String(valueOf("time_signature"))}
          onChange={(event) => void act("time_signature", event.currentTarget.value)}
        >
          {(welcome.value?.controls.find((each) => each.name === "time_signature")?.choices ?? []).map(
            (meter) => (
              <option key={meter}>{meter}</option>
            ),
          )}
        </select>
      </label>
    </div>
  );
}

/** What each foot switch does, and a fill in which bar. */
function Pedals() {
  const pedals = live.value?.pedals ?? [];
  const does = (what: string) =>
    what === "fill"
      ? `${say("fill")} (${say(fillIsNext.value ? "fill.next" : "fill.this")})`
      : what.replaceAll("_", " ");
  return (
    <>
      {pedals.map(({ name, gestures }) => (
        <p key={name} class="hint pedal">
          {name}: {gestures.map((each) => `${sayName("gesture", each.how)} ${does(each.does)}`).join(" · ")}
        </p>
      ))}
    </>
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
  if (set.next_bar === null || time.value?.sounding !== true) return set.next_when;
  return untilNow(set.next_bar - 1) ?? say("in_beats", { count: 1 });
}

/** In how many bars or beats from now a bar begins, counted anew with each beat; null once it has begun. */
function untilNow(bar: number): string | null {
  now.value; // once a beat
  if (time.value === null) return null;
  const nowUs = clock.engineUs(performance.now());
  return untilBar(time.value, nowUs, bar);
}
