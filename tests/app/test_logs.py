"""Logging: levels, plain lines and JSON, and what is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from liveengine.app.logs import set_up_logging
from liveengine.errors import ConfigError


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    logger = logging.getLogger("liveengine")
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def test_each_line_is_json_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", as_json=True)
    log = logging.getLogger("liveengine.somewhere")
    log.debug("not this")
    log.info("bar %d", 3)
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("failed")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("info", "liveengine.somewhere", "bar 3")
    assert first["time"].endswith("+00:00")
    assert "ValueError: no" in second["traceback"]


def test_plain_lines_begin_at_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning")
    logging.getLogger("liveengine.x").info("quiet")
    logging.getLogger("liveengine.x").warning("loud")
    assert capsys.readouterr().err.endswith("WARNING liveengine.x: loud\n")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of debug, info, warning, error; got 'chatty'"):
        set_up_logging("chatty")
