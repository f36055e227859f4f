"""The description of an HTTP interface as a page, which needs no internet: all that it loads comes along."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

import liveengine


def described_app(prefix: str, description: str) -> FastAPI:
    """Return an app with its OpenAPI under `prefix`/openapi.json and a page of it under `prefix`/docs."""
    return FastAPIOffline(
        title="liveengine",
        version=liveengine.__version__,
        description=description,
        docs_url=f"{prefix}/docs",
        redoc_url=None,
        openapi_url=f"{prefix}/openapi.json",
        static_url=f"{prefix}/docs-files",
        swagger_ui_oauth2_redirect_url=f"{prefix}/docs/oauth2-redirect",
    )


def answer_example(example: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return what adds an example to the answer of a call, for `responses` of a route."""
    return {status: {"content": {"application/json": {"example": example}}}}
