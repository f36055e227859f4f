// The engine's clock as the page estimates it: from questions and answers, by the quickest of the last ones.

/** How many answers are remembered. */
const KEPT = 20;
/** What an older answer must have been quicker by, ms for each second of its age: the clocks drift apart. */
const AGEING = 0.05;
/** The most that two clocks drift apart, ms in a second. */
const DRIFT = 0.5;

interface Sample {
  /** Engine's microseconds less the page's. */
  readonly offsetUs: number;
  readonly roundTripMs: number;
  readonly atMs: number;
}

/**
 * Link's clock, in microseconds, at moments of `performance.now()`.
 *
 * An answer was given somewhere between asking and hearing: taken in the middle it is wrong by half the round
 * trip at most (Cristian 1989), so the quickest says most.
 */
export class EngineClock {
  private samples: Sample[] = [];
  private best: Sample | null = null;

  /** Whether anything is known yet. */
  get known(): boolean {
    return this.best !== null;
  }

  /** The most that the estimate can be off, ms; infinite before the first answer. */
  get errorMs(): number {
    return this.best === null ? Infinity : this.best.roundTripMs / 2;
  }

  /** Takes an answer: when it was asked for and heard by the page's clock, and what the engine's showed. */
  hear(sentMs: number, engineUs: number, heardMs: number): void {
    const offsetUs = engineUs - ((sentMs + heardMs) / 2) * 1000;
    const heard = { offsetUs, roundTripMs: heardMs - sentMs, atMs: heardMs };
    if (this.best !== null && this.contradicts(heard, this.best)) this.samples = [];
    this.samples.push(heard);
    this.samples = this.samples.slice(-KEPT);
    const worth = (sample: Sample) => sample.roundTripMs + (AGEING * (heardMs - sample.atMs)) / 1000;
    this.best = this.samples.reduce((best, sample) => (worth(sample) <= worth(best) ? sample : best));
  }

  /** Whether both cannot be true of clocks that run on: a tablet that sleeps may stop its own. */
  private contradicts(one: Sample, other: Sample): boolean {
    const driftMs = (DRIFT * Math.abs(one.atMs - other.atMs)) / 1000 + 1;
    const mostMs = (one.roundTripMs + other.roundTripMs) / 2 + driftMs;
    return Math.abs(one.offsetUs - other.offsetUs) / 1000 > mostMs;
  }

  /** Forgets everything: another engine has another clock. */
  forget(): void {
    this.samples = [];
    this.best = null;
  }

  /** The engine's clock at a moment of the page's; NaN before the first answer. */
  engineUs(localMs: number): number {
    return this.best === null ? NaN : localMs * 1000 + this.best.offsetUs;
  }

  /** The page's clock at a moment of the engine's; NaN before the first answer. */
  localMs(engineUs: number): number {
    return this.best === null ? NaN : (engineUs - this.best.offsetUs) / 1000;
  }
}
