"""The whole evaluation of a checkpoint: every figure under its name, and the table that shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from liveengine.model.checkpoint import Checkpoint
from liveengine.training.corpus import LeftOut, Take
from liveengine.training.evaluation import classifiers, controls, likelihood, realism
from liveengine.training.evaluation.corruption import CORRUPTIONS
from liveengine.training.evaluation.performance import Performer
from liveengine.training.evaluation.reference import Reference

Value = float | int | bool | str
Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and out of how much."""

CONTROL_SHARE = 100
FILL_SHARE = 50
"""Bars asked for in all, per bar of each cell of the controls' grid, and per round of fills."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a figure's key, its name, the key of its real reference, and the aim."""

    key: str
    name: str
    real_key: str = ""
    aim: str = ""


LINES: Sequence[Line] = (
    Line("bits_per_note", "bits per note", aim="<= 6.5, aiming at 6.0"),
    Line("bits_place", "  bar and position"),
    Line("bits_voice", "  voice"),
    Line("bits_micro", "  micro-timing"),
    Line("bits_velocity", "  velocity"),
    Line("style_accuracy_generated", "style named, windows", "style_accuracy_real", ">= 0.9 of real"),
    Line("style_ratio", "  as a share of real"),
    Line("style_accuracy_generated_take", "style named, takes", "style_accuracy_real_take"),
    Line("real_vs_generated_auc", "real-versus-generated AUC", "real_vs_real_auc", "<= 0.70, aiming at 0.60"),
    Line("w1_timing_ms", "W1 timing, ms", "w1_timing_ms_real", "<= 8"),
    Line("w1_velocity", "W1 velocity", "w1_velocity_real", "<= 17"),
    Line("groove_consistency", "groove consistency", "groove_consistency_real"),
    Line("variety", "distinct bars", "variety_real"),
    Line("share_copied", "bars copied from training", "share_copied_real", "<= 0.15"),
    Line("density_spearman", "density asked and got, Spearman", aim=">= 0.8"),
    Line("energy_spearman", "energy asked and got, Spearman", aim=">= 0.8"),
    Line("fill_agreement", "fill where asked", "fill_agreement_real", ">= 0.80"),
    Line("fill_false_alarms", "  fill where not asked", "fill_false_alarms_real"),
    Line("genre_facts_start", "cards' facts that hold, bars 1-8", aim=">= 0.95"),
    Line("genre_facts_alone", "cards' facts that hold, bars 25-32 alone", aim=">= 0.95"),
    Line("onset_f1_4", "onset F1 with the bar 4 before", aim=">= 0.78"),
    Line("onset_f1_8", "onset F1 with the bar 8 before", aim=">= 0.75"),
    Line("share_same_as_last", "bars just like the last", aim="0.06 to 0.20"),
    Line("share_distinct", "distinct bars of 32", aim="<= 0.75"),
    Line("growth", "notes per bar, bars 25-32 against 1-8", aim="within 0.08"),
    Line("drift_notes", "notes per bar, bars 57-64 against 1-8", aim="within 0.08"),
    Line("drift_kick_snare", "  share of kick and snare, rise", aim="within 0.05"),
    Line("held_groove", "onset F1, bars 57-64 with bars 1-8"),
    Line("chorus_lifts", "choruses that lift"),
    Line("break_breaks", "breaks that break"),
    Line("share_decoded", "sequences that decode", aim="1"),
)


def evaluate(
    checkpoint: Checkpoint,
    takes: Sequence[Take],
    left_out: Sequence[LeftOut],
    reference: Reference,
    performer: Performer,
    *,
    bars: int,
    device: str = "cpu",
    progress: Progress = lambda _stage, _done, _total: None,
) -> dict[str, Value]:
    """Return every figure of a checkpoint by name; the function that makes each says what it is.

    `bars` is how many are generated to stand beside real ones; the controls take some more.
    `share_decoded` is the share of all bars asked for that came, in the meter asked for, and that tokens
    and a score keep note for note. Raises LiveEngineError where scikit-learn is missing.
    """
    classifiers.forest(performer.seed)
    space = checkpoint.space
    found: dict[str, Value] = {
        "takes": len(takes),
        "takes_left_out": len(left_out),
        "bars": sum(len(take.bars) for take in takes),
        "seed": performer.seed,
        "temperature": performer.temperature,
        "checkpoint_sha256": checkpoint.sha256,
        "takes_of_unlearned_style": sum(take.genre not in space.genres for take in takes),
    }
    model = checkpoint.build().to(device)
    bits = likelihood.bits_of_takes(
        model, space, takes, lambda done, total: progress("bits per note", done, total)
    )
    found |= bits_figures(bits)
    real, made = realism.real_and_generated(
        takes, space, performer, bars, lambda done, total: progress("playing", done, total)
    )
    found["windows"] = len(made.bars)
    if len(made.bars):
        progress("judging", 0, 1)
        found |= realism.judge(real, made, performer.seed)
        found |= realism.style_accuracy(reference, real, made, performer.seed)
        found |= realism.wasserstein(real, made, performer.seed)
        for name, windows in (("", made), ("_real", real)):
            found[f"groove_consistency{name}"] = realism.groove_consistency(windows)
            found[f"share_copied{name}"] = realism.share_copied(windows, reference)
            found[f"variety{name}"] = realism.variety(windows)
        progress("judging", 1, 1)
    styles = controls.styles_to_ask(takes, space)
    if styles:
        progress("density and energy", 0, 1)
        found |= controls.levels_followed(styles, space, performer, max(1, bars // CONTROL_SHARE))
        progress("density and energy", 1, 1)
        progress("fills", 0, 1)
        found |= controls.fills_followed(styles, takes, reference, performer, max(1, bars // FILL_SHARE))
        progress("fills", 1, 1)
    if performer.asked:
        found["share_decoded"] = performer.decoded / performer.asked
        found["bars_generated"] = performer.asked
        found["tokens_per_bar"] = performer.tokens / performer.asked
        found["ms_per_bar"] = performer.milliseconds / performer.asked
    return found


def bits_figures(bits: likelihood.Bits) -> dict[str, Value]:
    """Return bits per note and its parts, which add up to it; `_native` is at the model's own velocities."""
    notes = max(1, bits.notes)
    return {
        "bits_per_note": bits.total / notes,
        "bits_per_note_native": (bits.total + bits.fine) / notes,
        "bits_per_note_without_grammar": bits.unmasked / notes,
        "bits_place": bits.place / notes,
        "bits_voice": bits.voice / notes,
        "bits_micro": bits.micro / notes,
        "bits_velocity": bits.velocity / notes,
        "notes": bits.notes,
    }


def table(found: Mapping[str, Value]) -> list[tuple[str, str, str, str]]:
    """Return the lines to show: figure, its value, the same of real playing, the aim."""
    return [
        (line.name, _shown(found.get(line.key)), _shown(found.get(line.real_key)), line.aim)
        for line in LINES
        if line.key in found
    ]


def verdict_on_judge(found: Mapping[str, Value]) -> str:
    """Return what the judge made of the corruptions, and whether it is to be believed."""
    if "judge_strong_enough" not in found:
        return "No windows were judged: the folder holds no beats of two bars in a style that was learned."
    summary = ", ".join(
        f"{name.replace('_', ' ')} {_shown(found[f'corruption_auc_{name}'])} (stated {stated:g})"
        for name, (_, stated) in CORRUPTIONS.items()
    )
    if found["judge_strong_enough"]:
        return f"The judge tells spoilt playing from real: {summary}."
    return f"THE JUDGE IS TOO WEAK, its real-versus-generated AUC says little: {summary}."


def _shown(value: Value | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
