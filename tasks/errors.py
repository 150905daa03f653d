"""Errors that a user can cause or needs to know. Each carries one line: the thing, the fact, the cure.

StillwalkError
├── SettingError       a setting is invalid; nothing was started (exit status 2)
├── VideoError         a video cannot be read, or not in the requested way
│   └── TableNotConfirmed  decoding gives other frames than its packets tell
├── NotFoundInClip     the clip does not show something; a second look would find the same
│   ├── NobodyFound    no person in the whole clip
│   ├── ChoiceNotFound a person, but not the one that a setting names
│   └── AnchorNotSeen  a person, but never the point of the body to lock
├── ModelError         a model is missing, damaged, or cannot run on the requested device
├── OutputError        a result cannot be written, or failed its check
│   └── UnreadableFile a stored result is missing, damaged, or not what this program writes
├── WorkerDied         a stage's process was killed, and so was the second attempt
├── ClusterError       a worker of a cluster does not suit, or the cluster is gone
├── CacheBusy          a running command uses the cache that should be pruned
└── Interrupted        the user stopped the program
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

# What the system's loader and OpenCV say where an allocation fails.
NO_MEMORY: Final = ("failed to map segment from shared object", "Insufficient memory")
NO_THREAD: Final = "can't start new thread"  # of Python's RuntimeError
BYTES_PER_UNIT: Final = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3}  # the largest first


class StillwalkError(Exception):
    """Root of all errors that are reported as one sentence, never as a traceback."""


class SettingError(StillwalkError):
    """An invalid setting, found before any work."""


class VideoError(StillwalkError):
    """A video that is missing, damaged, or not a video."""


class TableNotConfirmed(VideoError):
    """Decoding a video gives other frames than its table says, which was made from its packets."""


class NotFoundInClip(StillwalkError):
    """Something that the whole clip does not show. The cache keeps this finding like a result."""

    key = ""  # of the cache entry that keeps it


class NobodyFound(NotFoundInClip):
    """No frame of the clip shows a person."""


class ChoiceNotFound(NotFoundInClip):
    """The clip does not show the person, the place or the frame that a setting or a correction names."""


class AnchorNotSeen(NotFoundInClip):
    """The clip shows a person, but never the point of the body to lock."""


class ModelError(StillwalkError):
    """A model that is missing, damaged, or refused by the device."""


class OutputError(StillwalkError):
    """A result that could not be written completely."""


class UnreadableFile(OutputError):
    """A stored result that cannot be read: its ``path``, and why as a clause."""

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(str(path), why)  # these alone pass to another process, which may tell them in other words

    @property
    def path(self) -> Path:
        return Path(self.args[0])

    @property
    def why(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return f"{self.path}: cannot be read ({self.why}); delete it and run again"

    @classmethod
    def of(cls, path: Path, cause: Exception) -> Self:
        """The error for a file whose reading raised ``cause``."""
        return cls(path, str(getattr(cause, "strerror", None) or cause).partition("\n")[0])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """``OutputError`` where the block cannot write the file ``path``: for each ``OSError`` in it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); free space there") from error


class WorkerDied(StillwalkError):
    """A stage's process ended without an answer."""


class ClusterError(StillwalkError):
    """A worker that has another version or does not see the files, or a cluster that is gone."""


class CacheBusy(StillwalkError):
    """Entries cannot be removed while a run may read them."""


class Interrupted(StillwalkError):
    """The user stopped the program."""


def plain_reason(error: BaseException) -> str:
    """The line for an error that nobody foresaw, and its cure: the machine lacks something, or the program is wrong."""
    number = getattr(error, "errno", None)
    if isinstance(error, MemoryError) or number == errno.ENOMEM or any(text in str(error) for text in NO_MEMORY):
        return "memory ran out; end other programs, give workers=1, or raise the limit (ulimit -v)"
    if type(error) is BlockingIOError or str(error) == NO_THREAD:  # FFmpeg's error of this kind is a subclass
        return "no more threads or processes may be started; raise the limit (ulimit -u), or end other programs"
    if number in (errno.EMFILE, errno.ENFILE):
        return "no more files may be opened; raise the limit (ulimit -n)"
    fact = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {fact}; this is a fault of the program: please report it with the command"


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Names for a message, of which it shows ``most``: ``a, b, c and 2 more``."""
    shown, rest = ", ".join(names[:most]), len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun, for a message: ``1 frame``, ``2 frames``; ``plural`` where it is not noun + s."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def size_text(size_bytes: int) -> str:
    """The size of a file, or of several: ``3.2 GB``, ``812 bytes``."""
    for unit, scale in BYTES_PER_UNIT.items():
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f} {unit}"
    return counted(size_bytes, "byte")
