"""The MidiTok tokenizer of the drummer: scores to bars to ids and back, saved in MidiTok's own format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from miditok import Event, MusicTokenizer, TokenizerConfig, TokSequence
from symusic import Note, Score, Tempo, TimeSignature, Track

from liveengine.errors import CheckpointError
from liveengine.music.beats import FOUR_FOUR, TICKS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import GENERAL_MIDI_NOTES, PITCH_TO_VOICE, Voice
from liveengine.music.pattern import MICRO_MIN, Bar, Hit
from liveengine.tokens import vocabulary
from liveengine.tokens.saved import FINGERPRINT_FIELD, check_saved_tokenizer, fingerprint

CONFIG = TokenizerConfig(
    pitch_range=(21, 109),
    beat_res={(0, 8): TICKS_PER_BEAT},
    num_velocities=vocabulary.VELOCITY_BINS,
    special_tokens=["PAD"],
    use_programs=True,
    programs=[-1],
    one_token_stream_for_programs=True,
    use_time_signatures=True,
    time_signature_range={8: [3, 5, 6, 7, 9, 11, 12], 4: [2, 3, 4, 5, 6, 7]},
    use_note_duration_programs=[],
    drums_pitch_range=(21, 88),
)
"""MidiTok's settings; the drum pitch range is wider than its default, which drops pitches 22 and 26."""

FIRST_TICK_SLACK = -MICRO_MIN
GATE_TICKS = 3
"""Length of a note written to a score, in ticks of 1/48 beat."""

DrumNote = tuple[float, int, int] | tuple[float, int, int, float | None]
"""Beat, pitch, velocity; and how open a hi-hat is, 0-1, where that is known."""


def bars_of_notes(
    notes: Iterable[DrumNote],
    meters: Sequence[tuple[float, Meter]] = ((0.0, FOUR_FOUR),),
    pitch_to_voice: Mapping[int, Voice] = PITCH_TO_VOICE,
) -> list[Bar]:
    """Return the bars that hold `notes`, from beat 0 to the last note.

    `meters` are (beat of the first bar line, meter), ascending and starting at 0. Times are rounded to 1/48
    beat, at most 5.2 ms at 120 bpm. Pitches without a voice are left out: compare the counts to know how
    many.
    """
    placed = sorted(
        (
            (round(beat * TICKS_PER_BEAT), pitch_to_voice[pitch], velocity, openness[0] if openness else None)
            for beat, pitch, velocity, *openness in notes
            if pitch in pitch_to_voice and velocity > 0
        ),
        key=lambda each: each[:3],
    )
    bars: list[Bar] = []
    start = 0
    meter_index = 0
    index = 0
    while index < len(placed):
        while meter_index + 1 < len(meters) and meters[meter_index + 1][0] * TICKS_PER_BEAT <= start + 1:
            meter_index += 1
        meter = meters[meter_index][1]
        end = start + meter.steps * TICKS_PER_STEP
        hits = []
        while index < len(placed) and placed[index][0] < end - FIRST_TICK_SLACK:
            tick, voice, velocity, how_open = placed[index]
            step, micro = divmod(max(0, tick - start + FIRST_TICK_SLACK), TICKS_PER_STEP)
            hits.append(Hit(step, voice, micro + MICRO_MIN, velocity, how_open))
            index += 1
        bars.append(Bar(meter, tuple(sorted(hits))))
        start = end
    return bars


def meters_of_score(score: Score) -> list[tuple[float, Meter]]:
    """Return (beat, meter) for each time signature of a score; 4/4 from the start where it has none.

    Raises ContractError for a meter outside `METERS`.
    """
    meters: list[tuple[float, Meter]] = []
    for signature in score.time_signatures:
        meter = Meter(signature.numerator, signature.denominator)
        vocabulary.bar_id(meter)
        meters.append((signature.time / score.tpq, meter))
    if not meters or meters[0][0] > 0:
        meters.insert(0, (0.0, FOUR_FOUR))
    return meters


def drum_notes(score: Score) -> list[tuple[float, int, int]]:
    """Return (beat, pitch, velocity) of every note on drum tracks; of every track where none is marked."""
    tracks = [track for track in score.tracks if track.is_drum] or list(score.tracks)
    return [(note.time / score.tpq, note.pitch, note.velocity) for track in tracks for note in track.notes]


def bars_to_score(bars: Sequence[Bar], bpm: float = 120.0) -> Score:
    """Return bars as a score on General MIDI's drum notes, micro-timing as written."""
    score = Score(TICKS_PER_BEAT)
    score.tempos.append(Tempo(0, bpm))
    track = Track("drums", 0, True)
    start = 0
    meter: Meter | None = None
    for bar in bars:
        if bar.meter != meter:
            meter = bar.meter
            score.time_signatures.append(TimeSignature(start, meter.numerator, meter.denominator))
        for hit in bar.hits:
            tick = max(0, start + hit.step * TICKS_PER_STEP + hit.micro)
            track.notes.append(Note(tick, GATE_TICKS, GENERAL_MIDI_NOTES[hit.voice], hit.velocity))
        start += bar.meter.steps * TICKS_PER_STEP
    score.tracks.append(track)
    return score


class DrumTokenizer(MusicTokenizer):  # type: ignore[misc]
    """Bar, Position (sixteenth) and Hit (voice x micro-timing x velocity) tokens, one step per stroke.

    Grid and micro-timing stay apart, so that feel can scale the human part. MidiTok loads a saved
    tokenizer through its own class only: use `DrumTokenizer(params=path)`.
    """

    def _tweak_config_before_creating_voc(self) -> None:
        self.config.use_chords = False
        self.config.use_tempos = False

    def _create_base_vocabulary(self) -> list[str]:
        return vocabulary.token_names()

    def preprocess_score(self, score: Score) -> Score:
        """Return the score as it is: rounding happens once, in `bars_of_notes`."""
        return score

    def _score_to_tokens(
        self,
        score: Score,
        attribute_controls_indexes: object = None,  # noqa: ARG002  MidiTok passes it; there are none here
    ) -> TokSequence:
        bars = bars_of_notes(drum_notes(score), meters_of_score(score))
        hits = []
        for bar_index, bar in enumerate(bars):
            hits.append(Event("Bar", str(bar.meter), bar_index))
            hits += [
                Event(
                    "Hit",
                    f"{hit.voice.label}.{hit.micro:+d}.{vocabulary.velocity_bin(hit.velocity)}",
                    hit.step,
                )
                for hit in bar.hits
            ]
        tokens = TokSequence(events=self._add_time_events(hits, TICKS_PER_BEAT))
        self.complete_sequence(tokens)
        return tokens

    def _add_time_events(
        self,
        events: list[Event],
        time_division: int,  # noqa: ARG002  MidiTok's signature; hits already carry their step
    ) -> list[Event]:
        timed: list[Event] = []
        step = -1
        for event in events:
            if event.type_ == "Bar":
                step = -1
            elif event.time != step:
                step = event.time
                timed.append(Event("Position", str(step), step))
            timed.append(event)
        return timed

    def bars(self, ids: Sequence[int]) -> list[Bar]:
        """Return the bars that ids spell; raises ContractError where they break the grammar."""
        return vocabulary.ids_to_bars(ids)

    def _tokens_to_score(
        self,
        tokens: TokSequence,
        programs: object = None,  # noqa: ARG002  MidiTok passes it; everything here is drums
    ) -> Score:
        return bars_to_score(self.bars(tokens.ids))

    def _create_token_types_graph(self) -> dict[str, set[str]]:
        return {
            "Bar": {"Bar", "Position"},
            "Position": {"Hit"},
            "Hit": {"Hit", "Position", "Bar"},
        }

    def _tokens_errors(self, tokens: list[str]) -> int:
        errors = 0
        step = -1
        previous = "Bar"
        for index, token in enumerate(tokens):
            kind, _, value = token.partition("_")
            if (index > 0 and kind not in self.tokens_types_graph[previous]) or (
                kind == "Position" and int(value) <= step
            ):
                errors += 1
            step = -1 if kind == "Bar" else int(value) if kind == "Position" else step
            previous = kind
        return errors


def make_tokenizer() -> DrumTokenizer:
    """Return the tokenizer as this version of the project defines it."""
    return DrumTokenizer(TokenizerConfig(**CONFIG.to_dict()))


def save_tokenizer(tokenizer: DrumTokenizer, path: Path) -> None:
    """Write a tokenizer in MidiTok's format, with the fingerprint of its token names."""
    tokenizer.save(path, additional_attributes={FINGERPRINT_FIELD: fingerprint()})


def load_tokenizer(path: Path) -> DrumTokenizer:
    """Return the tokenizer saved at `path`.

    Raises CheckpointError where the file is no tokenizer of this class or its tokens differ from this
    version's.
    """
    check_saved_tokenizer(path)
    try:
        return DrumTokenizer(params=path)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: expected a tokenizer saved by MidiTok, got: {error}") from error
