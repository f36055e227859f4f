"""`liveengine learn-midi`: touch a knob or pad, name its control, and it is kept in the own control map."""

from __future__ import annotations

import sys
import time
from queue import Empty, SimpleQueue

from rich.console import Console

from liveengine.config.control_maps import load_own_control_map, save_own_control_map
from liveengine.config.settings import load_styles
from liveengine.engine.midi_control import ControlSurface
from liveengine.errors import ContractError, MidiError
from liveengine.midi import ports
from liveengine.midi.inputs import ControlInput
from liveengine.music.control import ControlState, controls

LOOK_S = 0.02


def learn_midi(backend: str, port: str | None, control: str | None, console: Console) -> None:
    """Learn one control, or one after the other until an empty answer.

    Raises MidiError where no MIDI system runs or the port is not there, ContractError for an unknown control.
    """
    chosen = ports.choose_backend(backend)
    if chosen is None:
        cure = ports.NO_MIDI_CURE.get(sys.platform, "start a MIDI system")
        raise MidiError(f"learn-midi: expected a MIDI system on this machine, found none: {cure}")
    heard: SimpleQueue[list[int]] = SimpleQueue()
    listening = ControlInput(chosen, port, lambda message: heard.put(list(message)))
    try:
        console.print(f"Listening to {listening.port.shown}.")
        if control is not None:
            _learn(control, heard, console)
            return
        while answer := _asked(console):
            try:
                _learn(answer, heard, console)
            except ContractError as error:
                console.print(str(error), style="yellow")
    finally:
        listening.close()


def _asked(console: Console) -> str:
    try:
        return console.input("Control to learn (Enter ends): ").strip()
    except EOFError:
        return ""


def _learn(control: str, heard: SimpleQueue[list[int]], console: Console) -> None:
    if control not in controls():
        raise ContractError(f"learn-midi: expected one of {', '.join(controls())}; got {control!r}")
    surface = ControlSurface(load_own_control_map(), load_styles())
    state = ControlState(load_styles().styles[0].name)
    while not heard.empty():
        heard.get()
    console.print(f"Touch the knob or pad for {control}, and turn it a little both ways.")
    surface.learn(control, time.monotonic())
    learned = None
    while learned is None:
        try:
            surface.command(heard.get(timeout=LOOK_S), state, time.monotonic())
        except Empty:
            pass
        except ContractError as error:
            console.print(str(error), style="yellow")
        learned = surface.learned(time.monotonic())
    console.print(learned)
    if surface.control_map != load_own_control_map():
        console.print(f"kept: {save_own_control_map(surface.control_map)}")
