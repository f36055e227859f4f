"""Where a song played elsewhere lies over the session's beats: matched to the whole bar, and only where sure.

What another program says of its position is as old as the answer was on its way: it was true at some moment
between asking and hearing. Both programs' bar lines are the same ones, so that the song's beat is the
session's plus a number that leads from bar line to bar line; one answer leaves as many such numbers as there
are bar lines in its span. A single one is the position; several, where answers are slow, leave the known one.
"""

from __future__ import annotations

import math

TOLERANCE_BEATS = 0.2
"""How far two programs in one session may be apart: 100 ms at 120 bpm."""
AGREEING = 2
"""So many answers in a row that say the same move the position."""
STRAYING = 6
"""After so many answers in a row that no bar line fits, the song is not played in the session."""


class SongPosition:
    """The beats by which a song is ahead of the session. Used by the engine's thread.

    `offset_beats` is None until it is known.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.offset_beats: float | None = None
        self._candidate: float | None = None
        self._agreed = self._strayed = 0

    @property
    def strays(self) -> bool:
        """Whether the song's bar lines are not those of the session."""
        return self._strayed >= STRAYING

    def forget(self) -> None:
        """Know nothing any more: the song has stopped, or is another."""
        self.offset_beats = self._candidate = None
        self._agreed = self._strayed = 0

    def hear(
        self, song_beat: float, asked_beat: float, heard_beat: float, *, bar_beats: float, line_beat: float
    ) -> None:
        """Take an answer: the song's beat, and the session's beats when it was asked for and when it came.

        `line_beat` is any bar line of the session.
        """
        low = song_beat - heard_beat - TOLERANCE_BEATS
        high = song_beat - asked_beat + TOLERANCE_BEATS
        first = math.ceil((low + line_beat) / bar_beats)
        last = math.floor((high + line_beat) / bar_beats)
        fitting = [number * bar_beats - line_beat for number in range(first, last + 1)]
        if not fitting:
            self._strayed += 1
            if self.strays:
                self.offset_beats = self._candidate = None
            return
        self._strayed = 0
        if len(fitting) > 1:
            return
        (found,) = fitting
        same = self._candidate is not None and abs(found - self._candidate) < TOLERANCE_BEATS
        self._agreed = self._agreed + 1 if same else 1
        self._candidate = found
        if self._agreed >= AGREEING and found != self.offset_beats:
            self.offset_beats = found
