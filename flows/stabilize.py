"""The program: ``stillwalk video=walk.mp4`` or ``python -m flows.stabilize video=walk.mp4``.

Here is only what must come before all else is loaded: half a second in which Ctrl-C would be a page of traceback.
"""

from flows.cli import interrupt


def main() -> None:
    """Run the program and exit with its status: see ``flows.cli.command``."""
    interrupt.end_at_once()
    from flows.cli.command import obey

    obey()


if __name__ == "__main__":
    main()
