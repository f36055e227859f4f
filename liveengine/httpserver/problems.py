"""Errors of an HTTP service, all as problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from liveengine.errors import ContractError, LiveEngineError, UnknownNameError

PROBLEM_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong, for people and programs."""

    type: str = Field("about:blank", description="The kind of problem; about:blank is the status itself.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was expected, what came, and where.")


def problem(status: int, detail: str) -> JSONResponse:
    """Return a response with a problem."""
    found = Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(found.model_dump(), status, media_type=PROBLEM_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Let an app answer every error with problem details."""

    def contract(_: Request, error: Exception) -> JSONResponse:
        return problem(_status_of(error), str(error))

    def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return problem(422, "; ".join(_sentence(each) for each in error.errors()))

    def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, str(error.detail))

    app.add_exception_handler(LiveEngineError, contract)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _status_of(error: Exception) -> int:
    if isinstance(error, UnknownNameError):
        return 404
    return 422 if isinstance(error, ContractError) else 500


def _sentence(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    got = repr(error.get("input"))
    return f"{where}: {error['msg']}, got {got if len(got) < 200 else f'{got[:200]}...'}"
