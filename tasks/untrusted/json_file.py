"""JSON files that somebody else may have written: read with a bound; whatever is wrong is a ``ValueError``.

A cache, a folder of results and a record may come from another person. What lies there is data: nothing in it decides
what code runs. A pipe or a device is not waited for. A file of any size or depth costs no more than the bound.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 64 << 20  # the longest that this program writes, the index of a large sweep, has a few MB


def read_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The JSON object in a file; ``ValueError`` for anything else, ``OSError`` where the file cannot be read."""
    found = read_value(path, most_bytes)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: holds a {type(found).__name__} where an object belongs")  # noqa: TRY004  (one error)
    return found


def read_value(path: Path, most_bytes: int = MOST_BYTES) -> Any:
    """The value in a JSON file, whatever it is; errors as of ``read_object``."""
    text = read_bytes(path, most_bytes)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{path}: is nested too deeply") from error


def read_problem(path: Path, error: OSError | ValueError) -> str:
    """What an error of reading this file says, as a clause without the path."""
    return getattr(error, "strerror", None) or str(error).removeprefix(f"{path}: ")


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file of bounded size; errors as of ``read_object``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # of a pipe, opening would wait for ever
    with os.fdopen(descriptor, "rb") as file:
        now = os.fstat(descriptor)
        if not stat.S_ISREG(now.st_mode):
            raise ValueError(f"{path}: is not a regular file")
        content = file.read(min(now.st_size, most_bytes) + 1)  # memory for so many bytes is taken before they are read
    if len(content) > most_bytes:
        raise ValueError(f"{path}: has more than {most_bytes} bytes")
    return content
