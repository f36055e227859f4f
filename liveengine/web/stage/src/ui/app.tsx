// The whole page: what a performer needs in one look, without scrolling.
import { say } from "../language";
import { hears } from "../state";
import { Drums, Lanes } from "./drums";
import { Flow } from "./flow";
import { Head } from "./head";
import { Moments } from "./moments";
import { Notes } from "./notes";
import { EnergyPad } from "./energy-pad";
import { Feel } from "./feel";
import { Jam } from "./jam";
import { Scenes } from "./scenes";
import { Styles } from "./styles";
import { Tabs } from "./tabs";
import { DRAWERS, TASKS, task } from "./view";

export function App() {
  return (
    <div class="stage" data-task={task.value} data-hears={hears.value}>
      <Head />
      <main>
        <Lanes />
        <Flow />
        <Styles />
        <EnergyPad />
        <Moments />
        <div class="drawer">
          <Tabs tasks={DRAWERS} class="drawer-tabs" label={say("more")} />
          <Feel />
          <Jam />
          <Scenes />
          <Drums />
        </div>
      </main>
      <Tabs tasks={TASKS} class="screens" label={say("tabs")} />
      <Notes />
    </div>
  );
}
