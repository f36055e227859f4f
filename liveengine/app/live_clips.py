"""Live's clips and our files: patterns and captures into a track, clips as seeds and to learn from."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from liveengine.ableton.client import HOST, PORT, REPLY_PORT, LiveClient, LiveEvents
from liveengine.ableton.clip_files import clip_of_file, file_of_clip
from liveengine.ableton.clips import Clip, ClipPlace, LiveClips
from liveengine.engine.session import Session
from liveengine.errors import ConfigError, LiveEngineError, LiveSilentError, UnknownNameError
from liveengine.music.beats import Meter

PREFIX = "live:"
"""Begins what names a track or clip of Live where a file could stand."""
LOOK_S = 0.05
CLOSE_S = 5.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LiveAddress:
    """Where AbletonOSC listens, and the port that it answers to."""

    host: str = HOST
    port: int = PORT
    reply_port: int = REPLY_PORT


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A MIDI file of ours, and how many bars it has."""

    path: Path
    bars: int


def is_in_live(named: str) -> bool:
    """Tell whether something that is named is in Live, not a file."""
    return named.startswith(PREFIX)


def place_of(named: str) -> ClipPlace:
    """Return the clip that `live:TRACK/SLOT` names. Raises ConfigError for another form."""
    track, _, slot = named.removeprefix(PREFIX).rpartition("/")
    if not track.strip() or not slot.isdecimal():
        raise ConfigError(
            f"expected {PREFIX}TRACK/SLOT, such as {PREFIX}Drums/2 (slots count from 1); got {named!r}"
        )
    return ClipPlace(track, int(slot))


def put_into_live(files: Sequence[MadeFile], track: str, address: LiveAddress) -> list[ClipPlace]:
    """Write files as clips into a track's next free slots, the track made if there is none.

    Raises LiveSilentError without Live, LiveEngineError where a clip cannot be; the files are there anyway.
    """

    async def put(live: LiveClient) -> list[ClipPlace]:
        clips = LiveClips(live)
        return [await clips.write(track, clip_of(each)) for each in files]

    return asyncio.run(with_live(address, put))


def clip_of(file: MadeFile) -> Clip:
    """Return a file of ours as a clip of its name."""
    return clip_of_file(file.path.read_bytes(), file.path.stem, file.bars)


@contextlib.contextmanager
def as_file(named: str, address: LiveAddress) -> Iterator[Path]:
    """Yield a MIDI file of a clip, `live:TRACK/SLOT`, as long as the block lasts. Raises LiveEngineError."""
    place = place_of(named)

    async def read(live: LiveClient) -> tuple[list[Clip], Meter, float]:
        return [await LiveClips(live).read(place.track, place.slot)], *await _time(live)

    with _files_of(*asyncio.run(with_live(address, read))) as folder:
        yield next(folder.iterdir())


@contextlib.contextmanager
def as_folder(named: str, address: LiveAddress) -> Iterator[Path]:
    """Yield a folder with the clips of a track, `live:TRACK`, as files. Raises LiveEngineError."""
    track = named.removeprefix(PREFIX)

    async def read(live: LiveClient) -> tuple[list[Clip], Meter, float]:
        return await LiveClips(live).read_all(track), *await _time(live)

    clips, meter, bpm = asyncio.run(with_live(address, read))
    if not clips:
        raise UnknownNameError(f"track {track!r}: expected MIDI clips, it has none")
    with _files_of(clips, meter, bpm) as folder:
        yield folder


@contextlib.contextmanager
def _files_of(clips: Sequence[Clip], meter: Meter, bpm: float) -> Iterator[Path]:
    with TemporaryDirectory(prefix="liveengine-clips-") as folder:
        for number, clip in enumerate(clips, 1):
            name = re.sub(r"[^\w -]", "_", clip.name).strip() or "clip"
            path = Path(folder) / f"{number:03} {name[:60]}.mid"
            path.write_bytes(file_of_clip(clip, meter, bpm))
        yield Path(folder)


async def _time(live: LiveClient) -> tuple[Meter, float]:
    """Return the song's meter and tempo: AbletonOSC has none of a clip's own."""
    (upper,) = await live.query("/live/song/get/signature_numerator")
    (lower,) = await live.query("/live/song/get/signature_denominator")
    (bpm,) = await live.query("/live/song/get/tempo")
    return Meter(int(str(upper)), int(str(lower))), float(str(bpm))


async def with_live(address: LiveAddress, work: Callable[[LiveClient], Awaitable[Result]]) -> Result:
    """Do work with a client of a Live that answers. Raises LiveSilentError with the cure where none does."""
    notices: list[str] = []
    live = LiveClient(LiveEvents(notices.append))
    await live.open(address.host, address.port, address.reply_port)
    try:
        while live.answering is None:
            await asyncio.sleep(LOOK_S)
        if not live.answering:
            raise LiveSilentError(notices[-1])
        return await work(live)
    finally:
        await live.close()


class CapturesIntoLive:
    """Puts each capture of a session into a track of Live. Used by the event loop's thread.

    Nothing waits for it; what goes wrong is a notice, and the file is there anyway.
    """

    def __init__(self, session: Session, live: LiveClient, track: str) -> None:
        """Follow a session's captures from now on."""
        self._session, self._clips, self._track = session, LiveClips(live), track
        self._seen = session.record.captures[-1] if session.record.captures else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        session.watch(self._look)

    async def close(self) -> None:
        """Let what is under way end, and give up what does not within some seconds."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()

    def _look(self) -> None:
        captures = list(self._session.record.captures)
        fresh = captures[captures.index(self._seen) + 1 :] if self._seen in captures else captures
        if not fresh:
            return
        self._seen = captures[-1]
        for path, bars in fresh:
            task = asyncio.get_running_loop().create_task(self._put(MadeFile(path, bars)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _put(self, file: MadeFile) -> None:
        try:
            async with self._turn:  # one after the other, as they were kept
                clip = await asyncio.to_thread(clip_of, file)
                place = await self._clips.write(self._track, clip)
            notice = f"kept in Live: {place.track}, slot {place.slot}"
        except (LiveEngineError, OSError) as error:
            notice = f"not kept in Live: {error}"
        self._session.record.tell(self._session.timeline.now_us(), notice)
