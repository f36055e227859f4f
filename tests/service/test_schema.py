"""The OpenAPI description, put to the test with what it allows and what it forbids."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Err

from tests.service.conftest import Running


def test_nothing_that_the_description_allows_or_forbids_breaks_the_service(running: Running) -> None:
    running.start_api()
    running.wait_until_well()
    address = f"http://127.0.0.1:{running.port}"
    asked = 0
    for operation in schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json").get_all_operations():
        if isinstance(operation, Err):
            raise operation.err()
        check(operation.ok(), address)
        asked += 1
    assert asked == 5


def check(operation: Any, address: str) -> None:
    """Ask an operation for many things, right and wrong; each answer is as the description says."""

    @given(case=operation.as_strategy())
    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Any) -> None:
        response = case.call(base_url=address)
        assert response.status_code < 500, response.text
        case.validate_response(response)

    ask()
