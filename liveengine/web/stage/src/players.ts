// What is understood of the other players, and what the drummer takes from it, in words.
import { say, sayName } from "./language";
import type { Players } from "./messages";
import { barsOf, percentOf } from "./words";

const figure = (value: number) => String(Number(value.toFixed(2)));
const signed = (value: number) => `${value > 0 ? "+" : ""}${figure(value)}`;
const AMOUNTS: Record<string, (amount: number) => string> = {
  accents: figure,
  density: signed,
  energy: signed,
  pocket: (amount) => `${signed(Math.round(amount))} ms`,
};

/** How far one plays from the beat. */
function pushWords(pushMs: number): string {
  const ms = Math.abs(Math.round(pushMs));
  return ms === 0 ? say("heard.on_beat") : say(pushMs > 0 ? "heard.behind" : "heard.ahead", { ms });
}

/** What is heard: who plays, the riff, how far from the beat, how busy and how loud. */
export function heardWords(players: Players | null): string {
  if (players === null) return say("heard.first");
  if (players.silent_bars > 0) return say("heard.silent", { bars: barsOf(players.silent_bars) });
  const pushes = Object.entries(players.pushes_ms);
  const names = pushes.map(([name]) => sayName("instrument", name));
  const words = [say("heard.who", { who: names.join(", ") })];
  if (players.riff_bars > 0) words.push(say("heard.riff", { bars: barsOf(players.riff_bars) }));
  if (players.phrase_known)
    words.push(say("heard.phrase", { place: players.phrase_place, bars: barsOf(players.phrase_length) }));
  words.push(
    pushes
      .map(([, ms], nth) => (pushes.length > 1 ? `${names[nth]} ${pushWords(ms)}` : pushWords(ms)))
      .join(", "),
    say("heard.busy", { value: figure(players.activity) }),
    say("heard.loud", { value: figure(players.loudness) }),
  );
  return words.join(" · ");
}

/** What the drummer takes from it, with its amounts; empty where that is nothing. */
export function movesWords(players: Players | null): string {
  return (players?.reasons ?? [])
    .map(({ moves, amount }) => [sayName("moves", moves), AMOUNTS[moves]?.(amount) ?? ""].join(" ").trim())
    .join(", ");
}

/** All of it, for whoever points at it: also how alike the last bar was, and why something is moved. */
export function allWords(players: Players | null): string {
  if (players === null) return say("heard.tip");
  return [
    say("heard.tip"),
    heardWords(players),
    say("heard.similar", { share: percentOf(players.similarity) }),
    ...players.reasons.map(({ moves, why }) => `${sayName("moves", moves)}: ${why}`),
  ].join("\n");
}
