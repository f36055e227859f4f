"""The REST interface: patterns are asked for, watched and fetched."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import ASGIApp

import liveengine
from liveengine.errors import (
    BusyError,
    CheckpointError,
    ConfigError,
    ContractError,
    StoreError,
    UnknownNameError,
)
from liveengine.httpserver.documentation import answer_example, described_app
from liveengine.httpserver.problems import Problem, problem, tell_problems
from liveengine.httpserver.security import CALLER, BodyLimit
from liveengine.patterns.renderer import PatternRenderer
from liveengine.service.health import Check
from liveengine.service.schema import Accepted, Generate, Health, Status, StyleInfo, status_of
from liveengine.service.store import ID_LENGTH, Job, Store, id_for, new_id

PREFIX = "/api/v1"
MOST_BODY = 16_384
"""Bytes of a request; the largest that makes sense is a tenth of it."""
RETRY_AFTER_S = 5
"""Where nothing better is known, as of a store that does not answer."""

Id = Annotated[str, Path(pattern=f"^[0-9a-f]{{{ID_LENGTH}}}$", description="As the service has given it.")]


class JobQueue(Protocol):
    """Hands jobs to workers. Any thread."""

    kind: str

    def admit(self, bars: int) -> None:
        """Raise BusyError, with when to come again, where so many bars cannot be taken on now."""
        ...

    def put(self, job: Job) -> None:
        """Hand over a job, unless that was done."""
        ...

    def remind(self, job: Job) -> None:
        """Hand over a job that stands, whoever had it."""
        ...

    def fault(self) -> str:
        """Return what keeps jobs from being done, or nothing."""
        ...


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "model": Problem,
            "content": {"application/problem+json": {}},
            "description": DESCRIPTIONS[status],
        }
        for status in statuses
    }


_TASK, _FILE = "1f3a" * (ID_LENGTH // 4), "9c07" * (ID_LENGTH // 4)
MIDI_FILE = {"schema": {"type": "string", "format": "binary"}, "example": "MThd..."}
EXAMPLES: dict[str, Any] = {
    "/generate": {"task_id": _TASK, "status": "queued"},
    "/status/{task_id}": {
        **{"task_id": _TASK, "status": "done", "progress": 100, "file_id": _FILE},
        **{"reason": None, "seed": 7},
    },
    "/styles": [{"name": "j_dilla", "title": "J Dilla", "aliases": ["dilla"], "tempo": [80.0, 102.0]}],
    "/health": {"status": "ok", "version": liveengine.__version__, "queue": "celery", "detail": ""},
}
"""What each call answers, for instance."""

DESCRIPTIONS = {
    404: "There is nothing of that name.",
    409: "The request_id is that of another request.",
    413: "The body is too large.",
    422: "A value cannot be; the detail says which, and what was expected.",
    429: "Too many requests; Retry-After says when to come again.",
    503: "The queue or the store does not answer, or is full; Retry-After says when to come again.",
}


class PatternApi:
    """The calls; each runs on a thread of its own, but for those that must answer when all threads wait."""

    def __init__(self, studio: PatternRenderer, store: Store, jobs: JobQueue) -> None:
        """Serve what a studio can play."""
        self._studio, self._store, self._jobs = studio, store, jobs
        self._lock = threading.Lock()
        self._checks = (Check("the store", self._store_fault), Check("the queue", jobs.fault))

    def generate(self, asked: Generate, response: Response) -> Accepted:
        """Have a pattern made. The same `request_id` gives the same task, made once."""
        if asked.request_id is None:
            seed = random.SystemRandom().randrange(2**31) if asked.seed is None else asked.seed
            job = self._new(new_id(), self._checked(asked, seed))
        else:
            job = self._once(id_for(asked.request_id), asked)
        task_id = job.task_id
        response.headers["Location"] = f"{PREFIX}/status/{task_id}"
        return Accepted(task_id=task_id, status=job.status)

    def _once(self, task_id: str, asked: Generate) -> Job:
        """Return the job of a request id, whose seed is the id's where none is given."""
        seed = int(task_id[:7], 16) if asked.seed is None else asked.seed
        written = self._checked(asked, seed)
        with self._lock:
            known = self._store.job(task_id)
            if known is None:
                return self._new(task_id, written)
        if known.request != written:
            raise RequestIdTakenError(f"request_id: {asked.request_id!r} is that of another request")
        if not known.ended:
            self._jobs.remind(known)
        return known

    def _checked(self, asked: Generate, seed: int) -> dict[str, Any]:
        """Return a request as it is stored; an unknown style, kit or meter is refused now."""
        request = asked.pattern(seed)
        try:
            self._studio.pattern(request)
        except CheckpointError as error:
            playable = ", ".join(style.name for style in self._studio.repertoire.styles.styles)
            raise UnknownNameError(
                f"style {asked.producer_style!r} is not among those of this service: {playable}"
            ) from error
        return request.written()

    def _new(self, task_id: str, written: dict[str, Any]) -> Job:
        """Keep a job and hand it over, to be decoded by the weights that it was checked against."""
        asked = Job(task_id, written, checkpoint=self._studio.repertoire.checkpoint_sha256)
        self._jobs.admit(asked.bars)
        job = self._store.put_job(asked)
        self._jobs.put(job)
        return job

    def status(self, task_id: Id) -> Status:
        """Tell how far a pattern is."""
        job = self._store.job(task_id)
        if job is None:
            raise UnknownNameError(f"task {task_id}: expected one that was asked for, found none")
        if not job.ended:
            self._jobs.remind(job)
        return status_of(job)

    def download(self, file_id: Id) -> Response:
        """Fetch a pattern as a MIDI file."""
        content = self._store.file(file_id)
        if content is None:
            raise UnknownNameError(f"file {file_id}: expected one that was made, found none")
        return Response(
            content,
            media_type="audio/midi",
            headers={"Content-Disposition": f'attachment; filename="{file_id}.mid"'},
        )

    async def styles(self) -> list[StyleInfo]:
        """List the styles that can be asked for."""
        return [
            StyleInfo(name=style.name, title=style.title, aliases=list(style.aliases), tempo=style.tempo_bpm)
            for style in self._studio.repertoire.styles.styles
        ]

    async def health(self) -> Health:
        """Tell whether jobs are being done: the store is written to, and the workers are asked."""
        faults = await asyncio.gather(*(check.fault() for check in self._checks))
        return Health(
            status="degraded" if any(faults) else "ok",
            version=liveengine.__version__,
            queue=self._jobs.kind,
            detail="; ".join(filter(None, faults)),
        )

    def _store_fault(self) -> str:
        try:
            self._store.probe()
        except StoreError as error:
            return str(error)
        return ""


class RequestIdTakenError(ContractError):
    """A request id that was given to another request."""


def make_app(
    studio: PatternRenderer, store: Store, jobs: JobQueue, *, rate: str | None = None, keyed: bool = False
) -> ASGIApp:
    """Return the app.

    `rate` is how much one caller may ask, such as 600/minute; `keyed` callers are known by their keys.
    Raises ConfigError for a rate that is none.
    """
    app = described_app(PREFIX, "Drum patterns as MIDI files.")
    tell_problems(app)
    app.add_exception_handler(RequestIdTakenError, lambda _, error: problem(409, str(error)))
    app.add_exception_handler(StoreError, lambda _, error: _later(str(error)))
    app.add_exception_handler(BusyError, _busy)
    if rate is not None:
        _limit_rate(app, rate, keyed=keyed)
    api = PatternApi(studio, store, jobs)
    for method, path, call, status, problems in (
        ("POST", "/generate", api.generate, 202, (404, 409, 413, 422, 429, 503)),
        ("GET", "/status/{task_id}", api.status, 200, (404, 422, 429, 503)),
        ("GET", "/styles", api.styles, 200, (429,)),
        ("GET", "/health", api.health, 200, (429,)),
    ):
        app.add_api_route(
            PREFIX + path,
            call,
            methods=[method],
            status_code=status,
            responses={**answer_example(EXAMPLES[path], status), **_problems(*problems)},
        )
    app.add_api_route(
        f"{PREFIX}/download/{{file_id}}",
        api.download,
        methods=["GET"],
        response_class=Response,
        responses={
            200: {
                "content": {
                    "audio/midi": {"schema": {"type": "string", "format": "binary"}, "example": "MThd"}
                }
            },
            **_problems(404, 422, 429, 503),
        },
    )
    app.add_api_route("/", lambda: RedirectResponse(f"{PREFIX}/docs"), include_in_schema=False)
    return BodyLimit(app, MOST_BODY)


def _busy(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BusyError)
    return _later(str(error), error.retry_after_s)


def _later(detail: str, seconds: int = RETRY_AFTER_S) -> JSONResponse:
    response = problem(503, detail)
    response.headers["Retry-After"] = str(seconds)
    return response


def _limit_rate(app: FastAPI, rate: str, *, keyed: bool) -> None:
    """Let each caller, by key or address, ask so much."""
    try:
        limiter, most = MovingWindowRateLimiter(MemoryStorage()), parse(rate)
    except ValueError as error:
        raise ConfigError(f"--rate: expected one such as 600/minute, got {rate!r}") from error

    @app.middleware("http")
    async def limited(request: Request, call_next: Callable[[Request], Any]) -> Response:
        caller = str(request.scope.get(CALLER, "")) if keyed else ""
        caller = caller or (request.client.host if request.client else "")
        if not limiter.hit(most, caller):
            response = problem(429, f"expected at most {rate} of one caller")
            response.headers["Retry-After"] = str(most.get_expiry())
            return response
        answered: Response = await call_next(request)
        return answered
