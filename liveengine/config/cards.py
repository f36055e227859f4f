"""Reading genre cards (configs/cards): strict, naming the file, line and field of every fault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from liveengine.config.yaml_reader import Entry, read_yaml
from liveengine.errors import ConfigError, ContractError
from liveengine.music.beats import FOUR_FOUR, Meter, read_meter
from liveengine.music.card import ALWAYS, FORMS, Card, Fact, Family, Fill, Roll, Row, row_of, step_named
from liveengine.music.drums import Voice
from liveengine.music.requirement import DRUMS, Requirement

TIMINGS = ("machine", "human")
_CARD_FIELDS = (
    "title", "tempo_bpm", "timing", "vary", "velocities", "landing", "forms", "facts", "families", "fills",
    "sources", "kin",
)  # fmt: skip
_FACT_FIELDS = ("fact", "drums", "on", "any", "off", "count", "share", "must", "source")


def load_card(path: Path) -> Card:
    """Return the card in a file; its genre is the file's name. Raises ConfigError for a faulty file."""
    root = read_yaml(path, "a genre card")
    entries = root.known_fields(_CARD_FIELDS, ("title", "tempo_bpm", "facts", "families", "fills", "sources"))
    timing = entries["timing"].text() if "timing" in entries else "human"
    if timing not in TIMINGS:
        raise entries["timing"].fault(" or ".join(TIMINGS), repr(timing))
    families = tuple(
        _family(name, entry) for name, entry in entries["families"].pairs("family: its rows").items()
    )
    if not families:
        raise entries["families"].fault("at least one family", "none")
    return Card(
        genre=path.stem,
        title=entries["title"].text(),
        tempo_bpm=_pair(entries["tempo_bpm"], 20, 400),
        facts=_facts(entries),
        families=families,
        fills=tuple(_fill(entry) for entry in entries["fills"].items("a list of fills")),
        machine=timing == "machine",
        vary=entries["vary"].number(0, 0.5) if "vary" in entries else (0.03 if timing == "machine" else 0.08),
        landing=_landing(entries),
        forms=_forms(entries["forms"]) if "forms" in entries else FORMS,
        kin={name: each.number(0, 1) for name, each in entries["kin"].pairs("genre: weight").items()}
        if "kin" in entries
        else {},
        velocities=_velocities(entries["velocities"]) if "velocities" in entries else {},
    )


def load_rules(path: Path) -> Card:
    """Return what playing needs of a card: its facts and landing, without families and fills."""
    entries = read_yaml(path, "a genre card").known_fields(_CARD_FIELDS, ("title", "facts", "sources"))
    return Card(
        genre=path.stem,
        title=entries["title"].text(),
        tempo_bpm=(120.0, 120.0),
        facts=_facts(entries),
        families=(),
        fills=(),
        landing=_landing(entries),
    )


def load_cards(folder: Path) -> dict[str, Card]:
    """Return the cards of a folder by genre. Raises ConfigError for a faulty file and an empty folder."""
    cards = {path.stem: load_card(path) for path in sorted(folder.glob("*.yaml"))}
    if not cards:
        raise ConfigError(f"{folder}: expected a folder with genre cards (*.yaml), found none")
    return cards


def _facts(entries: Mapping[str, Entry]) -> tuple[Fact, ...]:
    sources = {name: entry.text() for name, entry in entries["sources"].pairs("name: source").items()}
    return tuple(_fact(entry, sources) for entry in entries["facts"].items("a list of facts"))


def _landing(entries: Mapping[str, Entry]) -> tuple[Voice, ...]:
    return _voices(entries["landing"]) if "landing" in entries else (Voice.KICK, Voice.CRASH)


def _pair(entry: Entry, low: float, high: float) -> tuple[float, float]:
    pair = [each.number(low, high) for each in entry.items("two numbers: [low, high]")]
    if len(pair) != 2 or pair[0] > pair[1]:
        raise entry.fault("two numbers, the low one first", str(pair))
    return pair[0], pair[1]


def _voice(entry: Entry) -> Voice:
    try:
        return Voice[entry.text().upper()]
    except KeyError:
        raise entry.fault(f"a drum voice ({', '.join(voice.label for voice in Voice)})") from None


def _voices(entry: Entry) -> tuple[Voice, ...]:
    return tuple(_voice(each) for each in entry.items("a list of drum voices"))


def _forms(entry: Entry) -> tuple[str, ...]:
    forms = []
    for each in entry.items("a list of forms"):
        form = each.text()
        if len(form) not in (4, 8) or set(form) - set("ABF"):
            raise each.fault("4 or 8 letters of A, B and F")
        forms.append(form if len(form) == 8 else form * 2)
    return tuple(forms)


def _velocities(entry: Entry) -> dict[str, int]:
    return {
        name: each.whole(1, 127) for name, each in entry.known_fields((*ALWAYS, "odds", "spread")).items()
    }


def _steps(entry: Entry) -> tuple[int, ...]:
    steps = []
    for each in entry.items("a list of places such as 1, 2& or 4a"):
        try:
            steps.append(step_named(str(getattr(each.node, "value", ""))))
        except ContractError as error:
            raise each.translated(error) from error
    return tuple(steps)


def _fact(entry: Entry, sources: Mapping[str, str]) -> Fact:
    entries = entry.known_fields(_FACT_FIELDS, ("fact", "drums", "source"))
    drums: set[Voice] = set()
    for each in entries["drums"].items("a list of drums"):
        if each.text() not in DRUMS:
            raise each.fault(f"a drum ({', '.join(DRUMS)})")
        drums |= DRUMS[each.text()]
    source = entries["source"].text()
    if source not in sources:
        raise entries["source"].fault(f"one of the card's sources ({', '.join(sources)})", repr(source))
    count = None
    if "count" in entries:
        pair = [each.whole(0, 99) for each in entries["count"].items("two numbers: [least, most]")]
        if len(pair) != 2:
            raise entries["count"].fault("two numbers: [least, most]")
        count = (pair[0], pair[1])
    try:
        return Fact(
            text=entries["fact"].text(),
            shown=Requirement(
                drums=frozenset(drums),
                on=_steps(entries["on"]) if "on" in entries else (),
                any_of=_steps(entries["any"]) if "any" in entries else (),
                off=_steps(entries["off"]) if "off" in entries else (),
                count=count,
            ),
            source=sources[source],
            share=entries["share"].number(0, 1) if "share" in entries else 0.9,
            must=entries["must"].truth() if "must" in entries else False,
        )
    except ContractError as error:
        raise entry.translated(error) from error


def _row(entry: Entry, meter: Meter) -> Row:
    try:
        return row_of(str(getattr(entry.node, "value", "")), meter)
    except ContractError as error:
        raise entry.translated(error) from error


def _rows(entry: Entry, meter: Meter) -> dict[Voice, tuple[Row, ...]]:
    labels = [voice.label for voice in Voice]
    found = {}
    for name, each in entry.known_fields(labels).items():
        single = hasattr(each.node, "value") and isinstance(each.node.value, str)
        rows = (_row(each, meter),) if single else tuple(_row(one, meter) for one in each.items("rows"))
        found[Voice[name.upper()]] = rows
    return found


def _family(name: str, entry: Entry) -> Family:
    entries = entry.known_fields(("weight", "meter", "tempo_bpm", "rows", "ghosts", "rolls"), ("rows",))
    meter = FOUR_FOUR
    if "meter" in entries:
        try:
            meter = read_meter(entries["meter"].text())
        except ContractError as error:
            raise entries["meter"].translated(error) from error
    return Family(
        name=name,
        rows=_rows(entries["rows"], meter),
        weight=entries["weight"].number(0, 100) if "weight" in entries else 1.0,
        meter=meter,
        tempo_bpm=_pair(entries["tempo_bpm"], 20, 400) if "tempo_bpm" in entries else None,
        ghosts=_rows(entries["ghosts"], meter) if "ghosts" in entries else {},
        rolls=tuple(_roll(each) for each in entries["rolls"].items("a list of rolls"))
        if "rolls" in entries
        else (),
    )


def _roll(entry: Entry) -> Roll:
    names = ("drum", "odds", "at", "beats", "strokes")
    entries = entry.known_fields(names, names)
    return Roll(
        voice=_voice(entries["drum"]),
        odds=entries["odds"].number(0, 1),
        at=_steps(entries["at"]),
        beats=entries["beats"].number(0.125, 4),
        strokes=tuple(each.whole(1, 32) for each in entries["strokes"].items("a list of numbers")),
    )


def _fill(entry: Entry) -> Fill:
    entries = entry.known_fields(("from", "rows", "keep"), ("from", "rows"))
    begin = entries["from"]
    try:
        step = step_named(str(getattr(begin.node, "value", "")))
    except ContractError as error:
        raise begin.translated(error) from error
    rows = {voice: rows[0] for voice, rows in _rows(entries["rows"], FOUR_FOUR).items()}
    return Fill(step, rows, frozenset(_voices(entries["keep"])) if "keep" in entries else frozenset())
