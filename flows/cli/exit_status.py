"""The exit status of the process, from what its runs came to: Hydra keeps no return values."""

import sys

from flows.config.error_lines import explain

REFUSED = 2
_statuses: list[int] = []


def note(status: int) -> None:
    """Remember what a run came to."""
    _statuses.append(status)


def refuse(error: BaseException) -> None:
    """Say in one line why nothing was started."""
    print(f"stillwalk: {explain(error)}", file=sys.stderr)
    note(REFUSED)


def worst() -> int:
    """0 when everything was done, else the greatest of all."""
    return max(_statuses, default=0)
