"""The control surface: MIDI messages become commands, with what is remembered of each knob."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from liveengine.engine.midi_learning import Touches
from liveengine.engine.parameter_numbers import DataEntry, ParameterNumbers
from liveengine.engine.pedal_gestures import PedalGestures
from liveengine.music.control import (
    ACTIONS,
    CHOICES,
    KIT,
    KNOB_SPANS,
    RANGES,
    STYLE_CONTROLS,
    TOGGLES,
    Command,
    ControlState,
    RecallScene,
    SetBlendStyle,
    SetChoice,
    SetKit,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.control_map import (
    FINE_PAIR,
    TRANSPORT,
    Binding,
    ControlMap,
    GestureBinding,
    check_message,
)
from liveengine.music.control_values import own_levels, value_of
from liveengine.music.kit_book import KitBook
from liveengine.music.style import StyleBook

KNOB_MOST = 127
FINE_MOST = 127 * 128 + 127
NEAR = 2.5
"""A knob this near to where its control is, of 127, has come to it."""


@dataclass(slots=True)
class _Knob:
    """What is remembered of a knob: where it was, the value that it set, both halves of one of 14 bits."""

    at: float | None = None
    has_set: float | None = None
    coarse: int | None = None
    fine: int | None = None
    fine_first: bool = False
    """Whether it says its finer half before the other."""
    fine_is_new: bool = False
    """Whether the finer half came after the last coarse one."""

    def turned_fine(self, value: int, *, fine: bool) -> float | None:
        """Return where a knob of 14 bits is, 0-127, after one of its halves came; None until it is known.

        A coarse half counts at once and begins at its lower end, as MIDI 1.0 has it, unless the knob says its
        finer half first. A knob that has said no finer half has 7 bits.
        """
        if fine:
            self.fine_first |= self.coarse is None
            self.fine, self.fine_is_new = value, True
        else:
            if self.fine is not None and not (self.fine_first and self.fine_is_new):
                self.fine = 0
            self.coarse, self.fine_is_new = value, False
        if self.coarse is None or self.fine is None:
            return self.coarse
        return (self.coarse * 128 + self.fine) * KNOB_MOST / FINE_MOST


class ControlSurface:
    """Turns messages on the control port into commands. Used by the engine's thread."""

    def __init__(
        self,
        control_map: ControlMap,
        styles: StyleBook,
        scene_of_program: Callable[[int], str | None] = lambda _: None,
        kits: KitBook | None = None,
    ) -> None:
        """Listen by a map; a Program Change recalls the scene that has its number, else chooses a style."""
        self.control_map = control_map
        self._styles, self._scene_of_program, self._kits = styles, scene_of_program, kits
        self._knobs: dict[tuple[str, str, int, int], _Knob] = {}
        self._parameters = ParameterNumbers()
        self._pedals = PedalGestures()
        self._learning: Touches | None = None

    @property
    def learning(self) -> str | None:
        """The control that waits for a knob or pad."""
        return self._learning.control if self._learning else None

    def learn(self, control: str | None, now_s: float) -> None:
        """Bind the next knob or pad that is touched to a control; None gives up."""
        self._learning = Touches(control, now_s) if control else None
        self._pedals.forget()  # what is released while learning is not heard here

    def learned(self, now_s: float) -> str | None:
        """Return what has been learned, as a sentence, once it is; else None."""
        touches = self._learning
        if touches is None or not touches.over(now_s):
            return None
        self._learning = None
        binding = touches.binding()
        if isinstance(binding, str):
            return binding
        self.control_map, description = self.control_map.with_binding(binding)
        return description

    def due(self, now_s: float) -> Sequence[Command]:
        """Return what the gestures of foot switches and pads do by now; to be asked again and again."""
        return self._pedals.due(now_s)

    def command(self, message: Sequence[int], controls: ControlState, now_s: float) -> Command | None:
        """Return the command of a MIDI message, or None where the message means nothing here.

        What is bound to gestures comes from `due`.

        Raises ContractError for a malformed message: empty, data without status, wrong length, data
        bytes above 127.
        """
        check_message(message)
        status, kind, channel = message[0], message[0] & 0xF0, (message[0] & 0x0F) + 1
        if status >= 0xF0:
            return TriggerAction(TRANSPORT[status]) if status in TRANSPORT else None
        entry = self._parameters.take(message[1], message[2], channel) if kind == 0xB0 else None
        learning = self._learning is not None and self._learning.take(message, now_s, entry)
        if learning or self.control_map.channel not in (None, channel):
            return None
        if kind == 0xC0:
            return self._program(message[1])
        if kind == 0xB0:
            named = self.control_map.bound("nrpn", entry.nrpn, channel) if entry else None
            if entry is not None and isinstance(named, Binding):
                return self._entered(named, entry, channel, controls)
            return self._turned(message[1], message[2], channel, controls, now_s)
        struck = kind in (0x80, 0x90)
        velocity = message[2] if kind == 0x90 else 0
        return self._struck(message[1], channel, velocity, now_s) if struck else None

    def _program(self, number: int) -> Command | None:
        scene = self._scene_of_program(number)
        if scene is not None:
            return RecallScene(scene)
        style = self._styles.at(number) if self.control_map.program_change_is_style else None
        return SetStyle(style.name) if style else None

    def _struck(self, number: int, channel: int, velocity: int, now_s: float) -> Command | None:
        """Return the command of a note: toggles hold while it is on, levels take its velocity."""
        binding = self.control_map.bound("note", number, channel)
        if isinstance(binding, GestureBinding):
            self._pedals.moved(("note", number, channel), binding, velocity > 0, now_s)
            return None
        if binding is None:
            return None
        name = binding.control
        if name in TOGGLES:
            return SetToggle(name, velocity > 0)
        if velocity == 0:
            return None
        return TriggerAction(name) if name in ACTIONS else self._at(name, velocity)

    def _turned(
        self, number: int, value: int, channel: int, controls: ControlState, now_s: float
    ) -> Command | None:
        coarse = self.control_map.bound("cc", number - FINE_PAIR, channel) if number >= FINE_PAIR else None
        fine = isinstance(coarse, Binding) and coarse.encoding == "fine"
        binding = coarse if fine else self.control_map.bound("cc", number, channel)
        if isinstance(binding, GestureBinding):
            self._pedals.moved(("cc", number, channel), binding, value >= 64, now_s)
            return None
        if binding is None:
            return None
        knob = self._knob(binding, channel)
        if binding.encoding.startswith("relative"):
            return self._stepped(binding.control, steps_of(binding.encoding, value), controls)
        at = knob.turned_fine(value, fine=fine) if binding.encoding == "fine" else value
        if at is None:
            return None  # the other half says where it is
        return self._taken_over(knob, at, binding.control, controls)

    def _knob(self, binding: Binding, channel: int) -> _Knob:
        return self._knobs.setdefault((binding.control, binding.kind, binding.number, channel), _Knob())

    def _entered(
        self, binding: Binding, entry: DataEntry, channel: int, controls: ControlState
    ) -> Command | None:
        """Return the command of an NRPN's value or step. An action is not done again by the finer half."""
        if entry.is_step:
            return self._stepped(binding.control, entry.value, controls)
        knob = self._knob(binding, channel)
        at = knob.turned_fine(entry.value, fine=entry.is_fine)
        if at is None or (entry.is_fine and binding.control in ACTIONS):
            return None
        return self._taken_over(knob, at, binding.control, controls)

    def _taken_over(self, knob: _Knob, at: float, name: str, controls: ControlState) -> Command | None:
        """Return the command of a knob at 0-127; None while it has yet to come to where its control is."""
        before, knob.at = knob.at, at
        present = value_of(controls, name) if name in RANGES else None
        if present is not None and self._must_come_first(knob, before, present):
            low, high = span_of(name)
            wanted = (present - low) / (high - low) * KNOB_MOST
            passed = before is not None and min(before, at) <= wanted <= max(before, at)
            if not passed and abs(at - wanted) > NEAR:
                return None
        command = self._at(name, at)
        if isinstance(command, SetValue):
            knob.has_set = command.value
        return command

    def _must_come_first(self, knob: _Knob, before: float | None, present: float) -> bool:
        takeover = self.control_map.takeover
        if takeover == "never" or knob.has_set == present:
            return False
        return takeover == "always" or before is not None

    def _stepped(self, name: str, steps: int, controls: ControlState) -> Command | None:
        """Return the command of a knob without ends that was turned by some steps."""
        if name in STYLE_CONTROLS:
            return self._style_beyond(name, steps, controls)
        if name == KIT:
            return self._kit_beyond(steps, controls)
        if name in RANGES:
            low, high = span_of(name)
            present = value_of(controls, name)
            begin = self._own_level(name, controls) if present is None else present
            most_low, most_high = RANGES[name]
            value = begin + steps * (high - low) / KNOB_MOST
            return SetValue(name, min(most_high, max(most_low, value)))
        if name in CHOICES:
            words = CHOICES[name]
            place = words.index(getattr(controls, name)) + (1 if steps > 0 else -1)
            return SetChoice(name, words[min(len(words) - 1, max(0, place))])
        if name in TOGGLES:
            return SetToggle(name, steps > 0)
        return TriggerAction(name) if steps > 0 else None

    def _style_beyond(self, name: str, steps: int, controls: ControlState) -> Command:
        styles = self._styles.styles
        present = controls.style if name == "style" else controls.blend_style or controls.style
        place = styles.index(self._styles.find(present)) + (1 if steps > 0 else -1)
        style = styles[min(len(styles) - 1, max(0, place))].name
        return SetStyle(style) if name == "style" else SetBlendStyle(style)

    def _kit_beyond(self, steps: int, controls: ControlState) -> Command | None:
        if self._kits is None:
            return None
        names = self._kits.names
        place = names.index(self._kits.of(controls.kit).name) + (1 if steps > 0 else -1)
        return SetKit(names[min(len(names) - 1, max(0, place))])

    def _own_level(self, name: str, controls: ControlState) -> float:
        """Return where a control is that is as the style says, or in the middle where it says nothing."""
        own = own_levels(self._styles.find(controls.style))[name]
        low, high = RANGES[name]
        return min(high, max(low, 0.5 if own is None else own))

    def _at(self, name: str, at: float) -> Command | None:
        """Return the command of a control turned to 0-127, or None where that does nothing."""
        if name in STYLE_CONTROLS:
            style = self._styles.at_level(int(at)).name
            return SetStyle(style) if name == "style" else SetBlendStyle(style)
        if name == KIT:
            names = self._kits.names if self._kits else ()
            return SetKit(names[int(at) * len(names) // 128]) if names else None
        if name in CHOICES:
            return SetChoice(name, CHOICES[name][int(at) * len(CHOICES[name]) // 128])
        if name in TOGGLES:
            return SetToggle(name, at >= 64)
        if name in ACTIONS:
            return TriggerAction(name) if at >= 64 else None
        low, high = span_of(name)
        return SetValue(name, low + (high - low) * at / KNOB_MOST)


def span_of(name: str) -> tuple[float, float]:
    """Return the values of a control at both ends of a knob."""
    return KNOB_SPANS.get(name, RANGES[name])


def steps_of(encoding: str, value: int) -> int:
    """Return how far a knob without ends was turned, right positive."""
    if encoding == "relative_twos":
        return value - 128 if value >= 64 else value
    if encoding == "relative_offset":
        return value - 64
    return 64 - value if value > 64 else value
