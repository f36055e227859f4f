// What is heard of the other players: their notes under the plan, and what is understood in a line.
import type { RefObject } from "preact";
import { hears, players } from "../state";
import { allWords, heardWords, movesWords } from "../players";

export function Heard(props: { picture: RefObject<HTMLCanvasElement | null> }) {
  if (!hears.value) return null;
  const moves = movesWords(players.value);
  return (
    <div class="heard">
      <canvas ref={props.picture} aria-hidden="true" />
      <p title={allWords(players.value)}>
        {heardWords(players.value)}
        {moves !== "" && <em> → {moves}</em>}
      </p>
    </div>
  );
}
