"""The names of scenes and locators: which part of a song one means, and what the drummer makes of it.

A name says a section in words ("Verse 2", "PRE-CHORUS", "Refrain", "サビ"), and in square brackets what it is
to be played as: `[j dilla d=.4 e=.7]` is a style, a density and an energy. What it does not say is as the
section has it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from liveengine.errors import UnknownNameError
from liveengine.music.style import StyleBook, spelling

END = "end"
"""The section that is none any more: the piece ends on its first beat."""
LEVELS: Mapping[str, tuple[float | None, float | None]] = {
    "intro": (0.5, 0.5),
    "verse": (None, None),
    "build": (0.65, 0.7),
    "chorus": (0.9, 0.9),
    "drop": (0.95, 0.95),
    "break": (0.12, 0.3),
    "bridge": (0.55, 0.55),
    "solo": (0.7, 0.8),
    "outro": (0.55, 0.5),
    END: (None, None),
}
"""Density and energy of each section, 0 to 1; None is as the style plays. Those that `generate --section` has
as well lie within what it plays there."""
WORDS: Mapping[str, str] = {
    "intro": "intro introduction einleitung vorspiel auftakt introduccion introducao intrada "
    "wstep вступление интро イントロ 前奏 entrada",
    "verse": "verse verses vers vs vrs strophe couplet kuplet estrofa estrofe verso strofa zwrotka куплет "
    "aメロ 主歌",
    "build": "build|buildup|build up|riser|rise|prechorus|pre chorus|prec|pc|pre|pre hook|lift|precoro|"
    "pre coro|pre refrain|pre refrao|vorrefrain|bメロ|предприпев",
    "chorus": "chorus choruses chor cho chr ch hook refrain kehrreim refrein refrao refren refrang coro "
    "estribillo ritornello припев サビ 副歌 postchorus",
    "drop": "drop drops дроп ドロップ",
    "break": "break|breaks|brk|breakdown|break down|drum break|pause|breakdowns|брейк|ブレイク|間奏|间奏|"
    "interlude|interludio|interludium|zwischenspiel",
    "bridge": "bridge|brg|brdg|pont|puente|ponte|brucke|bruecke|brug|brygga|stick|middle 8|middle eight|"
    "mid 8|m 8|c part|c teil|bridges|бридж|ブリッジ|桥段|橋段",
    "solo": "solo|soli|guitar solo|drum solo|соло|ソロ|独奏",
    "outro": "outro coda nachspiel ausklang epilogue epilog аутро アウトロ 尾奏 salida",
    END: "end|ending|the end|ende|schluss|fine|fin|finale|fim|einde|koniec|stop|конец|終わり|结束",
}
"""How each section is called, in the languages in which that is plain."""
ALONE = {"v": "verse", "c": "chorus", "i": "intro", "o": "outro"}
"""Letters that mean a section where a name is nothing but one and a number: V1, C2."""
LEVEL_KEYS = {"d": "density", "density": "density", "e": "energy", "energy": "energy"}
MAX_NAME = 200
"""Letters of a name that are looked at."""
MAX_OTHER_WORDS = 3
"""A name with more words beside its section is a sentence, and means none."""
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_TEMPO = re.compile(r"\b\d+(?:[.,]\d+)?\s*bpm\b|\b\d+/\d+\b", re.IGNORECASE)
_LEVEL = re.compile(r"\b([a-z]+)\s*[=:]\s*([^\s,;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """What a name means: `section` is one of `LEVELS`, "" where it names none.

    `style` is a name of the style book, None where it names none. Density and energy are 0 to 1; None is as
    the style plays. `faults` say what stands in brackets and is not understood.
    """

    name: str
    section: str = ""
    style: str | None = None
    density: float | None = None
    energy: float | None = None
    faults: tuple[str, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether the piece ends where it begins."""
        return self.section == END

    @property
    def says_something(self) -> bool:
        """Whether anything of the name was understood."""
        levels = self.density is not None or self.energy is not None
        return bool(self.section or self.style) or levels

    def __str__(self) -> str:
        """Return what was understood, in a few words: "chorus, J Dilla, density 0.4"."""
        levels = {"density": self.density, "energy": self.energy}
        said = [f"{name} {value:g}" for name, value in levels.items() if value is not None]
        return ", ".join([*filter(None, (self.section, self.style)), *said])


def understood(name: str, styles: StyleBook) -> SectionPlan | None:
    """Return what a name means, or None where it means nothing to a drummer."""
    name = "".join(each if each.isprintable() else " " for each in name[:MAX_NAME]).strip()
    explicit = [part for part in _BRACKETS.findall(name) if part.strip()]
    plain = _TEMPO.sub(" ", _BRACKETS.sub(" ", name))
    section = _section(plain)
    style: str | None = None
    levels: dict[str, float | None] = {}
    faults: list[str] = []
    for part in explicit:
        for key, written in _LEVEL.findall(part):
            _take_level(key.casefold(), written, levels, faults)
        words = _LEVEL.sub(" ", part).strip(" ,;")
        if not words:
            continue
        meant = _section(words)
        found = None if meant else _style(words, styles)
        section, style = meant or section, found or style
        if not meant and found is None:
            faults.append(f"{words!r} is no style and no section")
    if not section and not explicit:
        style = _style(plain, styles)
    if not (section or style or levels or faults):
        return None
    density, energy = LEVELS.get(section, (None, None))
    return SectionPlan(
        name,
        section,
        style,
        levels.get("density", density),
        levels.get("energy", energy),
        tuple(faults),
    )


def bare(name: str) -> str:
    """Return a name without what stands in brackets, and without tempo and time signature."""
    return _TEMPO.sub(" ", _BRACKETS.sub(" ", name)).strip()


def _take_level(key: str, written: str, levels: dict[str, float | None], faults: list[str]) -> None:
    control = LEVEL_KEYS.get(key)
    if control is None:
        faults.append(f"{key}={written}: expected d (density) or e (energy)")
        return
    try:
        value = float(written.rstrip("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1:
        levels[control] = value
    else:
        faults.append(f"{key}={written}: expected 0 to 1")


def _style(words: str, styles: StyleBook) -> str | None:
    if not spelling(words):
        return None
    try:
        return styles.find(words).name
    except UnknownNameError:
        return None


def _section(name: str) -> str:
    """Return the section that comes first in a name, "" where none does."""
    words = _words(name)
    letters = [word for word in words if not word.isdigit()]
    if len(letters) == 1 and letters[0] in ALONE and len(words) <= 2:
        return ALONE[letters[0]]
    for place in range(len(words)):
        for length in range(min(_LONGEST, len(words) - place), 0, -1):
            section = _SECTIONS.get(tuple(words[place : place + length]))
            others = [word for word in (*words[:place], *words[place + length :]) if not word.isdigit()]
            if section is not None and len(others) <= MAX_OTHER_WORDS:
                return section
    return ""


def _words(name: str) -> list[str]:
    """Return the words and numbers of a name, without case and accents."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    bare_letters = "".join(each for each in plain if not unicodedata.combining(each))
    return re.findall(r"[^\W\d_]+|\d+", bare_letters)


def _phrases() -> Iterator[tuple[tuple[str, ...], str]]:
    for section, written in WORDS.items():
        for phrase in written.split("|") if "|" in written else written.split():
            yield tuple(_words(phrase)), section


_SECTIONS: Mapping[tuple[str, ...], str] = dict(_phrases())
_LONGEST = max(map(len, _SECTIONS))
