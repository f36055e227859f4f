// All that the page knows, as signals; and the way commands take: shown at once, sent one at a time.
import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";
import { EngineClock } from "./clock";
import { Connection, VERSION, socketAddress, type Value } from "./connection";
import { HeardStore } from "./heard";
import { say } from "./language";
import type { Controls, Live, Players, Proof, TimeMap, ToPage, Welcome } from "./messages";
import { PlanStore } from "./plan";

/** How long a control stays where a finger has put it, after its command was applied, if nothing newer comes. */
const HELD_MS = 250;
/** How often the plan is put into words at most. */
const PLAN_TEXT_MS = 250;
const RELOADED = "liveengine: loaded anew for another version";

export const welcome = signal<Welcome | null>(null);
export const time = signal<TimeMap | null>(null);
export const controls = signal<Controls | null>(null);
export const live = signal<Live | null>(null);
export const proof = signal<Proof | null>(null);
export const players = signal<Players | null>(null);
/** Whether other players, or taps on this page, have been heard yet. */
export const hears = signal(false);
export const connected = signal(false);
/** What is wrong, for the player to read; empty once read. */
export const trouble = signal("");
/** Whether the next control that is touched is to be bound to a knob instead of turned. */
export const teaching = signal(false);
/** The number of changes of the plan, for what shows bars as text. */
export const planChanges = signal(0);

export const clock = new EngineClock();
export const heard = new HeardStore();
export const plan = new PlanStore();
let planIsTold = false;
plan.watch(() => {
  if (planIsTold) return;
  planIsTold = true;
  setTimeout(() => {
    planIsTold = false;
    planChanges.value++;
  }, PLAN_TEXT_MS);
});

/** Where fingers have put controls that the engine has not confirmed yet. */
const held = signal<ReadonlyMap<string, Value>>(new Map());

/** One signal for each control: what shows it is rendered anew only when that control has changed. */
const turned = new Map<string, ReadonlySignal<Value>>();
const styles = new Map<string, ReadonlySignal<number | null>>();

function kept<Kept>(known: Map<string, ReadonlySignal<Kept>>, name: string, compute: () => Kept): Kept {
  const one = known.get(name) ?? computed(compute);
  known.set(name, one);
  return one.value;
}

/** How a control is turned, as soon as a finger has turned it. */
export function valueOf(name: string): Value {
  return kept(turned, name, () => {
    const inHand = held.value.get(name);
    return inHand !== undefined ? inHand : (controls.value?.values[name] ?? null);
  });
}

/** What the style says of a control; null where it says nothing. */
function ownOf(name: string): number | null {
  return kept(styles, name, () => controls.value?.own[name] ?? null);
}

/** A control's number, or what the style says where it leaves it to that; `auto` where it does. */
export function numberOf(name: string): { value: number; auto: boolean } {
  const value = valueOf(name);
  if (typeof value === "number") return { value, auto: false };
  const range = rangeOf(name);
  return { value: ownOf(name) ?? (range.low + range.high) / 2, auto: true };
}

/** The ends of a control. */
export function rangeOf(name: string): { low: number; high: number } {
  const card = welcome.value?.controls.find((control) => control.name === name);
  return { low: card?.low ?? 0, high: card?.high ?? 1 };
}

/** A style's title by its name. */
export function titleOf(style: string): string {
  return welcome.value?.styles.find((card) => card.name === style)?.title ?? style;
}

/** The style that sounds, and empty where none does. */
export const soundedStyle = computed(() =>
  time.value?.sounding === true ? (live.value?.sounded_style ?? "") : "",
);

/** The style that was asked for. */
export const wishedStyle = computed(() => controls.value?.wished_style);

/** Whether it has not sounded yet. */
export const styleIsComing = computed(() => {
  const wanted = wishedStyle.value;
  return wanted !== undefined && time.value?.sounding === true && wanted !== soundedStyle.value;
});

function hear(message: ToPage): void {
  switch (message.type) {
    case "welcome":
      greet(message);
      break;
    case "pong":
      clock.hear(message.sent_ms, message.at_us, performance.now());
      break;
    case "plan":
      plan.take(message, performance.now());
      break;
    case "time":
      time.value = message;
      break;
    case "controls":
      batch(() => {
        controls.value = message;
        release(answered);
        answered.clear();
      });
      break;
    case "live":
      live.value = message;
      break;
    case "proof":
      proof.value = message;
      break;
    case "onsets":
      heard.take(message.onsets);
      hears.value = true;
      break;
    case "players":
      players.value = message;
      hears.value = true;
      break;
    case "answer":
      trouble.value = message.wrong ?? trouble.value;
      break;
  }
}

function greet(message: Welcome): void {
  if (message.version !== VERSION && sessionStorage.getItem(RELOADED) !== String(message.version)) {
    sessionStorage.setItem(RELOADED, String(message.version));
    location.reload();
  } else if (message.version !== VERSION) {
    trouble.value = say("trouble.version");
  }
  plan.clear();
  heard.clear();
  players.value = null;
  welcome.value = message;
}

const connection = new Connection(socketAddress(location), {
  message: hear,
  joined: (open) => {
    if (open) clock.forget(); // until then what is known of the plan goes on
    connected.value = open;
    if (open && trouble.value === say("trouble.unreachable")) trouble.value = "";
  },
});

/** Joins the engine. */
export function join(): void {
  connection.open();
  connection.keep();
}

// --- commands ----------------------------------------------------------------------------------

const sending = new Set<string>();
const next = new Map<string, Value>();
const timers = new Map<string, ReturnType<typeof setTimeout>>();
/** Held controls whose newest value was applied: what the engine tells next is what they are. */
const answered = new Set<string>();

function release(names: Iterable<string>): void {
  const left = new Map(held.value);
  for (const name of names) left.delete(name);
  if (left.size !== held.value.size) held.value = left;
}

async function send(name: string, value: Value): Promise<void> {
  sending.add(name);
  const wrong = await connection.turn(name, value);
  sending.delete(name);
  if (wrong !== null) trouble.value = wrong;
  if (next.has(name)) {
    const newer = next.get(name) ?? null;
    next.delete(name);
    void send(name, newer);
    return;
  }
  answered.add(name);
  const timer = setTimeout(() => {
    if (answered.delete(name)) release([name]);
  }, HELD_MS);
  timers.set(name, timer);
}

/** Turns a control: seen at once, and of a fast turn only the newest value waits to be sent. */
export function turn(name: string, value: Value): void {
  if (taught || teach(name)) return;
  held.value = new Map(held.value).set(name, value);
  answered.delete(name);
  clearTimeout(timers.get(name));
  if (sending.has(name)) next.set(name, value);
  else void send(name, value);
}

/** Does something once, or gives a name such as `scene` its values; tells whether it was applied. */
export async function act(name: string, ...values: Value[]): Promise<boolean> {
  if (values.length === 0 && teach(name)) return false;
  const wrong = await connection.turn(name, ...values);
  if (wrong !== null) trouble.value = wrong;
  return wrong === null;
}

/** Lets the drummer hear a tap, struck at a moment of the page's clock. */
export function tap(velocity: number, atMs: number): void {
  hears.value = true;
  if (!connection.tap(velocity, clock.known ? clock.engineUs(atMs) : null))
    trouble.value = say("trouble.unreachable");
}

/** Whether the finger that has pointed a control out for a knob is still on it: what it moves is not meant. */
let taught = false;

/** The finger has left. */
export function letGo(): void {
  taught = false;
}

/** Another finger or key comes; one that is only held down repeats itself. */
export function meantAgain(event: Event): void {
  if (!(event instanceof KeyboardEvent && event.repeat)) letGo();
}

/** Has a knob bound to a control instead of turning it, where that is what was asked for. */
function teach(name: string): boolean {
  if (!teaching.value) return false;
  teaching.value = false;
  taught = true;
  void act("learn_midi", name);
  return true;
}
