"""A request on its way, and where a new spec takes over."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.music.request import BarRequest
from liveengine.planning.bar_builder import BarSpec

OVERDUE_US = 2_000_000.0
"""A generator that takes longer hangs: it is asked again where the bar's spec has changed."""
URGENT_MS = 400.0
"""A bar of which there is nothing yet is made before older plans, this long before it is needed."""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where a new spec takes over: bars before `bar` are still made from the one `before`."""

    bar: int
    before: BarSpec


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request on its way, for the plan from `step` on; how long it may take, None before anything plays.

    It is `outdated` once its bar has another spec.
    """

    request: BarRequest
    spec: BarSpec
    step: int
    at_us: float
    allowed_ms: float | None
    outdated: bool = False
