"""Kits from takes: the kit that was played is found, with its pedal; what nothing explains is told."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from liveengine.app.kit_proposal import propose, read_played, write_proposal
from liveengine.config.kits import load_kit, load_kit_file
from liveengine.errors import MidiError
from liveengine.midi.file import TakeNote, TakeTempo, save_take, take_bytes
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.kit import Articulation, HatPedal, KitMap


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "home"))


def take_of(kit: KitMap, path: Path, more: tuple[TakeNote, ...] = (), channel: int = 10) -> Path:
    """Write a take of all that a kit has, struck twice each."""
    articulations = [each for each in kit.sounds for _ in range(2)]
    notes = [
        TakeNote.struck(1.0 + beat / 2, kit.strike(each, 80 + beat % 20), 120.0)
        for beat, each in enumerate(articulations)
    ]
    notes = [TakeNote(n.beat, n.note, n.velocity, None, channel, 0, n.pedal, n.lead_beats) for n in notes]
    content = take_bytes(
        notes=[*notes, *more],
        tempos=[TakeTempo(0, 120.0)],
        markers=[],
        meters=[(0.0, FOUR_FOUR)],
        channel=channel,
    )
    save_take(path, content)
    return path


@pytest.mark.parametrize("name", ["gm", "gmd", "addictive_drums_2", "steven_slate_5", "getgood_invasion"])
def test_the_kit_of_a_take_is_found_again(name: str, tmp_path: Path) -> None:
    kit = load_kit(name)
    proposal = propose(take_of(kit, tmp_path / "mine.mid"), "Mine")
    assert proposal.like.name == name
    assert proposal.unexplained == ()
    path = write_proposal(proposal, tmp_path / "mine.yaml")
    read = load_kit_file(path)
    assert (read.title, read.sounds, read.channel) == ("Mine", kit.sounds, 10)
    assert read.pedal == kit.pedal


def test_what_no_kit_explains_is_told_with_how_it_was_struck(tmp_path: Path) -> None:
    more = tuple(TakeNote(40.0 + beat, 101, 60 + beat) for beat in range(3))
    path = take_of(load_kit("gm"), tmp_path / "odd.mid", more, channel=7)
    proposal = propose(path, "Odd")
    assert proposal.unexplained == (101,)
    assert proposal.kit.channel == 7
    text = proposal.text
    assert "#   101: 3 times, velocity 60-62" in text
    assert "#   36: kick, 2 times" in text
    assert "like: gm" in text
    written = write_proposal(proposal, tmp_path / "odd.yaml")
    assert load_kit_file(written).strike(Articulation.KICK, 100).channel == 7
    assert write_proposal(proposal, tmp_path / "odd.yaml").name == "odd-2.yaml"


def test_a_pedal_is_read_where_it_stood_shut_and_open(tmp_path: Path) -> None:
    file, track = mido.MidiFile(), mido.MidiTrack()
    file.tracks.append(track)
    for note, value in [(36, 100), (42, 12), (46, 127), (42, 10), (46, 120), (38, 64), (42, 14)] * 3:
        track.append(mido.Message("control_change", channel=9, control=4, value=value, time=10))
        track.append(mido.Message("note_on", channel=9, note=note, velocity=90, time=10))
    file.save(tmp_path / "pedal.mid")
    assert propose(tmp_path / "pedal.mid", "Pedal").kit.pedal == HatPedal(4, 12, 127)


def test_only_the_drum_channel_counts_where_there_is_one(tmp_path: Path) -> None:
    file, track = mido.MidiFile(), mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.Message("note_on", channel=0, note=60, velocity=90))
    track.append(mido.Message("note_on", channel=9, note=36, velocity=90))
    file.save(tmp_path / "band.mid")
    assert read_played(tmp_path / "band.mid").notes == {36: 1}


@pytest.mark.parametrize("content", [b"", b"no midi", None])
def test_what_is_no_take_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.mid"
    if content is None:
        mido.MidiFile(tracks=[mido.MidiTrack()]).save(path)
    else:
        path.write_bytes(content)
    with pytest.raises(MidiError, match="expected a"):
        propose(path, "Bad")
