"""The long part has the live tests' fixtures, and shows its figures as they do."""

from tests.live.conftest import (
    awake_cores,
    jack_server,
    lasting_hut,
    link_hut,
    listener,
    live_machine,
    open_hut,
    peer,
    pytest_terminal_summary,
    stall_probe,
    start_engine,
)

__all__ = [
    "awake_cores",
    "jack_server",
    "lasting_hut",
    "link_hut",
    "listener",
    "live_machine",
    "open_hut",
    "peer",
    "pytest_terminal_summary",
    "stall_probe",
    "start_engine",
]
