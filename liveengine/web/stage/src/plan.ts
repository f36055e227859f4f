// The plan as the page knows it: bars by index, which hits are new to it, and those that have just been replaced.
import type { BarView, HitView, Plan } from "./messages";

/** How long a hit that was replaced is still seen, and a new one shines. */
export const CHANGE_MS = 450;
/** Bars that are kept once they have played. */
const PAST_BARS = 2;

/** A hit that is not planned any more. */
export interface Ghost {
  readonly bar: number;
  readonly hit: HitView;
  readonly goneMs: number;
}

/** Bars that play, are planned or have just been; sent by the engine, read by waterfall and kit. */
export class PlanStore {
  readonly bars = new Map<number, BarView>();
  ghosts: Ghost[] = [];
  current = 0;
  private readonly born = new Map<number, number>();
  private listeners: (() => void)[] = [];

  /** The bars from one on, in order: those before have their place in beats that a start or a jump has moved. */
  from(first: number): BarView[] {
    const bars = [...this.bars.values()].filter((bar) => bar.index >= first);
    return bars.sort((one, other) => one.index - other.index);
  }

  /** Calls `changed` after each change. */
  watch(changed: () => void): void {
    this.listeners.push(changed);
  }

  /** Takes what the engine tells of its plan, at a moment of the page's clock. */
  take(plan: Plan, nowMs: number): void {
    const fresh = this.bars.size === 0;
    for (const bar of plan.bars) {
      const before = this.bars.get(bar.index);
      if (before !== undefined) this.note(before, bar, nowMs);
      else if (!fresh) for (const hit of bar.hits) this.born.set(hit.serial, nowMs);
      this.bars.set(bar.index, bar);
    }
    this.current = plan.current;
    for (const index of [...this.bars.keys()]) {
      const played = index < plan.current && index >= plan.current - PAST_BARS;
      if (!played && !plan.known.includes(index)) this.bars.delete(index);
    }
    this.forget(nowMs);
    for (const changed of this.listeners) changed();
  }

  /** Forgets everything: another engine has another plan. */
  clear(): void {
    this.bars.clear();
    this.born.clear();
    this.ghosts = [];
    for (const changed of this.listeners) changed();
  }

  /** How new a hit is: 1 as it comes, 0 once it is like the others. */
  newness(hit: HitView, nowMs: number): number {
    const born = this.born.get(hit.serial);
    return born === undefined ? 0 : Math.max(0, 1 - (nowMs - born) / CHANGE_MS);
  }

  /** Tells new hits from those that have only moved: same step, same voice. */
  private note(before: BarView, after: BarView, nowMs: number): void {
    const name = (hit: HitView) => `${hit.step}/${hit.voice}`;
    const known = new Set(before.hits.map(name));
    const kept = new Set(after.hits.map(name));
    for (const hit of after.hits) if (!known.has(name(hit))) this.born.set(hit.serial, nowMs);
    for (const hit of before.hits)
      if (!kept.has(name(hit))) this.ghosts.push({ bar: before.index, hit, goneMs: nowMs });
  }

  private forget(nowMs: number): void {
    this.ghosts = this.ghosts.filter((ghost) => nowMs - ghost.goneMs < CHANGE_MS);
    for (const [serial, born] of this.born) if (nowMs - born > CHANGE_MS) this.born.delete(serial);
  }
}
