"""`liveengine maps`."""

from __future__ import annotations


def maps() -> None:
    """List the ready control maps, your own after the shipped: what `play --map` takes."""
    from rich.table import Table

    from liveengine.app.console import open_console
    from liveengine.config.control_maps import read_map_file, ready_map_paths
    from liveengine.errors import ConfigError

    table = Table("name", "for", "what it does", box=None)
    faults: list[str] = []
    for path in ready_map_paths():
        try:
            file = read_map_file(path)
            table.add_row(file.name, file.title, file.about)
        except ConfigError as error:
            faults.append(str(error))
    open_console().print(table, soft_wrap=False)
    for fault in faults:
        open_console(stderr=True).print(fault, style="yellow")
