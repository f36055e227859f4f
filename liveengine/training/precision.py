"""The number format of the forward pass: bf16, fp16 with a gradient scaler, or fp32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from liveengine.errors import ConfigError

PRECISIONS = ("auto", "bf16", "fp16", "fp32")
BF16_CAPABILITY = (8, 0)
"""First compute capability of NVIDIA GPUs with bf16 (Ampere); torch emulates it, slowly, below."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A format ("bf16", "fp16" or "fp32") on a kind of device. Weights stay in fp32."""

    name: str
    device_type: str

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context that the forward pass runs in."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device_type, torch.bfloat16 if self.name == "bf16" else torch.float16)

    def scaler(self) -> torch.amp.GradScaler:
        """Return a gradient scaler: at work in fp16, whose small gradients would vanish, idle otherwise."""
        return torch.amp.GradScaler(self.device_type, enabled=self.name == "fp16")


def choose_precision(wanted: str, device: torch.device) -> Precision:
    """Return the format asked for; "auto" is bf16 on CPUs and on GPUs that have it, else fp16 on CUDA.

    Raises ConfigError for an unknown name, and for bf16 on a GPU without it.
    """
    if wanted not in PRECISIONS:
        raise ConfigError(f"precision: expected one of {', '.join(PRECISIONS)}, got {wanted!r}")
    has_bf16 = device.type == "cpu" or (
        device.type == "cuda" and torch.cuda.get_device_capability(device) >= BF16_CAPABILITY
    )
    if wanted == "auto":
        otherwise = "fp16" if device.type == "cuda" else "fp32"
        return Precision("bf16" if has_bf16 else otherwise, device.type)
    if wanted == "bf16" and not has_bf16:
        raise ConfigError(f"precision bf16: {device} has none; take fp16, fp32 or auto")
    return Precision(wanted, device.type)
