"""What the REST interface takes and gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from liveengine.httpserver.values import NUMBER, PRINTABLE, TEXT, WHOLE, Switch, Whole
from liveengine.music.beats import METERS, TEMPO_MAX_BPM, TEMPO_MIN_BPM, Meter
from liveengine.music.style import SWING_MAX_PERCENT, SWING_MIN_PERCENT
from liveengine.patterns.request import MOST_BARS, PatternRequest
from liveengine.patterns.sections import SECTIONS
from liveengine.service.store import Job

MOST_JSON_SEED = 2**53 - 1
"""Larger whole numbers do not survive JSON in a browser."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=PRINTABLE), TEXT]
Quantile = Annotated[float, Field(ge=0, le=1), NUMBER]
Tempo = Annotated[float, Field(ge=TEMPO_MIN_BPM, le=TEMPO_MAX_BPM), NUMBER]
Swing = Annotated[float, Field(ge=SWING_MIN_PERCENT, le=SWING_MAX_PERCENT), NUMBER]
Bars = Annotated[int, Field(ge=1, le=MOST_BARS), WHOLE]
FillEvery = Annotated[int, Field(ge=0, le=MOST_BARS), WHOLE]
Seed = Annotated[int, Field(ge=0, le=MOST_JSON_SEED), WHOLE]
Part = Annotated[str, Field(max_length=16), TEXT]
RequestId = Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE), TEXT]
EXAMPLE: dict[str, JsonValue] = {
    "producer_style": "J Dilla",
    "bars": 4,
    "time_signature": [4, 4],
    "tempo": 95,
    "humanize": True,
    "pattern_type": "intro",
}


class Generate(BaseModel):
    """A drum pattern to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    producer_style: Name = Field(description="A style by any spelling; GET styles lists them.")
    bars: Bars = 4
    time_signature: tuple[Whole, Whole] = Field(
        (4, 4),
        description="[beats, unit], such as [7, 8].",
        json_schema_extra={"enum": [[meter.numerator, meter.denominator] for meter in METERS]},
    )
    tempo: Tempo | None = Field(
        None,
        description="In beats a minute; none is the style's own.",
    )
    humanize: Switch | Quantile = Field(True, description="True is the style's own, false is on the grid.")
    swing: Swing | None = Field(None, description="In percent.")
    density: Quantile | None = Field(None, description="Few notes to many.")
    energy: Quantile | None = Field(None, description="Soft to loud.")
    fill_every: FillEvery | None = Field(None, description="In bars; 0 for no fills.")
    pattern_type: Part | None = Field(
        None, description="Part of a song.", json_schema_extra={"enum": [*SECTIONS, None]}
    )
    kit: Name = Field("gm", description="Which notes strike the drums: gm, ableton, 808 ...")
    seed: Seed | None = Field(None, description="Repeats a pattern; none draws one, which status tells.")
    request_id: RequestId | None = Field(
        None,
        description="A name of the caller's: asked twice, it is made once.",
    )

    def pattern(self, seed: int) -> PatternRequest:
        """Return the request. Raises ContractError where it cannot be."""
        humanize = None if self.humanize is True else 0.0 if self.humanize is False else self.humanize
        return PatternRequest(
            style=self.producer_style,
            bars=self.bars,
            meter=Meter(*self.time_signature),
            bpm=self.tempo,
            seed=seed,
            density=self.density,
            energy=self.energy,
            fill_every=self.fill_every,
            humanize=humanize,
            swing_percent=self.swing,
            kit=self.kit,
            section=self.pattern_type,
        )


class Accepted(BaseModel):
    """That a pattern will be made."""

    task_id: str = Field(description="Names it in GET status/{task_id}.")
    status: Literal["queued", "running", "done", "failed"]


class Status(BaseModel):
    """How far a pattern is."""

    task_id: str
    status: Literal["queued", "running", "done", "failed"]
    progress: int = Field(ge=0, le=100, description="In percent.")
    file_id: str | None = Field(None, description="Names the file in GET download/{file_id}, when done.")
    reason: str | None = Field(None, description="Why it failed.")
    seed: int | None = Field(None, description="What repeats it.")


class StyleInfo(BaseModel):
    """A style that can be asked for."""

    name: str
    title: str
    aliases: list[str]
    tempo: tuple[float, float] = Field(description="The range it lives in, beats a minute.")


class Health(BaseModel):
    """Whether the service works."""

    status: Literal["ok", "degraded"]
    version: str
    queue: str = Field(description="What hands jobs to workers.")
    detail: str = Field("", description="What is wrong, where anything is.")


def status_of(job: Job) -> Status:
    """Return a job's status as callers see it."""
    return Status(
        task_id=job.task_id,
        status=job.status,
        progress=round(job.progress * 100),
        file_id=job.file_id,
        reason=job.reason,
        seed=job.request.get("seed"),
    )
