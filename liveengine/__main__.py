"""The way in: `python -m liveengine` and the `liveengine` command.

The engine's processes import this file again when they start, so it loads nothing by itself.
"""


def main() -> None:
    """Run the command line."""
    from liveengine.app.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
