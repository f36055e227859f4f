"""`liveengine drummers`."""

from __future__ import annotations


def drummers() -> None:
    """List the drummers and how they play; `play --drummer` takes their names."""
    from rich.table import Table

    from liveengine.app.console import open_console
    from liveengine.config.drummers import load_drummers

    table = Table("name", "beside others in the same genres", box=None)
    for who in load_drummers().values():
        table.add_row(who.name, who.about)
    open_console().print(table, soft_wrap=False)
