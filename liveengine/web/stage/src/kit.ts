// The drums of the stage page: each sound is computed into buffers once, a stroke only plays one of them.
import { namesOf, soundOf, type PageKit } from "./page-kits";
import { ACOUSTIC, brightnessHz, loudnessOf, takesOf, type Sound, type SoundName } from "./sounds";
import { benchFor, type Bench } from "./synthesis";

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

/** An open hat less open than this is half open, and below the other just ajar; as in the engine's kits. */
const HALF_OPEN = 0.75;
const AJAR = 0.4;
/** The stroke that a voice is, by how open a hi-hat is. */
export function strokeOf(name: SoundName, openness: number | null): SoundName {
  if (name !== "open_hat" || openness === null || openness >= HALF_OPEN) return name;
  return openness < AJAR ? "ajar_hat" : "half_open_hat";
}

/** How open the hats are after a stroke; null for what is no hat. */
function opennessOf(name: SoundName): number | null {
  if (!name.includes("hat")) return null;
  if (name === "ajar_hat") return 0.25;
  if (name.startsWith("half_open")) return 0.5;
  return name.startsWith("closed") || name === "pedal_hat" ? 0 : 1;
}

/** Clean up to 0.7, then ever rounder: the sum of a loud bar stays below full scale. */
export function limited(level: number): number {
  const over = Math.abs(level) - 0.7;
  return over <= 0 ? level : Math.sign(level) * (0.7 + 0.28 * Math.tanh(over / 0.28));
}

const LIMITER_REACH = 4; // A shaper's curve spans -1 to 1, so what goes in is scaled down by this.

/** A stroke's sound on the kit, as it is played. */
interface Playable {
  readonly sound: Sound;
  readonly takes: readonly AudioBuffer[];
  readonly place: AudioNode;
  strokes: number;
}

/** An open hat's stroke, until it has rung out. */
interface OpenHat {
  readonly at: number;
  readonly openness: number;
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
  readonly #bench: Bench;
  readonly #sounds = new Map<Sound, Playable>();
  readonly #openHats = new Set<OpenHat>();
  /** Strokes that bring the hats nearer: each its own object, as two may share a moment. */
  readonly #closings = new Set<{ readonly at: number; readonly openness: number }>();

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
    this.#bench = benchFor(context.sampleRate);
    for (const { drum } of Object.values(ACOUSTIC)) {
      if (this.drums[drum]) continue;
      this.drums[drum] = new GainNode(context);
      this.drums[drum].connect(sum);
    }
  }

  /** Returns a sound as it is played, computed where it has not been struck yet. */
  #playable(sound: Sound): Playable {
    let playable = this.#sounds.get(sound);
    if (playable === undefined) {
      const { sampleRate } = this.#context;
      const place = new StereoPannerNode(this.#context, { pan: sound.pan });
      place.connect(this.drums[sound.drum]!);
      const takes = takesOf(sound, sampleRate, this.#bench).map((samples) => {
        const buffer = new AudioBuffer({ length: samples.length, sampleRate });
        buffer.copyToChannel(samples, 0);
        return buffer;
      });
      playable = { sound, takes, place, strokes: 0 };
      this.#sounds.set(sound, playable);
    }
    return playable;
  }

  /** Computes one more sound of a kit, so that none has to be when it is struck. */
  prepare(kit: PageKit): void {
    const missing = namesOf(kit)
      .map((name) => soundOf(kit, name))
      .find((sound) => !this.#sounds.has(sound));
    if (missing !== undefined) this.#playable(missing);
  }

  set volume(level: number) {
    const wanted = Math.min(1, Math.max(0, level));
    this.#master.gain.setTargetAtTime(wanted, this.#context.currentTime, 0.008);
  }

  /** Strikes a sound of a kit at a moment of the context's clock (seconds), velocity 1-127. */
  strike(name: SoundName, velocity: number, at: number, kit: PageKit = "acoustic"): Strike {
    const context = this.#context;
    const playable = this.#playable(soundOf(kit, name));
    const { sound, takes, place } = playable;
    const { stray, level } = sound;
    const strokes = playable.strokes++;
    // Multiples of the golden ratio spread evenly and never repeat: no two strokes in a row are alike.
    const whim = 2 * ((strokes * 0.618034) % 1) - 1;
    const source = new AudioBufferSourceNode(context, {
      buffer: takes[strokes % takes.length]!,
      playbackRate: 1 + stray * whim,
    });
    const frequency = brightnessHz(sound, velocity) * (1 + 0.06 * whim);
    const lowpass = new BiquadFilterNode(context, { type: "lowpass", frequency, Q: -3 }); // In dB: no resonance.
    const gain = new GainNode(context, { gain: level * loudnessOf(velocity) * (1 + 0.04 * whim) });
    source.connect(lowpass).connect(gain).connect(place);
    // On a whole frame: between two, the source would interpolate and dull the sound by chance.
    source.start(Math.round(Math.max(at, context.currentTime) * context.sampleRate) / context.sampleRate);
    const openness = opennessOf(name);
    const openHat = { at, openness: openness ?? 0, level: gain.gain.value, source, gain, chokedAt: Infinity };
    const closing = { at, openness: openness ?? 1 };
    if (openHat.openness > 0) this.#openHats.add(openHat);
    if (closing.openness < 1) this.#closings.add(closing);
    if (openness !== null) this.#chokeHats();
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

  /** Chokes each open hat at the next stroke of closer ones, anew at every change: strokes come in any order. */
  #chokeHats(): void {
    const now = this.#context.currentTime;
    for (const closing of this.#closings) if (closing.at < now - 1) this.#closings.delete(closing);
    for (const hat of this.#openHats) {
      const closer = Array.from(this.#closings).filter(({ openness }) => openness < hat.openness);
      const chokedAt = chokeAt(
        hat.at,
        closer.map(({ at }) => at),
      );
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
