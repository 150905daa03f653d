"""Stillwalk from Python: ``from stillwalk import stabilize, load``.

Nothing is loaded before it is used: in an installed package every module of the program lies below this one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tasks.errors import OutputError, SettingError, StillwalkError, VideoError

if TYPE_CHECKING:
    from stillwalk.results import Frames, Masks, Pose, Results, Trajectory, load
    from stillwalk.runs import stabilize

__all__ = [
    "Frames",
    "Masks",
    "OutputError",
    "Pose",
    "Results",
    "SettingError",
    "StillwalkError",
    "Trajectory",
    "VideoError",
    "load",
    "stabilize",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("stillwalk.runs" if name == "stabilize" else "stillwalk.results"), name)
