"""The drum transformer for training and as the reference: GPT-NeoX from `transformers`, drum embeddings.

Each token's input is its own embedding, plus that of the step it stands on, plus the projected controls
of its bar. A Hit's embedding is a sum over voice, velocity and micro-timing, shared with the output, so
that rare hits learn from their neighbours. Positions are rotary, attention sees a sliding window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import GPTNeoXConfig, GPTNeoXModel

from liveengine.music.beats import MAX_STEPS, TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT
from liveengine.tokens import vocabulary

BAR_STEP = MAX_STEPS
"""Row of the step embedding that Bar tokens use: they stand before any step."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Size of the network. `window` is how many tokens, itself included, each token sees."""

    layers: int
    width: int
    heads: int
    window: int
    condition_size: int
    feed_forward: int = 0
    dropout: float = 0.1

    @property
    def feed_forward_width(self) -> int:
        """Width of the hidden feed-forward layer; four times the width unless set."""
        return self.feed_forward or 4 * self.width

    def backbone(self) -> GPTNeoXConfig:
        """Return the `transformers` configuration: parallel attention and feed-forward, full rotary."""
        return GPTNeoXConfig(
            vocab_size=vocabulary.VOCABULARY_SIZE,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.feed_forward_width,
            rotary_pct=1.0,
            rotary_emb_base=10_000,
            hidden_dropout=self.dropout,
            attention_dropout=0.0,
            use_parallel_residual=True,
            max_position_embeddings=8192,
            use_cache=False,
            tie_word_embeddings=True,
        )


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


class DrumModel(nn.Module):
    """Next-token model of drum bars. Training and reference only; `decoder.py` plays."""

    def __init__(self, config: ModelConfig) -> None:
        """Create an untrained model."""
        super().__init__()
        self.config = config
        self.tokens = DrumEmbedding(config.width)
        self.steps = nn.Embedding(MAX_STEPS + 1, config.width)
        self.controls = nn.Linear(config.condition_size, config.width, bias=False)
        nn.init.normal_(self.steps.weight, std=0.02)
        nn.init.normal_(self.controls.weight, std=0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.backbone = GPTNeoXModel(config.backbone())
        del self.backbone.embed_in

    def forward(self, ids: Tensor, steps: Tensor, controls: Tensor) -> Tensor:
        """Return next-token logits, shape (batch, time, vocabulary).

        `ids` and `steps` are (batch, time) integers: tokens, and the step each stands on (BAR_STEP for
        Bar tokens). `controls` is (batch, time, condition_size), the feature vector of each token's bar.
        Padding at the end needs no mask: nothing looks ahead.
        """
        table = self.tokens()
        inputs = table[ids] + self.steps(steps) + self.controls(controls)
        hidden = self.backbone(
            inputs_embeds=self.dropout(inputs),
            attention_mask=self.window_mask(ids.shape[1], inputs.dtype, ids.device),
        ).last_hidden_state
        logits: Tensor = hidden @ table.T
        return logits

    def window_mask(self, time: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return the additive mask of the sliding window, shape (1, 1, time, time)."""
        places = torch.arange(time, device=device)
        distance = places[:, None] - places[None, :]
        seen = (distance >= 0) & (distance < self.config.window)
        mask = torch.zeros(time, time, dtype=dtype, device=device)
        return mask.masked_fill(~seen, torch.finfo(dtype).min)[None, None]


def steps_of(ids: Tensor) -> Tensor:
    """Return the step each token stands on, shape as `ids` (batch, time): that of the last Position token."""
    is_bar = (ids >= vocabulary.BAR_BASE) & (ids < vocabulary.POSITION_BASE)
    is_position = (ids >= vocabulary.POSITION_BASE) & (ids < vocabulary.HIT_BASE)
    places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    last_mark = torch.where(is_bar | is_position, places, 0).cummax(dim=1).values
    marks = ids.gather(1, last_mark)
    on_position = (marks >= vocabulary.POSITION_BASE) & (marks < vocabulary.HIT_BASE)
    return torch.where(on_position, marks - vocabulary.POSITION_BASE, BAR_STEP)
