"""Controls: everything that can be turned, its ranges, and commands as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR, METERS, Meter, read_meter
from liveengine.music.checks import checked_number, checked_text, checked_whole, shown
from liveengine.music.drawing_commands import DrawCommand
from liveengine.music.drums import GROUP_PLACE, GROUPS
from liveengine.music.kit_commands import KitCommand
from liveengine.music.style import DRUMMERS, SWING_MAX_PERCENT, SWING_MIN_PERCENT, spelling

LATENCY_LIMIT_MS = 500.0
PUSH_LIMIT_MS = 40.0
LEVEL_MOST = 1.5
FILL_EVERY_MOST = 16.0
MORPH_MOST_BARS = 64
MAX_SEED = 2**53
"""Whole numbers up to it are themselves as JSON's and OSC's doubles too."""
TRADE_MOST_BARS = 8.0
SILENCE_MOST_BARS = 32.0
COUNT_IN_MOST_BARS = 2.0
ALL_LEVELS = (1.0,) * len(GROUPS)
NO_PUSHES = (0.0,) * len(GROUPS)


@dataclass(frozen=True, slots=True)
class ControlState:
    """Everything a player can turn. None means "as the style says", or left open to the model.

    `blend` leads from `style` to `blend_style`, which plays the `borrowed` drums by itself. `variation` goes
    from a drummer who holds the groove to one who is free; .5 is the style's own. `fill_every` is in bars,
    rounded; 0 is never. `levels` and `pushes_ms` are those of the drums in `GROUPS`, in its order; what is
    soloed sounds, else what is not muted.

    `jam` is how the drummer plays with those whom he hears, one of `JAMS`: `listen_accents`, `listen_level`
    (loudness and density), `listen_pocket` and `listen_fills` are how much, 0-1. Turns last `trade_bars`. So
    many bars after the last note he thins out, and stops; 0 is never.

    `count_in` is in bars, rounded, `count_with` one of `COUNTS`. Of `half_time` and `double_time` at most one
    is on. `time_signature` is one of `METERS`, written such as 7/8. `kit` is the name of the kit that is
    played; None is the one that it began with. `drummer` is whose personality plays, one of `PERSONALITIES`.
    """

    style: str
    blend_style: str | None = None
    blend: float = 0.0
    swing_percent: float | None = None
    humanize: float | None = None
    density: float | None = None
    energy: float | None = None
    variation: float = 0.5
    latency_ms: float = 0.0
    fill_every: float = 8.0
    switch: str = "beat"
    levels: tuple[float, ...] = ALL_LEVELS
    pushes_ms: tuple[float, ...] = NO_PUSHES
    muted: frozenset[str] = frozenset()
    soloed: frozenset[str] = frozenset()
    borrowed: frozenset[str] = frozenset()
    jam: str = "follow"
    listen_accents: float = 0.6
    listen_level: float = 0.5
    listen_pocket: float = 0.4
    listen_fills: float = 0.5
    trade_bars: float = 4.0
    thin_after: float = 8.0
    stop_after: float = 0.0
    count_in: float = 0.0
    count_with: str = "sticks"
    half_time: bool = False
    double_time: bool = False
    time_signature: str = str(FOUR_FOUR)
    kit: str | None = None
    drummer: str = "style"

    @property
    def bar_meter(self) -> Meter:
        """The meter of the bars."""
        return read_meter(self.time_signature)

    def level(self, group: str) -> float:
        """Return how loud a drum is: 1 as it is, 0 where it is muted or another is soloed."""
        silent = group not in self.soloed if self.soloed else group in self.muted
        return 0.0 if silent else self.levels[GROUP_PLACE[group]]

    def push_ms(self, group: str) -> float:
        """Return how much later a drum is than the style has it; negative is earlier."""
        return self.pushes_ms[GROUP_PLACE[group]]


SWITCHES = ("instant", "beat", "bar", "phrase_4", "phrase")
"""From where a control that needs new bars is heard: at once, or from the next beat, bar, or phrase of 4 or 8
bars on."""
JAMS = ("off", "follow", "complement", "trade")
"""How the drummer plays with those whom he hears: not at all, as they do, where they leave room, in turns."""
COUNTS = ("sticks", "hat", "click")
"""What the count-in is struck on."""
PERSONALITIES = ("style", "none", *DRUMMERS)
"""Whose personality plays: the style's, nobody's, or that of one of the drummers."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "switch": SWITCHES,
    "jam": JAMS,
    "count_with": COUNTS,
    "time_signature": tuple(str(meter) for meter in METERS),
    "drummer": PERSONALITIES,
}
"""Controls that are one of some words."""
RANGES: Mapping[str, tuple[float, float]] = {
    "swing_percent": (SWING_MIN_PERCENT, SWING_MAX_PERCENT),
    "humanize": (0.0, 1.0),
    "density": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "variation": (0.0, 1.0),
    "blend": (0.0, 1.0),
    "latency_ms": (-LATENCY_LIMIT_MS, LATENCY_LIMIT_MS),
    "fill_every": (0.0, FILL_EVERY_MOST),
    "listen_accents": (0.0, 1.0),
    "listen_level": (0.0, 1.0),
    "listen_pocket": (0.0, 1.0),
    "listen_fills": (0.0, 1.0),
    "trade_bars": (1.0, TRADE_MOST_BARS),
    "thin_after": (0.0, SILENCE_MOST_BARS),
    "stop_after": (0.0, SILENCE_MOST_BARS),
    "count_in": (0.0, COUNT_IN_MOST_BARS),
    **{f"level_{group}": (0.0, LEVEL_MOST) for group in GROUPS},
    **{f"push_{group}": (-PUSH_LIMIT_MS, PUSH_LIMIT_MS) for group in GROUPS},
}
"""Continuous controls and their ranges; a controller's 0-127 spans the range."""
KNOB_SPANS: Mapping[str, tuple[float, float]] = {"latency_ms": (-64.0, 63.0)}
"""Controls of which a controller spans a part only: latency goes by milliseconds, and 64 is none."""
STYLES_OWN = ("swing_percent", "humanize", "density", "energy")
"""Continuous controls that may be left to the style: their value is None then."""
TOGGLE_FIELDS: Mapping[str, str] = {"mute": "muted", "solo": "soloed", "borrow": "borrowed"}
"""Controls that are on or off for each drum, and where the drums are kept for which they are on."""
TIME_FEELS = ("half_time", "double_time")
"""Controls that are on or off for the whole kit; one that goes on switches the other off."""
TOGGLES = (*TIME_FEELS, *(f"{what}_{group}" for what in TOGGLE_FIELDS for group in GROUPS))
"""Controls that are on or off."""
TEMPO_MOVES = (
    "tap",
    "tempo_up",
    "tempo_down",
    "tempo_half",
    "tempo_double",
    "nudge_faster",
    "nudge_slower",
    "nudge_earlier",
    "nudge_later",
)
"""What moves the tempo, or the beat, by hand."""
CLOCK_CHANGES = ("clock_link", "clock_midi", "clock_tap", "clock_system")
"""What lets another clock be followed."""
ACTIONS = (
    "fill",
    "break",
    "lock_1",
    "lock_2",
    "lock_4",
    "unlock",
    "end",
    "end_phrase",
    "clear_drawing",
    "undo",
    "panic",
    "start",
    "stop",
    "capture_1",
    "capture_4",
    "capture_16",
    "capture_64",
    "next_scene",
    "next_style",
    "previous_style",
    "answer",
    *TEMPO_MOVES,
    *CLOCK_CHANGES,
)
"""What happens once, when it is asked for."""


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Play another style; `name` as in the style book."""

    name: str


@dataclass(frozen=True, slots=True)
class SetBlendStyle:
    """Let `blend` lead to a style, or to none."""

    name: str | None


@dataclass(frozen=True, slots=True)
class SetKit:
    """Play on another kit; None is the one that it began with."""

    name: str | None


@dataclass(frozen=True, slots=True)
class SetValue:
    """Set a continuous control of `RANGES` to a value within its range; None is what the style says."""

    control: str
    value: float | None

    def __post_init__(self) -> None:
        """Refuse an unknown control, a value out of its range, and none where the style says nothing."""
        if self.value is None and self.control in STYLES_OWN:
            return
        if self.value is None:
            raise ContractError(f"{self.control}: expected a number, got {self.value!r}")
        check_level(self.control, self.value)


@dataclass(frozen=True, slots=True)
class SetToggle:
    """Switch a control of `TOGGLES` on or off."""

    control: str
    on: bool

    def __post_init__(self) -> None:
        """Refuse an unknown control."""
        if self.control not in TOGGLES:
            raise ContractError(f"control: expected one of {', '.join(TOGGLES)}, got {self.control!r}")


@dataclass(frozen=True, slots=True)
class SetChoice:
    """Set a control of `CHOICES` to one of its words."""

    control: str
    word: str

    def __post_init__(self) -> None:
        """Refuse an unknown control, and a word that it does not take."""
        if self.control not in CHOICES:
            raise ContractError(f"control: expected one of {', '.join(CHOICES)}, got {self.control!r}")
        check_choice(self.control, self.word)


@dataclass(frozen=True, slots=True)
class SetSeed:
    """Throw the dice of another performance from now on."""

    seed: int

    def __post_init__(self) -> None:
        """Refuse what is no whole number, and a seed out of range."""
        object.__setattr__(self, "seed", checked_whole("seed", self.seed))
        if not 0 <= self.seed <= MAX_SEED:
            raise ContractError(f"seed: expected 0 to {MAX_SEED}, got {self.seed}")


@dataclass(frozen=True, slots=True)
class TriggerAction:
    """Do one of `ACTIONS` now."""

    action: str

    def __post_init__(self) -> None:
        """Refuse an unknown action."""
        if self.action not in ACTIONS:
            raise ContractError(f"action: expected one of {', '.join(ACTIONS)}, got {self.action!r}")


@dataclass(frozen=True, slots=True)
class SaveScene:
    """Keep the controls as they are under a name, and under a program number if one is given."""

    name: str
    program: int | None = None

    def __post_init__(self) -> None:
        """Refuse a name that no scene can be known by, and a number out of range."""
        if not spelling(checked_text("scene", self.name)):
            raise ContractError(f"scene: expected a name with letters or digits, got {self.name!r}")
        if self.program is not None:
            object.__setattr__(self, "program", checked_whole(f"scene {self.name}", self.program))
            if not 0 <= self.program <= 127:
                raise ContractError(f"scene {self.name}: expected a program number 0-127, got {self.program}")


@dataclass(frozen=True, slots=True)
class RecallScene:
    """Turn the controls to a scene's, gradually over `bars` bars."""

    name: str
    bars: int = 0

    def __post_init__(self) -> None:
        """Refuse lengths out of range."""
        object.__setattr__(self, "bars", checked_whole(f"scene {self.name}", self.bars))
        if not 0 <= self.bars <= MORPH_MOST_BARS:
            raise ContractError(f"scene {self.name}: expected 0 to {MORPH_MOST_BARS} bars, got {self.bars}")


@dataclass(frozen=True, slots=True)
class JumpToMarker:
    """A place of the song has come by the name that the set list waits for."""

    name: str


@dataclass(frozen=True, slots=True)
class LearnMidi:
    """Bind the next knob or pad that is touched to a control; None gives up waiting for one."""

    control: str | None


StateCommand = SetStyle | SetBlendStyle | SetKit | SetValue | SetToggle | SetChoice
"""Commands that change one control."""
SceneCommand = SaveScene | RecallScene | JumpToMarker
Command = StateCommand | DrawCommand | KitCommand | SceneCommand | SetSeed | LearnMidi | TriggerAction


def check_choice(control: str, word: str) -> str:
    """Return `word` if a control of `CHOICES` takes it; raises ContractError otherwise."""
    if word not in CHOICES[control]:
        raise ContractError(f"{control}: expected one of {', '.join(CHOICES[control])}, got {word!r}")
    return word


def check_level(control: str, value: float) -> float:
    """Return `value` if it fits the control; raises ContractError otherwise."""
    if control not in RANGES:
        raise ContractError(f"control: expected one of {', '.join(RANGES)}, got {control!r}")
    low, high = RANGES[control]
    try:
        fits = low <= checked_number(control, value) <= high
    except ContractError:
        fits = False
    if not fits:
        raise ContractError(f"{control}: expected {low:g} to {high:g}, got {shown(value)}")
    return value


PLAIN_LEVELS = frozenset(field.name for field in fields(ControlState)) & frozenset(RANGES)
"""Controls of `RANGES` that are a field of `ControlState` each."""


def apply(state: ControlState, command: StateCommand) -> ControlState:
    """Return the state after a command."""
    if isinstance(command, SetStyle):
        return replace(state, style=command.name)
    if isinstance(command, SetBlendStyle):
        return replace(state, blend_style=command.name)
    if isinstance(command, SetKit):
        return replace(state, kit=command.name)
    if isinstance(command, SetChoice):
        changed: dict[str, str] = {command.control: command.word}
        return replace(state, **changed)  # type: ignore[arg-type]
    return _toggled(state, command) if isinstance(command, SetToggle) else _turned_to(state, command)


def _turned_to(state: ControlState, command: SetValue) -> ControlState:
    if command.control in PLAIN_LEVELS:
        changed: dict[str, float | None] = {command.control: command.value}
        return replace(state, **changed)  # type: ignore[arg-type]
    assert command.value is not None  # only plain levels are left to the style
    what, _, group = command.control.partition("_")
    place = GROUP_PLACE[group]
    if what == "level":
        return replace(state, levels=_with(state.levels, place, command.value))
    return replace(state, pushes_ms=_with(state.pushes_ms, place, command.value))


def _with(values: tuple[float, ...], place: int, value: float) -> tuple[float, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _toggled(state: ControlState, command: SetToggle) -> ControlState:
    if command.control in TIME_FEELS:
        others = dict.fromkeys(TIME_FEELS, False) if command.on else {}
        return replace(state, **{**others, command.control: command.on})  # type: ignore[arg-type]
    what, _, group = command.control.partition("_")
    field = TOGGLE_FIELDS[what]
    drums: frozenset[str] = getattr(state, field)
    changed = {field: drums | {group} if command.on else drums - {group}}
    return replace(state, **changed)  # type: ignore[arg-type]


STYLE_CONTROLS = ("style", "blend_style")
KIT = "kit"
"""The control that is the name of a kit."""


def controls() -> tuple[str, ...]:
    """Return the names of all controls that a message can be mapped to."""
    return (*STYLE_CONTROLS, KIT, *CHOICES, *RANGES, *TOGGLES, *ACTIONS)
