"""The engine's side of the generator process: a bar source that starts it, asks it, and revives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from liveengine.errors import GenerationError
from liveengine.generation import worker
from liveengine.music.request import BarReply, BarRequest, LostRequest
from liveengine.processes.child import ChildProcess

MAX_ATTEMPTS = 2
"""So often a bar that fails is tried; then the fallback plays in its place."""
QUIET_S = 0.7
"""A generator that has not gone round for so long is reported; it waits for requests .25 s."""


class ProcessBarSource:
    """A generator in a process of its own. Used by the engine's thread; nothing here waits.

    A process that dies or hangs is replaced; its in-flight request is reported as lost once the new one is
    ready. A bar that fails again and again is given up: the fallback plays in its place. A model that cannot
    be loaded is raised at the start; later it is tried again, as a file may be on its way.
    """

    def __init__(
        self,
        checkpoint: Path,
        device: str,
        started: Callable[[int], None] = lambda _: None,
        packs: Sequence[Path] = (),
    ) -> None:
        """Start the process; `started` is called with the process id of each one started.

        `packs` are files with styles learned for the checkpoint.
        """
        arguments = (str(checkpoint), device, tuple(str(pack) for pack in packs))
        self._child = ChildProcess("liveengine-generator", worker.run, arguments, started=started)
        self._request: BarRequest | None = None
        self._unsent: BarRequest | None = None
        self._lost: LostRequest | None = None
        self._rehearsing: frozenset[int] = frozenset()
        self._ready = False
        self._attempts = 0
        self._notices: list[str] = []
        self._unloaded = ""
        self.device = ""
        self.failed_bars = 0

    @property
    def restarts(self) -> int:
        """How often the process was replaced."""
        return self._child.restarts

    def ready(self) -> bool:
        """Return whether the model is loaded. Raises GenerationError where at first it cannot be."""
        if not self._ready:
            self._read()
        return self._ready

    def request(self, request: BarRequest) -> None:
        """Ask for a bar; a request still unanswered is forgotten."""
        self._request, self._attempts = request, 1
        if self._ready:
            self._put(request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Let bars be made in idle time; where the next request comes first they are not."""
        if self._ready and self._request is None and self._child.send(worker.Rehearsal(tuple(requests))):
            self._rehearsing = frozenset(request.serial for request in requests)

    def _put(self, request: BarRequest) -> None:
        """Send a request, or keep it until there is room in the pipe."""
        self._unsent = None if self._child.send(request) else request

    def poll(self) -> BarReply | None:
        """Return the answer to the last request once it is there, or a bar that was rehearsed.

        Raises GenerationError where the model cannot be loaded at first.
        """
        answer = self._read()
        if isinstance(answer, BarReply) and self._request and answer.serial == self._request.serial:
            self._request = None
            return answer
        return answer if answer is not None and answer.serial in self._rehearsing else None

    def lost(self) -> LostRequest | None:
        """Return, once, a request that a process took along, when the next one is ready, or that fails."""
        lost, self._lost = self._lost, None
        return lost

    def notices(self) -> list[str]:
        """Return, once each, what went wrong and what was done about it."""
        notices, self._notices = self._notices, []
        return notices

    def trouble(self) -> str:
        """Return why no bars can come at present, empty where all is well."""
        if self._child.gone or (self.restarts and not self._ready):
            return "the generator is started again: the fallback plays what it has not made"
        if self._child.quiet_s > QUIET_S:
            return "the generator does not answer: the fallback plays what it has not made"
        return ""

    def _read(self) -> BarReply | None:
        self._child.watch()
        answer: worker.Answer | None = self._child.receive()
        fault = self._child.take_fault()
        if fault is not None:
            self._ready, self._unsent = False, None
            self._notices.append(f"the generator is started again: {self._unloaded or fault}")
            self._unloaded = ""
        if self._child.gone:
            return None
        if self._unsent is not None and self._ready:
            self._put(self._unsent)
        if isinstance(answer, worker.Ready):
            self.device = answer.device
            self._begin()
        elif isinstance(answer, worker.Moved):
            self._notices.append(f"the GPU failed: the model runs on the {answer.device.upper()} from now on")
            self.device = answer.device
        elif isinstance(answer, worker.Failed):
            self._fail(answer)
        else:
            return answer
        return None

    def _begin(self) -> None:
        """Go on with a process that is ready: send what waits for the first, report what one took along."""
        self._ready = True
        if self._request is not None and self.restarts:
            self._lost, self._request = LostRequest(self._request.serial), None
        elif self._request is not None:
            self._put(self._request)

    def _fail(self, failed: worker.Failed) -> None:
        """Try a bar again, or report that it cannot be made."""
        if failed.fatal:
            if not self.device:
                raise GenerationError(failed.message)
            self._unloaded = failed.message  # its process ends, and the next one tries again
            return
        if self._request is None or failed.serial != self._request.serial:
            return
        if self._attempts < MAX_ATTEMPTS:
            self._attempts += 1
            self._put(self._request)
            return
        self.failed_bars += 1
        self._lost, self._request = LostRequest(self._request.serial, cannot_be_made=True), None
        self._notices.append(f"a bar could not be made, the fallback plays: {failed.message}")

    def close(self) -> None:
        """End the process."""
        self._child.end()

    def fileno(self) -> int | None:
        """Return the pipe's descriptor; None where it is broken, and on Windows, which cannot wait on it."""
        return self._child.fileno()


class LocalBarSource:
    """A generator in this process, which answers at once: for rendering in virtual time."""

    def __init__(self, checkpoint: Path, device: str = "cpu", packs: Sequence[Path] = ()) -> None:
        """Load the checkpoint, and packs with styles learned for it."""
        from liveengine.generation.generator import BarGenerator

        self._generator = BarGenerator(checkpoint, worker.choose_device(device), packs)
        self._reply: BarReply | None = None

    def ready(self) -> bool:
        """Tell that the model is loaded."""
        return True

    def request(self, request: BarRequest) -> None:
        """Make the bar now."""
        self._reply = self._generator.generate(request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Do nothing: nobody waits for a bar here, so none needs to be there before it is asked for."""

    def poll(self) -> BarReply | None:
        """Return the bar once."""
        reply, self._reply = self._reply, None
        return reply

    def lost(self) -> LostRequest | None:
        """Nothing is lost here."""
        return None

    def notices(self) -> list[str]:
        """Nothing goes wrong unseen here: errors are raised."""
        return []

    def trouble(self) -> str:
        """All is well: errors are raised."""
        return ""

    def fileno(self) -> int | None:
        """Answers are there at once."""
        return None

    def close(self) -> None:
        """Forget the last bar."""
        self._reply = None
