"""Parts of the trained network: the token table made of factors, and the steps that tokens stand on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from liveengine.model.config import BAR_STEP
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT
from liveengine.tokens import vocabulary


class DrumEmbedding(nn.Module):
    """The token table, shape (vocabulary, width), built from factors; used at the input and the output."""

    voice_of: Tensor
    micro_of: Tensor
    velocity_of: Tensor

    def __init__(self, width: int) -> None:
        """Create the factors, normal with deviation 0.02."""
        super().__init__()
        hits = torch.arange(vocabulary.HIT_COUNT)
        timing = hits // vocabulary.VELOCITY_BINS
        self.register_buffer("velocity_of", hits % vocabulary.VELOCITY_BINS, persistent=False)
        self.register_buffer("micro_of", timing % TICKS_PER_STEP, persistent=False)
        self.register_buffer("voice_of", timing // TICKS_PER_STEP, persistent=False)

        def table(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, width) * 0.02)

        self.own = table(vocabulary.VOCABULARY_SIZE)
        self.voice = table(VOICE_COUNT)
        self.micro = table(TICKS_PER_STEP)
        self.velocity = table(vocabulary.VELOCITY_BINS)
        self.voice_micro = table(VOICE_COUNT, TICKS_PER_STEP)
        self.voice_velocity = table(VOICE_COUNT, vocabulary.VELOCITY_BINS)

    def forward(self) -> Tensor:
        """Return the whole table, shape (vocabulary, width)."""
        hits = (
            self.voice[self.voice_of]
            + self.micro[self.micro_of]
            + self.velocity[self.velocity_of]
            + self.voice_micro[self.voice_of, self.micro_of]
            + self.voice_velocity[self.voice_of, self.velocity_of]
        )
        base = vocabulary.HIT_BASE
        return torch.cat([self.own[:base], self.own[base:] + hits])


def steps_of(ids: Tensor) -> Tensor:
    """Return the step each token stands on, shape as `ids` (batch, time): that of the last Position token."""
    is_bar = (ids >= vocabulary.BAR_BASE) & (ids < vocabulary.POSITION_BASE)
    is_position = (ids >= vocabulary.POSITION_BASE) & (ids < vocabulary.HIT_BASE)
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    last_mark = torch.where(is_bar | is_position, places, 0).cummax(dim=1).values
    marks = ids.gather(1, last_mark)
    on_position = (marks >= vocabulary.POSITION_BASE) & (marks < vocabulary.HIT_BASE)
    return torch.where(on_position, marks - vocabulary.POSITION_BASE, BAR_STEP)
