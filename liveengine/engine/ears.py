"""The ears of a session: messages of the listening port become notes in bars, and bar by bar what is heard.

Nothing here reaches the timing path. What comes faster than can be taken in is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from liveengine.listening.listener import Listener
from liveengine.listening.notes import NoteReader
from liveengine.music.beats import STEPS_PER_BEAT, Meter
from liveengine.planning.bar_grid import BarGrid
from liveengine.planning.conductor import Conductor
from liveengine.planning.events import HeardOnset

INBOX_MOST = 2048
STEP_MOST = 48
"""Messages taken in at each step of the session, every 5 ms or sooner."""
BEFORE_MS = 100.0
"""How long before a bar must be with the player what was heard until then is acted on."""
AT_ONCE_US = 60_000.0
"""In the switch mode "instant" accents are answered this often at most."""
ACCENT_VELOCITY = 40
ONSETS_KEPT = 256
"""Notes of a bar that the trace keeps."""
STOP_STEPS = 4
"""A player who was silent for a beat where he played before has stopped."""


class Ears:
    """Hears the other players. `hear` may be called by any thread, the rest by the engine's."""

    def __init__(self, meter: Meter, latency_ms: float = 0.0) -> None:
        """Begin with silence; messages come `latency_ms` after they were played.

        `recent` holds the last notes that were heard, of `notes` in all; `shed` messages were left out.
        """
        self.latency_ms = latency_ms
        self.shed = 0
        self._meter = meter
        self._inbox: deque[tuple[Sequence[int], float]] = deque()
        self.notes = 0
        self.recent: deque[HeardOnset] = deque(maxlen=ONSETS_KEPT)
        self._notices: deque[str] = deque()
        self._reader = NoteReader()
        self._listener = Listener(meter)
        self._onsets: list[HeardOnset] = []
        self._acted_on = -1
        self._stop_answered = -1
        self._heard_accent = False
        self._answered_us = 0.0
        self._laid: float | None = None

    def notice(self, text: str) -> None:
        """Take a sentence for the player. Any thread."""
        self._notices.append(text)

    def notices(self) -> list[str]:
        """Return, once each, sentences on what became of the listening port."""
        texts = []
        while self._notices:
            texts.append(self._notices.popleft())
        return texts

    @property
    def malformed(self) -> int:
        """How many messages were no MIDI."""
        return self._reader.malformed

    def hear(self, message: Sequence[int], at_us: float) -> None:
        """Take a message that came at a moment of the session's clock. Any thread."""
        if len(self._inbox) >= INBOX_MOST:
            self.shed += 1
            return
        self._inbox.append((message, at_us))

    def step(self, conductor: Conductor, now_us: float) -> None:
        """Take in what has come, and let the conductor know what is heard, where it is time."""
        if not conductor.sounding:
            self._inbox.clear()
            return
        grid, current = conductor.grid, conductor.horizon.current
        self._follow_grid(grid, current)
        for _ in range(min(STEP_MOST, len(self._inbox))):
            self._take(*self._inbox.popleft(), grid)
        beats = grid.beat_map.beat_at(now_us) - grid.start_beat(current)
        until = max(0, min(self._meter.steps, int(beats * STEPS_PER_BEAT + 0.5)))
        soon_us = grid.time_of(current + 1) - conductor.plan.lead_us() - BEFORE_MS * 1e3
        if now_us >= soon_us and self._acted_on < current:
            self._acted_on = current
            self._tell(conductor, current, until, now_us)
        elif self._heard_accent and conductor.controls.switch == "instant":
            if now_us >= self._answered_us + AT_ONCE_US:
                self._answered_us, self._heard_accent = now_us, False
                self._tell(conductor, current, until, now_us, at_once=True)
        elif self._stop_answered < current and self._listener.stopped(current, until, STOP_STEPS):
            self._stop_answered = current
            conductor.hearing.stopped(now_us)

    def _follow_grid(self, grid: BarGrid, current: int) -> None:
        """Forget what was heard in bars that lie elsewhere now, or in another meter."""
        meter = grid.meter_at(current)
        laid = grid.start_beat(current) - current * meter.beats
        if self._laid is not None and (abs(laid - self._laid) > 1e-6 or meter != self._meter):
            self._meter, self._listener = meter, Listener(meter)
            self._onsets.clear()
        self._laid = laid

    def _take(self, message: Sequence[int], at_us: float, grid: BarGrid) -> None:
        note = self._reader.read(message)
        if note is None:
            return
        assert self._laid is not None
        beats = grid.beat_map.beat_at(at_us - self.latency_ms * 1e3) - self._laid
        bar, step = self._listener.take(note, beats)
        if bar < 0:
            return
        self._heard_accent |= note.velocity >= ACCENT_VELOCITY
        onset = HeardOnset(round(beats, 4), bar, step, note)
        self.notes += 1
        self.recent.append(onset)
        if len(self._onsets) < ONSETS_KEPT:
            self._onsets.append(onset)

    def _tell(
        self, conductor: Conductor, current: int, until: int, now_us: float, *, at_once: bool = False
    ) -> None:
        if self._listener.is_silent:
            return
        us_per_step = conductor.grid.beat_map.us_per_beat / STEPS_PER_BEAT
        heard = self._listener.heard(current, until, us_per_step)
        onsets, self._onsets = tuple(self._onsets), []
        conductor.hearing.hear(heard, self._listener.accents, onsets, now_us, at_once=at_once)
