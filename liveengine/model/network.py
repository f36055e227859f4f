"""The drum transformer for training and as the reference: GPT-NeoX from `transformers`, drum embeddings.

Each token's input is its own embedding, plus that of the step it stands on, plus the projected controls
of its bar. A Hit's embedding is a sum over voice, velocity and micro-timing, shared with the output, so
that rare hits learn from their neighbours. Positions are rotary, attention sees a sliding window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPTNeoXConfig, GPTNeoXModel

from liveengine.model.config import LAYER_NORM_EPSILON, ROTARY_BASE, ModelConfig
from liveengine.model.embedding import DrumEmbedding
from liveengine.music.beats import MAX_STEPS
from liveengine.tokens import vocabulary


def backbone_config(config: ModelConfig) -> GPTNeoXConfig:
    """Return the `transformers` configuration: parallel attention and feed-forward, full rotary."""
    return GPTNeoXConfig(
        vocab_size=vocabulary.VOCABULARY_SIZE,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward_width,
        rotary_pct=1.0,
        rotary_emb_base=ROTARY_BASE,
        layer_norm_eps=LAYER_NORM_EPSILON,
        hidden_dropout=config.dropout,
        attention_dropout=0.0,
        use_parallel_residual=True,
        max_position_embeddings=8192,
        use_cache=False,
        tie_word_embeddings=True,
    )


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
        self.backbone = GPTNeoXModel(backbone_config(config))
        del self.backbone.embed_in

    def forward(self, ids: Tensor, steps: Tensor, controls: Tensor) -> Tensor:
        """Return next-token logits, shape (batch, time, vocabulary).

        `ids` and `steps` are (batch, time) integers: tokens, and the step each stands on (BAR_STEP for
        Bar tokens). `controls` is (batch, time, condition_size), the feature vector of each token's bar.
        Padding at the end needs no mask: nothing looks ahead.
        """
        table = self.tokens()
        inputs = functional.embedding(ids, table) + self.steps(steps) + self.controls(controls)
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
