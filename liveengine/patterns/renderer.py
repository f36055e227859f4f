"""The studio: patterns in the styles, kits and weights that there are, made without a stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from liveengine.config import settings
from liveengine.config.kits import load_kit
from liveengine.config.style_library import load_repertoire
from liveengine.generation.generator import BarGenerator
from liveengine.generation.worker import choose_device
from liveengine.music.kit import KitMap
from liveengine.music.style import spelling
from liveengine.patterns.batch_decoder import LANES, decode_together
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.request import PatternRequest


@dataclass
class PatternRenderer:
    """Makes patterns with one checkpoint on one device. Any thread may begin one; one thread makes them.

    The model is loaded when it is first needed; `lanes` patterns are decoded together.
    """

    checkpoint: Path | None = None
    device: str = "auto"
    lanes: int = LANES

    _kits: dict[str, KitMap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what the checkpoint can play. Raises CheckpointError, ConfigError where it cannot be used."""
        self.repertoire = load_repertoire(self.checkpoint or settings.default_checkpoint())
        self.device = choose_device(self.device)

    def keep_kit(self, name: str, kit: KitMap) -> None:
        """Let requests name a kit that is in no folder of kits."""
        self._kits[spelling(name)] = kit

    @cached_property
    def generator(self) -> BarGenerator:
        """The model, loaded. Raises CheckpointError."""
        found = self.repertoire
        return BarGenerator(found.checkpoint, self.device, found.packs, lanes=self.lanes)

    def pattern(self, request: PatternRequest, checkpoint_sha256: str = "", device: str = "") -> Pattern:
        """Return a pattern that is to be made, here or where it says: by those weights, on that device.

        Raises UnknownNameError for a style or kit that there is not.
        """
        style = self.repertoire.find(request.style)
        known = spelling(request.kit)
        if known not in self._kits:  # reading one takes longer than a bar
            self._kits[known] = load_kit(request.kit)
        kit = self._kits[known]
        checkpoint_sha256 = checkpoint_sha256 or self.repertoire.checkpoint_sha256
        return Pattern(request, style, kit, checkpoint_sha256, device or self.device)

    def make(self, requests: Iterable[PatternRequest]) -> Iterator[Pattern]:
        """Yield the patterns of requests as they come to be whole.

        Raises as `pattern` does, and GenerationError where a bar cannot be made.
        """
        return decode_together(self.generator, (self.pattern(request) for request in requests))
