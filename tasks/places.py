"""Places that the user names, looked at without an exception for what the system refuses to say.

``pathlib`` raises where a folder on the way may not be read and where a name is too long; and for a home that is not
there.
"""

import os
from pathlib import Path


def exists(path: Path) -> bool:
    """Whether anything lies there, as far as it can be seen."""
    return os.path.exists(path)  # noqa: PTH110  (see above)


def is_file(path: Path) -> bool:
    """Whether a regular file lies there, as far as it can be seen."""
    return os.path.isfile(path)  # noqa: PTH113  (see above)


def is_folder(path: Path) -> bool:
    """Whether a folder lies there, as far as it can be seen."""
    return os.path.isdir(path)  # noqa: PTH112  (see above)


def expanded(text: str) -> Path:
    """The place with ``~`` as the home it means; as it is where there is none."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (see above)


def whole(text: str) -> Path:
    """The same from the root on."""
    return expanded(text).absolute()


def why_closed(path: Path) -> str:
    """Why nothing can be seen there, in the system's words; empty where it just is not there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""
