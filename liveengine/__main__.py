"""Runs the command line as `python -m liveengine`."""

from liveengine.cli import main

if __name__ == "__main__":
    main()
