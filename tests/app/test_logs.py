"""Logging: levels, plain lines and JSON, and what is refused."""

from __future__ import annotations

import json
import logging

import pytest

from liveengine.app.logs import RepeatFilter, set_up_logging
from liveengine.errors import ConfigError


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


def test_a_message_that_comes_again_and_again_is_left_out_and_counted() -> None:
    now = [0.0]
    repeats = RepeatFilter(lambda: now[0])

    def passes(text: str, *values: object) -> str | None:
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, text, values, None)
        return record.getMessage() if repeats.filter(record) else None

    passed = [passes("no descriptor for %s", number) for number in range(1_000)]
    assert [each for each in passed if each] == [f"no descriptor for {number}" for number in range(5)]
    assert passes("something else") == "something else"
    now[0] = 11.0
    assert passes("no descriptor for %s", 7) == "no descriptor for 7 (995 more of these were left out)"
    assert passes("no descriptor for %s", 8) == "no descriptor for 8"
