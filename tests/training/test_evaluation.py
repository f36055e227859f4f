"""The evaluation, on a small corpus that the test writes and an untrained model."""

from __future__ import annotations

import csv
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import Checkpoint, load_checkpoint
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.network import DrumModel
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, Conditioning
from liveengine.tokens import vocabulary
from liveengine.training.corpus import Take
from liveengine.training.evaluation import classifiers, features, likelihood, realism, reference
from liveengine.training.evaluation.corruption import CORRUPTIONS
from liveengine.training.evaluation.performance import Performer
from tools import evaluate as command

pytest.importorskip("sklearn")

TPQ = 480
COLUMNS = (
    "drummer",
    "session",
    "id",
    "style",
    "bpm",
    "beat_type",
    "time_signature",
    "midi_filename",
    "split",
)
SPLITS = ("train", "train", "validation")
PATTERNS = {"funk": (0, 6, 10), "jazz": (0, 5, 11), "hiphop": (0, 7, 8)}


def human_bar(genre: str, dice: random.Random, *, fill: bool = False) -> Bar:
    """Return a bar with a drummer's lateness and accents, or a roll over the toms."""
    if fill:
        toms = (Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM)
        return Bar(
            FOUR_FOUR,
            tuple(
                Hit(step, toms[step // 6], dice.choice((-1, 0, 1)), dice.randrange(80, 120))
                for step in range(16)
            ),
        )
    hits = [
        Hit(step, Voice.CLOSED_HAT, dice.choice((1, 2)), 90 - 40 * (step % 4 > 0)) for step in range(0, 16, 2)
    ]
    hits += [
        Hit(step, Voice.KICK, dice.choice((-2, -1)), dice.randrange(95, 110)) for step in PATTERNS[genre]
    ]
    hits += [Hit(step, Voice.SNARE, dice.choice((2, 3)), dice.randrange(110, 127)) for step in (4, 12)]
    hits += [Hit(dice.choice((3, 9, 15)), Voice.SNARE, 0, dice.randrange(15, 35))]
    return Bar(FOUR_FOUR, tuple(sorted(hits)))


def write_midi(path: Path, bars: list[Bar], bpm: float) -> None:
    notes = {Voice.KICK: 36, Voice.SNARE: 38, Voice.CLOSED_HAT: 42}
    notes |= {Voice.HIGH_TOM: 50, Voice.MID_TOM: 47, Voice.LOW_TOM: 43}
    events: list[tuple[int, mido.Message | mido.MetaMessage]] = [
        (0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))),
        (0, mido.MetaMessage("time_signature", numerator=4, denominator=4)),
    ]
    for index, bar in enumerate(bars):
        for hit in bar.hits:
            tick = max(0, round((index * 4 + hit.beat) * TPQ))
            note = notes[hit.voice]
            events.append((tick, mido.Message("note_on", channel=9, note=note, velocity=hit.velocity)))
            events.append((tick + 20, mido.Message("note_off", channel=9, note=note)))
    events.sort(key=lambda event: event[0])
    track = mido.MidiTrack()
    now = 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    mido.MidiFile(type=1, ticks_per_beat=TPQ, tracks=[track]).save(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with, per style and split, takes of a beat and of a fill."""
    folder = tmp_path_factory.mktemp("corpus")
    dice = random.Random(1)
    rows = []
    for genre in PATTERNS:
        for number, split in enumerate(SPLITS):
            for kind, count in (("beat", 9), ("fill", 2)):
                name = f"{genre}{number}{kind}"
                bars = [human_bar(genre, dice, fill=kind == "fill") for _ in range(count)]
                write_midi(folder / f"{name}.mid", bars, 100)
                row = ("drummer1", "s1", name, genre, "100", kind, "4-4", f"{name}.mid", split)
                rows.append(dict(zip(COLUMNS, row, strict=True)))
    with (folder / "info.csv").open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifiers, "TREES", 15)
    monkeypatch.setattr(classifiers, "FOLDS", 3)
    monkeypatch.setattr(realism, "HALVINGS", 2)


@pytest.fixture(scope="module")
def checkpoint(small_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(small_checkpoint)


def take(genre: str = "funk", count: int = 6, seed: int = 1, bpm: float = 100.0, **given: object) -> Take:
    dice = random.Random(seed)
    bars = tuple(human_bar(genre, dice) for _ in range(count))
    plain = Take(f"{genre}{seed}", "d1", genre, genre, bpm, is_fill=False, split="validation", bars=bars)
    return replace(plain, **given)  # type: ignore[arg-type]


def stepped_bits(checkpoint: Checkpoint, judged: Take) -> float:
    """Return the bits of a take as the decoder plays it: token by token, with its sliding cache."""
    decoder = Decoder(checkpoint.config, checkpoint.weights, int8=False)
    genres = ((judged.genre, 1.0),) if judged.genre in checkpoint.space.genres else ()
    asked = Conditioning(genres=genres, bpm=judged.bpm)
    controls = decoder.control_vector(checkpoint.space.features(asked))
    bits = 0.0
    for index, bar in enumerate(judged.bars):
        ids = vocabulary.bar_to_ids(bar)
        allowed = vocabulary.Grammar(bar.meter, strict=False).masks(ids)
        last = index == len(judged.bars) - 1
        following = ids[1:] if last else [*ids[1:], ids[0]]
        for place, (token, step) in enumerate(zip(ids, steps_of_ids(ids), strict=True)):
            logits = torch.from_numpy(decoder.feed([0], [token], [step], controls[None])[0]).double()
            if place < len(following):
                logits[~torch.from_numpy(allowed[place])] = -math.inf
                bits -= float(logits.log_softmax(-1)[following[place]]) / math.log(2)
    return bits


@pytest.mark.parametrize("new_tokens", [17, 1536])
def test_bits_are_those_of_the_decoder_stepping(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, new_tokens: int
) -> None:
    monkeypatch.setattr(likelihood, "NEW_TOKENS", new_tokens)
    judged = take()
    seven = Bar(Meter(7, 8), (Hit(0, Voice.KICK, 0, 100), Hit(0, Voice.KICK, 0, 100)))
    judged = replace(judged, bars=(*judged.bars[:3], seven, *judged.bars[3:]))
    model = checkpoint.build()
    found = likelihood.take_bits(model, checkpoint.space, judged)
    assert sum(len(vocabulary.bar_to_ids(bar)) for bar in judged.bars) > 2 * checkpoint.config.window
    assert found.notes == sum(len(bar.hits) for bar in judged.bars)
    assert found.total == pytest.approx(stepped_bits(checkpoint, judged), rel=1e-4)
    assert found.fine == pytest.approx(0, abs=1e-9)
    assert found.unmasked > found.total


def test_a_style_that_was_not_learned_is_left_open(checkpoint: Checkpoint) -> None:
    judged = take(count=2)
    polka = replace(judged, genre="polka")
    found = likelihood.take_bits(checkpoint.build(), checkpoint.space, polka).total
    assert found == pytest.approx(stepped_bits(checkpoint, polka), rel=1e-4)
    assert found != pytest.approx(stepped_bits(checkpoint, judged), rel=1e-4)


def test_a_model_that_knows_nothing_scores_the_choices_left_to_it(checkpoint: Checkpoint) -> None:
    model = DrumModel(checkpoint.config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    bars = (Bar(FOUR_FOUR, (Hit(4, Voice.KICK, 0, 100), Hit(4, Voice.SNARE, 0, 100))), Bar(FOUR_FOUR, ()))
    found = likelihood.take_bits(model, checkpoint.space, replace(take(), bars=bars))
    kick = vocabulary.hit_id(Voice.KICK, 0, 100) - vocabulary.HIT_BASE
    snare = vocabulary.hit_id(Voice.SNARE, 0, 100) - vocabulary.HIT_BASE
    # A position or the closing bar; any hit; one not below the kick or a later position or the bar.
    after_kick = vocabulary.HIT_COUNT - kick + 11 + 1
    closing = vocabulary.HIT_COUNT - snare + 11 + 1
    choices = (17, vocabulary.HIT_COUNT, after_kick, closing)
    assert found.total == pytest.approx(sum(math.log2(count) for count in choices), rel=1e-5)
    assert found.place == pytest.approx(math.log2(17) + math.log2(closing), rel=1e-5)


def test_features_follow_tempo_only_where_they_are_in_time() -> None:
    bars = take(count=2).bars
    slow, fast = (features.window_features(bars, bpm) for bpm in (60, 120))
    assert slow.shape == features.window_features((Bar(FOUR_FOUR, ()),), 100).shape
    assert np.isfinite(slow).all()
    onsets = slice(1, 3 + len(features.GROUPS) * features.BAR_STEPS)
    assert np.array_equal(slow[onsets], fast[onsets])
    assert not np.array_equal(slow, fast)
    assert np.array_equal(slow, features.window_features(list(bars), 60))


def test_corruptions_change_only_what_they_are_about() -> None:
    bars = take(count=2).bars
    hits = [hit for bar in bars for hit in bar.hits]
    spoilt = {
        name: [hit for bar in spoil(bars, 100, np.random.default_rng(1)) for hit in bar.hits]
        for name, (spoil, _) in CORRUPTIONS.items()
    }
    assert len(spoilt["dropped"]) < len(hits)
    for name in ("jitter", "velocity_shuffle", "beats_shuffled", "quantised"):
        assert len(spoilt[name]) == len(hits)
        assert spoilt[name] != hits
    assert sorted((hit.voice, hit.velocity) for hit in spoilt["velocity_shuffle"]) == sorted(
        (hit.voice, hit.velocity) for hit in hits
    )
    assert {hit.micro for hit in spoilt["quantised"]} == {0}
    assert sorted((hit.voice, hit.step % 4, hit.micro, hit.velocity) for hit in hits) == sorted(
        (hit.voice, hit.step % 4, hit.micro, hit.velocity) for hit in spoilt["beats_shuffled"]
    )


def test_the_judge_hears_quantising_and_nothing_between_real_halves() -> None:
    takes = [take(genre, 12, seed) for seed, genre in enumerate(["funk", "jazz"] * 4)]
    rows = [
        (window, each, number) for number, each in enumerate(takes) for window in reference.windows_of(each)
    ]
    real = realism._windows(rows)
    found = realism.judge(real, real, seed=1)
    assert found["corruption_auc_quantised"] > 0.95
    assert found["real_vs_real_auc"] < 0.75
    assert found["real_vs_generated_auc"] < 0.6  # the same windows on both sides
    assert found == realism.judge(real, real, seed=1)


def test_ranks_distances_and_auc() -> None:
    assert classifiers.ranks_of(np.array([5.0, 1.0, 5.0])).tolist() == [2.5, 1.0, 2.5]
    assert classifiers.wasserstein_1(np.array([0.0, 2.0]), np.array([1.0, 4.0, 1.0, 4.0])) == pytest.approx(
        1.5
    )
    assert classifiers.auc(np.array([0.1, 0.9, 0.5]), np.array([False, True, False])) == 1
    assert classifiers.spearman(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert classifiers.spearman(np.array([1.0, 2.0]), np.array([1.0, 1.0])) == 0


def test_a_bar_is_copied_where_its_onsets_are() -> None:
    bar = take().bars[0]
    louder = Bar(bar.meter, tuple(sorted(replace(hit, velocity=99, micro=0) for hit in bar.hits)))
    assert reference.bar_hash(bar) == reference.bar_hash(louder)
    assert reference.bar_hash(bar) != reference.bar_hash(Bar(bar.meter, bar.hits[1:]))


def test_a_bar_that_does_not_come_counts_as_not_decoded() -> None:
    bar = take().bars[0]

    def write(request: BarRequest) -> BarReply:
        if request.index == 1:
            raise CheckpointError("no")
        meter = FOUR_FOUR if request.index else Meter(3, 4)
        return BarReply(request.serial, Bar(meter, bar.hits if request.index else ()), 9, 1.0)

    performer = Performer(write, seed=1)
    assert [each.hits for each in performer.play([Conditioning()] * 3)] == [(), (), bar.hits]
    assert (performer.asked, performer.decoded) == (3, 1)


def test_the_command_scores_a_folder_and_the_shipped_reference_gives_the_same(
    corpus: Path, small_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "scores.json"
    weights = str(small_checkpoint / "model.safetensors")
    given = ["--checkpoint", weights, "--bars", "12"]
    scored = [*given, "--data-dir", str(corpus), "--json", str(out)]
    assert command.main(scored) == 2
    assert "--reference-dir" in capsys.readouterr().err
    try:
        assert command.main([*given, "--write-reference", "--reference-dir", str(corpus)]) == 0
        assert command.main(scored) == 0
    finally:
        (small_checkpoint / reference.REFERENCE_FILE).unlink(missing_ok=True)
    found = json.loads(out.read_text())
    assert all(isinstance(value, float | int | str) for value in found.values())
    for name in (
        *("bits_per_note", "style_ratio", "real_vs_generated_auc", "real_vs_real_auc", "w1_timing_ms"),
        *("w1_velocity", "groove_consistency", "share_copied", "density_spearman", "energy_spearman"),
        *("fill_agreement", "fill_classifier_accuracy", "judge_strong_enough"),
        *(f"corruption_auc_{name}" for name in CORRUPTIONS),
    ):
        assert math.isfinite(found[name]), name
    parts = ("bits_place", "bits_voice", "bits_micro", "bits_velocity")
    assert sum(found[part] for part in parts) == pytest.approx(found["bits_per_note"])
    assert found["share_decoded"] == 1
    assert found["takes"] == 18
    assert "bits per note" in capsys.readouterr().out


def test_judged_takes_and_other_splits_are_no_reference(corpus: Path) -> None:
    takes = [take(seed=number, split=split) for number, split in enumerate(SPLITS)]
    assert [each.name for each in reference.training_takes(takes, ["funk0"])] == ["funk1"]
    made = command.read_reference([corpus], [])
    assert len(made.style) == 6 * 4
    assert made.fill_labels.sum() == 12
    assert made.holds(human_bar("funk", random.Random(0), fill=True))
    assert not made.holds(Bar(FOUR_FOUR, (Hit(15, Voice.BELL, 0, 1),)))
