"""What is done to kits while they are played: a stroke by hand, a kit that is new or another now."""

from __future__ import annotations

from liveengine.music.kit import KitMap
from liveengine.music.kit_book import KitBook
from liveengine.music.kit_commands import KitCommand, StrikePad
from liveengine.planning.events import Effect, TellPlayer
from liveengine.planning.intent_changes import IntentChanges
from liveengine.playback.messages import StrikeNow


def apply_kit_command(
    command: KitCommand, kit: KitMap, kits: KitBook, changes: IntentChanges, effects: list[Effect]
) -> None:
    """Strike `kit`, which is played, once; or put a kit into the book, and play on it where it is that one.

    What is planned is struck on the new kit from the next note on; what sounds ends on the notes of the old.
    """
    if isinstance(command, StrikePad):
        effects.append(TellPlayer(StrikeNow(command.on(kit))))
        return
    kits.put(command.kit)
    if command.kit.name == kit.name:
        changes.strike_anew()
