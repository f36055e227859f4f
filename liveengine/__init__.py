"""liveengine: a live drummer that plays in an Ableton Link session.

`from liveengine import Drummer` is its face for programs; it is loaded with its first use, so that importing
the package stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["Drummer", "__version__"]


def __getattr__(name: str) -> Any:
    """Load what programs use (PEP 562)."""
    if name == "Drummer":
        return importlib.import_module("liveengine.app.drummer").Drummer
    raise AttributeError(f"module 'liveengine' has no attribute {name!r}")
