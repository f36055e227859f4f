// Listen here: puts the plan's hits on the audio clock ahead of time, and takes back those that are replanned.
import { soundingUs, startBeat } from "./beats";
import type { EngineClock } from "./clock";
import { Kit, strokeOf, type Strike } from "./kit";
import { kitOfStyle, type PageKit } from "./page-kits";
import { VOICES, type SoundName } from "./sounds";
import type { TimeMap, Welcome } from "./messages";
import type { PlanStore } from "./plan";

/** How far ahead hits are put on the audio clock; a page in the background is woken once a second. */
const AHEAD_S = 0.25;
const AHEAD_HIDDEN_S = 1.6;
const EVERY_MS = 40;
/** A hit that has been moved by less stays as it is scheduled. */
const MOVED_S = 0.0007;
/** A hit that comes this much too late is left out: it would sound wrong rather than be missed. */
const LATE_S = 0.02;
/** What is due so soon may be rendered already: it counts as sounding. */
const RENDERED_S = 0.005;
/** Bar lines that differ by less, in beats, have not jumped. */
const SAME_BEAT = 1e-3;
/** Readings of the audio clock whose median is taken. */
const READINGS = 15;

interface Scheduled {
  readonly at: number;
  readonly velocity: number;
  readonly stroke: SoundName;
  readonly kit: PageKit;
  readonly strike: Strike;
}

/** What Listen here reads. */
export interface Heard {
  readonly plan: PlanStore;
  readonly clock: EngineClock;
  map(): TimeMap | null;
  welcome(): Welcome | null;
  /** The kit that was chosen here; null is the style's. */
  kit?(): PageKit | null;
}

/**
 * The page's own loudspeaker. Hits sound at the speaker when the session's clock says so: the way from the audio
 * clock to the speaker is the browser's own figure.
 */
export class Listening {
  readonly context: AudioContext;
  readonly kit: Kit;
  /** By bar, step, voice, and which of its step it is: a plan made anew gives the same stroke another serial. */
  private readonly scheduled = new Map<string, Scheduled>();
  private readonly readings: number[] = [];
  private offsetS = 0;
  private origin = NaN;
  private timer = 0;

  constructor(private readonly heard: Heard) {
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.kit = new Kit(this.context, this.context.destination);
    heard.plan.watch(() => this.look());
    this.context.onstatechange = () => {
      this.readings.length = 0; // a call, or another sound card: its clock stood still, or is another
      if (this.timer !== 0 && this.context.state !== "running") void this.context.resume();
    };
  }

  /** Sounds from now on. */
  async begin(): Promise<void> {
    await this.context.resume();
    this.readings.length = 0;
    clearInterval(this.timer);
    this.timer = window.setInterval(() => this.look(), EVERY_MS);
    this.look();
  }

  /** Falls silent. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    this.timer = 0;
    this.cancelAll();
    await this.context.suspend();
  }

  /** Where on the audio clock (s) a moment of the engine's clock (us) is heard at the speaker. */
  contextTime(engineUs: number): number {
    return this.heard.clock.localMs(engineUs) / 1000 - this.offsetS;
  }

  /** Brings what is on the audio clock in line with the plan. */
  look(): void {
    if (this.timer === 0 || this.context.state !== "running") return;
    const map = this.heard.map();
    const welcome = this.heard.welcome();
    this.read();
    if (map === null || welcome === null || !map.sounding || !this.heard.clock.known) {
      this.cancelAll();
      return;
    }
    const origin = startBeat(map, map.origin_bar) - map.origin_bar;
    if (!(Math.abs(origin - this.origin) < SAME_BEAT)) this.cancelAll(); // after a jump of the beat what has sounded sounds again
    this.origin = origin;
    const now = this.context.currentTime;
    const until = now + (document.hidden ? AHEAD_HIDDEN_S : AHEAD_S);
    const wanted = new Set<string>();
    for (const bar of this.heard.plan.from(map.origin_bar)) {
      const kit = this.kitOf(bar.style);
      this.kit.prepare(kit);
      const strokes = new Map<string, number>();
      for (const hit of bar.hits) {
        const place = `${bar.index}/${hit.step}/${hit.voice}`;
        const nth = strokes.get(place) ?? 0;
        strokes.set(place, nth + 1);
        if (hit.velocity === 0) continue;
        const name = `${place}/${nth}`;
        const at = this.contextTime(soundingUs(map, bar.index, hit));
        const known = this.scheduled.get(name);
        const sounds = known !== undefined && known.at <= now + RENDERED_S;
        if (!sounds && (at <= now - LATE_S || at >= until)) continue;
        wanted.add(name);
        const voice = VOICES[hit.voice];
        if (sounds || voice === undefined) continue;
        const stroke = strokeOf(voice, hit.openness);
        if (
          known !== undefined &&
          Math.abs(known.at - at) < MOVED_S &&
          known.velocity === hit.velocity &&
          known.stroke === stroke &&
          known.kit === kit
        )
          continue;
        known?.strike.cancel();
        const strike = this.kit.strike(stroke, hit.velocity, Math.max(at, now), kit);
        this.scheduled.set(name, { at, velocity: hit.velocity, stroke, kit, strike });
      }
    }
    for (const [name, { strike }] of this.scheduled) {
      if (!wanted.has(name)) {
        strike.cancel();
        this.scheduled.delete(name);
      }
    }
  }

  /** The kit that bars in a style sound on. */
  kitOf(style: string): PageKit {
    const family = this.heard.welcome()?.styles.find((card) => card.name === style)?.family ?? "";
    return this.heard.kit?.() ?? kitOfStyle(style, family);
  }

  private cancelAll(): void {
    for (const { strike } of this.scheduled.values()) strike.cancel();
    this.scheduled.clear();
  }

  /** Reads how far the audio clock at the speaker lies behind the page's clock. */
  private read(): void {
    const stamp = this.context.getOutputTimestamp?.();
    const heardS = stamp?.contextTime ?? 0;
    const atMs = stamp?.performanceTime ?? 0;
    if (heardS > 0 && atMs > 0) {
      this.readings.push(atMs / 1000 - heardS);
    } else {
      const latency = this.context.outputLatency || this.context.baseLatency || 0;
      this.readings.push(performance.now() / 1000 - this.context.currentTime + latency);
    }
    if (this.readings.length > READINGS) this.readings.shift();
    const ordered = [...this.readings].sort((one, other) => one - other);
    this.offsetS = ordered[Math.floor(ordered.length / 2)] ?? 0;
  }
}
