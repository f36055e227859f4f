// Style pads: one touch plays a style; the one that is asked for blinks until it sounds.
import { signal } from "@preact/signals";
import { STYLE_KEYS } from "../keys";
import { soundedStyle, styleIsComing, titleOf, turn, valueOf, welcome, wishedStyle } from "../state";
import { Panel, SHARE, Slider } from "./parts";

/** Whether pads choose the style, or the one that it blends with. */
const choosesBlend = signal(false);
/** Turns neighbours on the list into colours far apart on the wheel. */
const GOLDEN_ANGLE = 137.508;

export function Styles() {
  const cards = welcome.value?.styles ?? [];
  const wanted = wishedStyle.value;
  const chosen = choosesBlend.value ? valueOf("blend_style") : valueOf("style");
  const choose = (name: string) => turn(choosesBlend.value ? "blend_style" : "style", name);
  return (
    <Panel title="Styles" name="styles">
      <div class="choice" role="group" aria-label="What the pads choose">
        <button type="button" aria-pressed={!choosesBlend.value} onClick={() => (choosesBlend.value = false)}>
          play
        </button>
        <button type="button" aria-pressed={choosesBlend.value} onClick={() => (choosesBlend.value = true)}>
          blend with
        </button>
      </div>
      <div class="pads">
        {cards.map((card, place) => {
          const sounds = soundedStyle.value === card.name;
          const coming = styleIsComing.value && wanted === card.name;
          const blends = valueOf("blend_style") === card.name;
          const state = sounds ? ", sounds" : coming ? ", comes next" : "";
          return (
            <button
              key={card.name}
              type="button"
              class={`pad ${sounds ? "sounds" : ""} ${coming ? "coming" : ""} ${blends ? "blends" : ""}`}
              style={{ "--hue": Math.round((place * GOLDEN_ANGLE) % 360) }}
              data-style={card.name}
              aria-pressed={chosen === card.name}
              aria-label={`${card.title}${state}`}
              title={`${card.low_bpm}-${card.high_bpm} bpm`}
              onClick={() => choose(card.name)}
            >
              {card.title}
              {place < STYLE_KEYS.length && <kbd aria-hidden="true">{STYLE_KEYS[place]}</kbd>}
            </button>
          );
        })}
      </div>
      <div class="blend">
        <Slider control="blend" label="blend" shown={SHARE} home={0} />
        <p class="hint">
          {valueOf("blend_style") === null
            ? "No style to blend with yet."
            : `from ${titleOf(String(valueOf("style")))} to ${titleOf(String(valueOf("blend_style")))}`}
        </p>
      </div>
    </Panel>
  );
}
