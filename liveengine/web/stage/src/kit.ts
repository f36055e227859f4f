// The drum kit of the stage page: each drum is computed into buffers once, a stroke only plays one of them.
import { SOUNDS, VOICES, brightnessHz, loudnessOf, takesOf, type VoiceName } from "./sounds";
import { benchFor } from "./synthesis";

/** A stroke that was put on the audio clock. */
export interface Strike {
  readonly at: number;
  /** It never sounds if `at` is still to come; later it rings on. */
  cancel(): void;
}

const HAT_CHOKE_MS = 12;
/** When an open hat struck at `openAt` is choked, or Infinity; a stroke at the same moment chokes nothing. */
export function chokeAt(openAt: number, closings: Iterable<number>): number {
  let first = Infinity;
  for (const closing of closings) if (closing > openAt && closing < first) first = closing;
  return first;
}

/** Clean up to 0.7, then ever rounder: the sum of a loud bar stays below full scale. */
export function limited(level: number): number {
  const over = Math.abs(level) - 0.7;
  return over <= 0 ? level : Math.sign(level) * (0.7 + 0.28 * Math.tanh(over / 0.28));
}

const LIMITER_REACH = 4; // A shaper's curve spans -1 to 1, so what goes in is scaled down by this.

/** An open hat's stroke, until it has rung out. */
interface OpenHat {
  readonly at: number;
  readonly level: number;
  readonly source: AudioBufferSourceNode;
  readonly gain: GainNode;
  chokedAt: number;
}

export class Kit {
  /** One gain per drum, by name: crash, ride, open_hat, hat, toms, rim, snare, kick; the tests tap them. */
  readonly drums: Record<string, GainNode> = {};
  readonly #context: BaseAudioContext;
  readonly #master: GainNode;
  readonly #voices = new Map<VoiceName, { takes: AudioBuffer[]; place: AudioNode; strokes: number }>();
  readonly #openHats = new Set<OpenHat>();
  /** Closed and pedal hats: each stroke its own object, as two may share a moment. */
  readonly #closings = new Set<{ readonly at: number }>();

  constructor(context: BaseAudioContext, destination: AudioNode) {
    this.#context = context;
    const sum = new GainNode(context, { gain: 1 / LIMITER_REACH });
    const curve = Float32Array.from({ length: 8193 }, (_, index) =>
      limited(LIMITER_REACH * (index / 4096 - 1)),
    );
    // Neither oversampling nor a compressor node: both delay what passes.
    const limiter = new WaveShaperNode(context, { curve, oversample: "none" });
    this.#master = new GainNode(context);
    sum.connect(limiter).connect(this.#master).connect(destination);
    const { sampleRate } = context;
    const bench = benchFor(sampleRate);
    for (const voice of VOICES) {
      const { drum, pan } = SOUNDS[voice];
      if (!this.drums[drum]) {
        this.drums[drum] = new GainNode(context);
        this.drums[drum].connect(sum);
      }
      const place = new StereoPannerNode(context, { pan });
      place.connect(this.drums[drum]);
      const takes = takesOf(voice, sampleRate, bench).map((samples) => {
        const buffer = new AudioBuffer({ length: samples.length, sampleRate });
        buffer.copyToChannel(samples, 0);
        return buffer;
      });
      this.#voices.set(voice, { takes, place, strokes: 0 });
    }
  }

  set volume(level: number) {
    const wanted = Math.min(1, Math.max(0, level));
    this.#master.gain.setTargetAtTime(wanted, this.#context.currentTime, 0.008);
  }

  /** Strikes a voice at a moment of the context's clock (seconds), velocity 1-127. */
  strike(voice: VoiceName, velocity: number, at: number): Strike {
    const context = this.#context;
    const { stray, level } = SOUNDS[voice];
    const { takes, place, strokes } = this.#voices.get(voice)!;
    this.#voices.set(voice, { takes, place, strokes: strokes + 1 });
    // Multiples of the golden ratio spread evenly and never repeat: no two strokes in a row are alike.
    const whim = 2 * ((strokes * 0.618034) % 1) - 1;
    const source = new AudioBufferSourceNode(context, {
      buffer: takes[strokes % takes.length]!,
      playbackRate: 1 + stray * whim,
    });
    const frequency = brightnessHz(voice, velocity) * (1 + 0.06 * whim);
    const lowpass = new BiquadFilterNode(context, { type: "lowpass", frequency, Q: -3 }); // In dB: no resonance.
    const gain = new GainNode(context, { gain: level * loudnessOf(velocity) * (1 + 0.04 * whim) });
    source.connect(lowpass).connect(gain).connect(place);
    // On a whole frame: between two, the source would interpolate and dull the sound by chance.
    source.start(Math.round(Math.max(at, context.currentTime) * context.sampleRate) / context.sampleRate);
    const openHat = { at, level: gain.gain.value, source, gain, chokedAt: Infinity };
    const closing = { at };
    if (voice === "open_hat") this.#openHats.add(openHat);
    if (voice === "closed_hat" || voice === "pedal_hat") this.#closings.add(closing);
    if (voice.endsWith("hat")) this.#chokeHats();
    const release = () => {
      gain.disconnect();
      this.#openHats.delete(openHat);
    };
    source.onended = release;
    const cancel = () => {
      if (at < context.currentTime) return;
      source.stop();
      release();
      if (this.#closings.delete(closing)) this.#chokeHats();
    };
    return { at, cancel };
  }

  /** Chokes each open hat at the next closing, anew at every change: strokes come in any order. */
  #chokeHats(): void {
    const now = this.#context.currentTime;
    for (const closing of this.#closings) if (closing.at < now - 1) this.#closings.delete(closing);
    const moments = Array.from(this.#closings, ({ at }) => at);
    for (const hat of this.#openHats) {
      const chokedAt = chokeAt(hat.at, moments);
      if (chokedAt === hat.chokedAt || hat.chokedAt <= now) continue;
      hat.chokedAt = chokedAt;
      const { gain } = hat.gain;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(hat.level, now);
      if (chokedAt < Infinity) {
        const from = Math.max(chokedAt, now);
        gain.setTargetAtTime(0, from, HAT_CHOKE_MS / 1000);
        hat.source.stop(from + (12 * HAT_CHOKE_MS) / 1000); // By then it is down 100 dB.
      } else {
        hat.source.stop(Math.max(hat.at, now) + 2 * (hat.source.buffer?.duration ?? 0)); // When it ends anyway.
      }
    }
  }
}
