"""Bars written for judging: the generator that plays live, continued from nothing, request by request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from liveengine.errors import LiveEngineError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply, BarRequest, Conditioning, ContextBar, context_begins
from liveengine.music.requirement import Requirement
from liveengine.tokens import vocabulary
from liveengine.tokens.tokenizer import DrumTokenizer, make_tokenizer

WriteBar = Callable[[BarRequest], BarReply]
"""What writes a bar: `BarGenerator.generate`, handed in, since training knows the model but no player."""

WARM_UP_BARS = 2
"""Bars at the start of each run that are played but not judged."""


@dataclass(slots=True)
class Performer:
    """Asks for bar after bar and keeps count of what decodes.

    `temperature` is that of every request; `seed` decides all dice.
    """

    write: WriteBar
    seed: int
    temperature: float = 1.0
    asked: int = 0
    decoded: int = 0
    milliseconds: float = 0.0
    tokens: int = 0
    _tokenizer: DrumTokenizer = field(default_factory=make_tokenizer)

    def play(
        self,
        conditionings: Sequence[Conditioning],
        meter: Meter = FOUR_FOUR,
        musts: tuple[Requirement, ...] = (),
        opening: tuple[Requirement, ...] = (),
    ) -> list[Bar]:
        """Return one bar for each conditioning, each continuing those before it, the first from nothing.

        `musts` hold for all but fills, and `opening` for the first bar, as they do live.
        A bar that could not be made is an empty one here and counts as not decoded.
        """
        context: list[ContextBar] = []
        for index, conditioning in enumerate(conditionings):
            request = BarRequest(
                serial=self.asked,
                index=index,
                meter=meter,
                conditioning=conditioning,
                context=tuple(context[context_begins(index) :]),
                seed=self.seed * 1_000_003 + self.asked,
                temperature=self.temperature,
                musts=() if conditioning.fill else musts if context else opening or musts,
            )
            bar = self._bar(request)
            context.append(ContextBar(self.asked, bar, conditioning))
            self.asked += 1
        return [each.bar for each in context]

    def _bar(self, request: BarRequest) -> Bar:
        try:
            reply = self.write(request)
            self.milliseconds += reply.generated_ms
            self.tokens += reply.tokens
            self.decoded += self._decodes(reply.bar, request.meter)
            return reply.bar
        except LiveEngineError:
            return Bar(request.meter, ())

    def _decodes(self, bar: Bar, meter: Meter) -> bool:
        """Tell whether a bar is of the meter asked for and survives tokens and a score, note for note."""
        ids = vocabulary.bar_to_ids(bar)
        score = self._tokenizer.decode(ids)
        notes = sum(len(track.notes) for track in score.tracks)
        return bar.meter == meter and notes == len(bar.hits)
