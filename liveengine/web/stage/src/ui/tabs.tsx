// What chooses the part of the page that is in front.
import { say, type Key } from "../language";
import { task, type Task } from "./view";

const TITLES: Record<Task, Key> = {
  styles: "styles",
  energy: "energy",
  kit: "kit",
  feel: "feel",
  jam: "jam",
  scenes: "scenes",
};

export function Tabs(props: { tasks: readonly Task[]; class: string; label: string }) {
  const front = props.tasks.includes(task.value) ? task.value : props.tasks[0];
  return (
    <nav class={`choice ${props.class}`} aria-label={props.label}>
      {props.tasks.map((each) => (
        <button
          key={each}
          type="button"
          data-tab={each}
          aria-pressed={front === each}
          title={say("tab.tip", { name: say(TITLES[each]) })}
          onClick={() => (task.value = each)}
        >
          {say(TITLES[each])}
        </button>
      ))}
    </nav>
  );
}
