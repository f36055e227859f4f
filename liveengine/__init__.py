"""liveengine: a live drummer that plays in an Ableton Link session."""

__version__ = "0.1.0"
