"""The program: ``stillwalk video=walk.mp4`` or ``python -m flows.stabilize video=walk.mp4``.

Only the signal handler is loaded before the rest, which takes half a second in which Ctrl-C would print a traceback.
"""

from flows.cli import interrupt


def main() -> None:
    """Run the program and exit with its status: see ``flows.cli.command``."""
    interrupt.exit_on_signal()
    from flows.cli.command import run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
