"""Styles: which learned genres a drummer mixes, how it feels, and how fast it lives."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from liveengine.errors import ContractError, UnknownNameError
from liveengine.music.checks import checked_text
from liveengine.music.drums import VOICE_COUNT, Voice
from liveengine.music.requirement import Requirement

SWING_MIN_PERCENT = 50.0
SWING_MAX_PERCENT = 75.0
"""Linn's and the MPC's range: 50 straight, 66.7 triplet, 75 dotted."""
NO_PUSH = (0.0,) * VOICE_COUNT
FAMILIES = ("producers", "hip_hop", "electronic", "rock_soul", "latin_world", "jazz", "own")
"""What styles are grouped by where they are chosen; a player's own say none and are `own`."""
DRUMMERS = tuple(f"drummer{number}" for number in range(1, 11))
"""The drummers of the Groove MIDI Dataset, whose personalities were measured (`configs/drummers.yaml`)."""


@dataclass(frozen=True, slots=True)
class Feel:
    """How hits leave the grid.

    `swing_percent` is where the second of each pair of sixteenths (`swing_unit_steps` 1) or eighths (2)
    sits within the pair. `voice_swing` overrides it for single voices. `learned_swing_percent` is the
    swing already in the model's micro-timing for this style; it is taken out before swing is added.
    `push_ms` per voice: negative pushes (early), positive pulls (late). `jitter_ms` is the standard
    deviation at humanize 1. `humanize` is the style's own amount: it scales push and pull, jitter,
    velocity variation and ghosts; micro-timing is whole at that amount and scaled below it.
    `ghosts_per_bar` soft snares are added on free off-beats.
    `velocity_contrast` stretches velocities about 80; `velocity_scale` multiplies them.
    """

    swing_percent: float = 50.0
    swing_unit_steps: int = 1
    learned_swing_percent: float = 50.0
    voice_swing: tuple[tuple[Voice, float], ...] = ()
    push_ms: tuple[float, ...] = NO_PUSH
    jitter_ms: float = 8.0
    humanize: float = 1.0
    velocity_jitter: float = 0.10
    velocity_scale: float = 1.0
    velocity_contrast: float = 1.0
    ghosts_per_bar: float = 0.0
    ghost_velocity: tuple[int, int] = (20, 40)

    def __post_init__(self) -> None:
        """Refuse values outside the ranges above."""
        swings = (self.swing_percent, self.learned_swing_percent, *(s for _, s in self.voice_swing))
        if not all(25.0 <= swing <= SWING_MAX_PERCENT for swing in swings):
            raise ContractError(f"swing: expected 25 to {SWING_MAX_PERCENT:g} percent, got {swings}")
        if self.swing_unit_steps not in (1, 2):
            raise ContractError(
                f"swing unit: expected 1 (sixteenths) or 2 (eighths) steps, got {self.swing_unit_steps}"
            )
        if len(self.push_ms) != VOICE_COUNT or not all(abs(push) <= 60 for push in self.push_ms):
            raise ContractError(f"push: expected {VOICE_COUNT} values within 60 ms, got {self.push_ms}")
        if not 0 <= self.jitter_ms <= 15:
            raise ContractError(f"jitter: expected 0 to 15 ms, got {self.jitter_ms:g}")
        if not 0 <= self.humanize <= 2:
            raise ContractError(f"humanize: expected 0 to 2, got {self.humanize:g}")
        low, high = self.ghost_velocity
        if not (1 <= low <= high <= 127 and 0 <= self.ghosts_per_bar <= 8):
            raise ContractError(
                "ghosts: expected up to 8 a bar with velocities 1-127, "
                f"got {self.ghosts_per_bar:g} a bar with {low}-{high}"
            )


@dataclass(frozen=True, slots=True)
class Style:
    """A playable style. `genres` are (learned genre, weight), weights summing to 1.

    `musts` are what no bar of it may lack, `opening` what the first bar must show, whose groove is held from
    there on, and `landing` the drums that answer a fill: its genre's card says. `family` is of `FAMILIES`.
    `drummer` is of `DRUMMERS`, where one plays it. A blend is `made_of` two styles, (name, share), shares
    summing to 1.
    """

    name: str
    title: str
    genres: tuple[tuple[str, float], ...]
    tempo_bpm: tuple[float, float]
    source: str
    aliases: tuple[str, ...] = ()
    feel: Feel = field(default_factory=Feel)
    density: float | None = None
    energy: float | None = None
    temperature: float = 1.0
    musts: tuple[Requirement, ...] = ()
    opening: tuple[Requirement, ...] = ()
    landing: tuple[Voice, ...] = (Voice.KICK, Voice.CRASH)
    family: str = "own"
    made_of: tuple[tuple[str, float], ...] = ()
    drummer: str | None = None

    def __post_init__(self) -> None:
        """Refuse a family, and a drummer, that there is not."""
        if self.drummer is not None and self.drummer not in DRUMMERS:
            raise ContractError(f"drummer: expected one of {', '.join(DRUMMERS)}, got {self.drummer!r}")
        if self.family not in FAMILIES:
            raise ContractError(f"family: expected one of {', '.join(FAMILIES)}, got {self.family!r}")

    @property
    def middle_bpm(self) -> float:
        """The tempo the style takes when nothing else says one."""
        return sum(self.tempo_bpm) / 2


def blended(style: Style, other: Style | None, share: float) -> Style:
    """Return a style that lies `share` (0-1) of the way to another.

    Genres are mixed, and so is all of the feel that is a number; what is not, and the name, is that of the
    nearer one. What both must have, the blend must have.
    """
    if other is None or share <= 0 or other.name == style.name:
        return style
    if share >= 1:
        return other

    def between(low: float, high: float) -> float:
        return low + (high - low) * share

    near = style if share < 0.5 else other
    genres: dict[str, float] = {}
    for each, weight in ((style, 1 - share), (other, share)):
        for genre, part in each.genres:
            genres[genre] = genres.get(genre, 0.0) + weight * part
    one, two = style.feel, other.feel
    numbers = {name: between(getattr(one, name), getattr(two, name)) for name in _BLENDED}
    pushes = tuple(between(low, high) for low, high in zip(one.push_ms, two.push_ms, strict=True))
    return replace(
        near,
        made_of=((style.name, 1 - share), (other.name, share)),
        musts=tuple(each for each in style.musts if each in other.musts),
        opening=tuple(each for each in style.opening if each in other.opening),
        genres=tuple(genres.items()),
        feel=replace(near.feel, push_ms=pushes, **numbers),  # type: ignore[arg-type]
        temperature=between(style.temperature, other.temperature),
    )


_BLENDED = (
    "swing_percent",
    "learned_swing_percent",
    "jitter_ms",
    "humanize",
    "velocity_jitter",
    "velocity_scale",
    "velocity_contrast",
    "ghosts_per_bar",
)


def spelling(name: str) -> str:
    """Return a name without case, spaces and punctuation, as it is compared."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in plain if each.isalnum())


NEAR = 0.7
"""How alike a misspelling is to what was meant (difflib): jdila to jdilla .91, polkka to neworleans .5."""


class StyleBook:
    """The styles in the order that Program Change and CC 20 select them."""

    def __init__(self, styles: Iterable[Style]) -> None:
        """Keep `styles` in their order; raises ContractError for none, or two answering to one name."""
        self.styles = tuple(styles)
        if not self.styles:
            raise ContractError("styles: expected at least one, got none")
        self._by_spelling: dict[str, Style] = {}
        for style in self.styles:
            for name in {spelling(each) for each in (style.name, style.title, *style.aliases)}:
                other = self._by_spelling.setdefault(name, style)
                if other is not style:
                    raise ContractError(f"styles: {other.name} and {style.name} both answer to {name!r}")

    def find(self, name: str) -> Style:
        """Return the style of any spelling of its name, title or aliases.

        Raises UnknownNameError with the nearest names otherwise, ContractError for what is no name.
        """
        checked_text("style", name)
        found = self._by_spelling.get(spelling(name))
        if found is not None:
            return found
        near = difflib.get_close_matches(spelling(name), self._by_spelling, n=3, cutoff=NEAR)
        nearest = list(dict.fromkeys(self._by_spelling[each].name for each in near))
        hint = f"nearest: {', '.join(nearest)}; " if nearest else ""
        raise UnknownNameError(
            f"style {name!r} is unknown; {hint}all: {', '.join(style.name for style in self.styles)}"
        )

    def beyond(self, name: str, steps: int) -> Style:
        """Return the style so many places after one, in the list that begins again after its last."""
        return self.styles[(self.styles.index(self.find(name)) + steps) % len(self.styles)]

    def at(self, index: int) -> Style | None:
        """Return the style of a Program Change, or None beyond the list."""
        return self.styles[index] if 0 <= index < len(self.styles) else None

    def at_level(self, value: int) -> Style:
        """Return the style of a controller value 0-127, the range divided evenly over the list."""
        return self.styles[min(value, 127) * len(self.styles) // 128]
