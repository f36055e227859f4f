// Style pads by family, favourites first: one touch plays a style; the one that comes next blinks until it sounds.
import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { STYLE_KEYS } from "../keys";
import { say, sayName } from "../language";
import type { StyleCard } from "../messages";
import { FAMILY_HUES, familiesOf, favourites, matches, shownStyles, toggleFavourite } from "../repertoire";
import { soundedStyle, styleIsComing, turn, valueOf, welcome, wishedStyle } from "../state";
import { Action, Button, Panel, SHARE, Slider } from "./parts";

const USES = ["play", "blend", "favour"] as const;
/** What touching a pad does. */
const use = signal<(typeof USES)[number]>("play");
const sought = signal("");
/** The one family that is shown; all of them where it is empty. */
const family = signal("");

const familyName = (name: string) => sayName("family", name);

function touch(card: StyleCard): void {
  if (use.value === "favour") toggleFavourite(card.name);
  else turn(use.value === "blend" ? "blend_style" : "style", card.name);
}

export function Styles() {
  const all = shownStyles();
  const found = all.filter((card) => matches(card, sought.value, familyName(card.family)));
  const shown = found.filter((card) => family.value === "" || card.family === family.value);
  return (
    <Panel title={say("styles")} name="styles">
      <div class="tools">
        <div class="choice" role="group" aria-label={say("styles.choose")}>
          {USES.map((each) => (
            <Button
              key={each}
              pressed={use.value === each}
              tip={say(`styles.${each}.tip`)}
              label={say(`styles.${each}`)}
              onClick={() => (use.value = each)}
            >
              {each === "favour" ? "★" : say(`styles.${each}`)}
            </Button>
          ))}
        </div>
        {(["previous_style", "next_style"] as const).map((name) => (
          <Action key={name} name={name} class="step" label={say(name)} tip={say(name)}>
            {name === "next_style" ? "›" : "‹"}
          </Action>
        ))}
        <Search first={shown[0]} />
      </div>
      <Families cards={all} />
      <div class="pads">
        {shown.map((card) => (
          <Pad key={card.name} card={card} place={all.indexOf(card)} />
        ))}
        {shown.length === 0 && welcome.value !== null && <p class="hint">{say("styles.none")}</p>}
      </div>
      {valueOf("blend_style") === null ? (
        use.value === "blend" && <p class="hint">{say("blend.none")}</p>
      ) : (
        <Blend />
      )}
    </Panel>
  );
}

function Search(props: { first: StyleCard | undefined }) {
  const field = useRef<HTMLInputElement>(null);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (props.first !== undefined) touch(props.first);
        sought.value = "";
        field.current?.blur(); // keys play again
      }}
    >
      <input
        ref={field}
        type="search"
        value={sought.value}
        placeholder={say("styles.search")}
        aria-label={say("styles.search.tip")}
        title={say("styles.search.tip")}
        onInput={(event) => (sought.value = event.currentTarget.value)}
      />
    </form>
  );
}

/** The families and their colours; touching one shows its styles only. */
function Families(props: { cards: readonly StyleCard[] }) {
  return (
    <div class="families" role="group" aria-label={say("styles.families")}>
      <Button pressed={family.value === ""} tip={say("styles.all.tip")} onClick={() => (family.value = "")}>
        {say("styles.all")}
      </Button>
      {familiesOf(props.cards).map((each) => (
        <Button
          key={each}
          hue={FAMILY_HUES[each]}
          data-family={each}
          pressed={family.value === each}
          tip={say("styles.family.tip", { family: familyName(each) })}
          onClick={() => (family.value = family.value === each ? "" : each)}
        >
          {familyName(each)}
        </Button>
      ))}
    </div>
  );
}

function Pad(props: { card: StyleCard; place: number }) {
  const { card, place } = props;
  const sounds = soundedStyle.value === card.name;
  const coming = styleIsComing.value && wishedStyle.value === card.name;
  const blends = valueOf("blend_style") === card.name;
  const favours = use.value === "favour";
  const isFavourite = favourites.value.includes(card.name);
  const chosen = favours
    ? isFavourite
    : valueOf(use.value === "blend" ? "blend_style" : "style") === card.name;
  const title = { style: card.title };
  return (
    <Button
      class={`pad ${sounds ? "sounds" : ""} ${coming ? "coming" : ""} ${blends ? "blends" : ""}`}
      hue={FAMILY_HUES[card.family]}
      data-style={card.name}
      pressed={chosen}
      label={sounds ? say("styles.sounds", title) : coming ? say("styles.coming", title) : card.title}
      tip={say("styles.pad.tip", {
        ...title,
        family: familyName(card.family),
        low: card.low_bpm,
        high: card.high_bpm,
      })}
      onClick={() => touch(card)}
    >
      {isFavourite || favours ? <b aria-hidden="true">{isFavourite ? "★" : "☆"}</b> : null}
      <span>{card.title}</span>
      {place < STYLE_KEYS.length && <kbd aria-hidden="true">{STYLE_KEYS[place]}</kbd>}
    </Button>
  );
}

/** How far from the one style to the other. */
function Blend() {
  const cards = welcome.value?.styles ?? [];
  const titleOf = (control: string) =>
    cards.find((card) => card.name === valueOf(control))?.title ?? String(valueOf(control));
  return (
    <div class="blend">
      <Slider
        control="blend"
        label={`${titleOf("style")} – ${titleOf("blend_style")}`}
        spoken={say("blend")}
        shown={SHARE}
        home={0}
      />
    </div>
  );
}
