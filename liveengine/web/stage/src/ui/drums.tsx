// The kit: level, mute and solo of each drum beside its lane; timing and borrowing, which are turned less often.
import { say } from "../language";
import { welcome } from "../state";
import { LANE_HUES } from "../waterfall";
import { drumName } from "../words";
import { MILLISECONDS, SHARE, Slider, Toggle } from "./parts";

export function Lanes() {
  const drums = welcome.value?.drums ?? [];
  return (
    <div class="lanes" role="group" aria-label={say("kit")}>
      {drums.map((name, lane) => {
        const drum = drumName(name);
        return (
          <div class="lane" key={name} style={{ "--hue": LANE_HUES[lane] }}>
            <span class="drum">{drum}</span>
            <Toggle control={`mute_${name}`} label={say("kit.mute", { drum })} class="small mute">
              M
            </Toggle>
            <Toggle control={`solo_${name}`} label={say("kit.solo", { drum })} class="small solo">
              S
            </Toggle>
            <Slider
              control={`level_${name}`}
              label={say("kit.level", { drum })}
              shown={SHARE}
              home={1}
              bare
            />
          </div>
        );
      })}
    </div>
  );
}

/** Pushes and borrowed drums. */
export function Drums() {
  return (
    <section class="panel drums" aria-labelledby="drums-title">
      <h2 id="drums-title">{say("kit.timing")}</h2>
      <p class="hint">{say("kit.timing.hint")}</p>
      {(welcome.value?.drums ?? []).map((name) => {
        const drum = drumName(name);
        return (
          <div class="push" key={name}>
            <Slider
              control={`push_${name}`}
              label={drum}
              spoken={say("kit.push", { drum })}
              shown={MILLISECONDS}
              home={0}
            />
            <Toggle control={`borrow_${name}`} label={say("kit.borrow.tip", { drum })} class="small">
              {say("kit.borrow")}
            </Toggle>
          </div>
        );
      })}
    </section>
  );
}
