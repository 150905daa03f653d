"""Errors that a user can cause or must know. Each carries one line: the thing, the fact, the cure.

StillwalkError
├── SettingError      a setting cannot be honoured; nothing was started (exit 2)
├── VideoError        this video cannot be read, or not as asked
├── NotShown          a finding about what the clip shows: another look would say the same
│   ├── NobodyFound   no person in the whole clip
│   └── AnchorNotSeen a person, but never the point of the body that is to be held still
├── ModelError        a model is missing, damaged, or cannot run on the device asked for
├── OutputError       a result cannot be written or did not survive its check
├── WorkerDied        the process of a stage was killed, and the one after it too
├── CacheBusy         a running command uses the cache that is to be made smaller
└── Interrupted       the user asked the program to stop
"""


class StillwalkError(Exception):
    """Root of everything that is reported as a sentence and never as a traceback."""


class SettingError(StillwalkError):
    """A setting that cannot be honoured, found before any work."""


class VideoError(StillwalkError):
    """A video that is missing, broken, or not a video."""


class NotFoundInClip(StillwalkError):
    """What a whole look at a clip has found missing in it. The cache keeps such a finding as it keeps a result."""

    key = ""  # of the entry of the cache that keeps it


class NobodyFound(NotFoundInClip):
    """A clip in which no frame shows a person."""


class AnchorNotSeen(NotFoundInClip):
    """A clip that shows a person, but never the point of the body that is to be held still."""


class ModelError(StillwalkError):
    """A model that is missing, damaged, or refused by the device."""


class OutputError(StillwalkError):
    """A result that could not be written whole."""


class WorkerDied(StillwalkError):
    """A stage whose process ended without an answer."""


class CacheBusy(StillwalkError):
    """Entries cannot be removed while a run may read them."""


class Interrupted(StillwalkError):
    """Work ended early because the user asked for it."""


def counted(number: int, noun: str) -> str:
    """A number with its noun for a message: ``1 frame``, ``2 frames``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
