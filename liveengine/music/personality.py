"""Personalities: how a drummer differs from others who play the same genre, laid over any style."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.style import NO_PUSH, Style

MOST_SHIFT = 0.5
MOST_GHOSTS = 8.0
MOST_PUSH_MS = 60.0
MOST_JITTER_MS = 15.0


@dataclass(frozen=True, slots=True)
class Personality:
    """What was measured of a drummer beside others in the same genres.

    `density` and `energy` are how much busier and harder he plays, as shares of a genre's range (-.5 to .5);
    `ghosts_per_bar` how many more soft snares a bar has. `contrast` multiplies the spread of velocities.
    `push_ms` by voice is how much later than others, against the cymbals, he strikes. `jitter_ms` is how much
    less even his timing is. `about` says it in a line.
    """

    name: str = ""
    about: str = ""
    density: float = 0.0
    energy: float = 0.0
    ghosts_per_bar: float = 0.0
    contrast: float = 1.0
    push_ms: tuple[float, ...] = NO_PUSH
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no style could take."""
        for name, most in (("density", MOST_SHIFT), ("energy", MOST_SHIFT), ("ghosts_per_bar", MOST_GHOSTS)):
            if not abs(getattr(self, name)) <= most:
                raise ContractError(f"{name}: expected {-most:g} to {most:g}, got {getattr(self, name):g}")
        if not 0.3 <= self.contrast <= 3:
            raise ContractError(f"contrast: expected .3 to 3, got {self.contrast:g}")
        if len(self.push_ms) != VOICE_COUNT or not all(abs(push) <= 30 for push in self.push_ms):
            raise ContractError(f"push: expected {VOICE_COUNT} values within 30 ms, got {self.push_ms}")
        if not abs(self.jitter_ms) <= MOST_JITTER_MS:
            raise ContractError(f"jitter: expected {MOST_JITTER_MS:g} ms at most, got {self.jitter_ms:g}")


def played_by(style: Style, who: Personality | None) -> Style:
    """Return a style as a drummer plays it; as it is where there is none."""
    if who is None:
        return style
    feel = style.feel
    return replace(
        style,
        density=_within(0.5 if style.density is None else style.density, who.density),
        energy=_within(0.5 if style.energy is None else style.energy, who.energy),
        feel=replace(
            feel,
            ghosts_per_bar=_within(feel.ghosts_per_bar, who.ghosts_per_bar, MOST_GHOSTS),
            velocity_contrast=feel.velocity_contrast * who.contrast,
            push_ms=tuple(
                max(-MOST_PUSH_MS, min(MOST_PUSH_MS, own + push))
                for own, push in zip(feel.push_ms, who.push_ms, strict=True)
            ),
            jitter_ms=_within(feel.jitter_ms, who.jitter_ms, MOST_JITTER_MS),
        ),
    )


def _within(own: float, shift: float, most: float = 1.0) -> float:
    return max(0.0, min(most, own + shift))
