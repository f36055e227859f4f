"""Playing as the options say, live or in virtual time."""

from __future__ import annotations

import asyncio

from rich.console import Console

from liveengine.app.live import play_live
from liveengine.app.loading import PlayOptions, load_session
from liveengine.app.virtual import play_virtual


def play(options: PlayOptions, console: Console) -> None:
    """Play until stopped. Raises LiveEngineError where that cannot be."""
    loaded = load_session(options)
    for note in loaded.notes:
        console.print(note, style="yellow")
    if options.clock == "virtual":
        play_virtual(loaded, console)
    else:
        asyncio.run(play_live(loaded, console))
