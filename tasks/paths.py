"""Places that the user names, looked at without an exception for what the system refuses to say.

``pathlib`` raises where a folder on the way may not be read and where a name is too long; and for a home that is not
there.
"""

import errno
import os
from pathlib import Path

MAX_NAME_BYTES = 255  # of a name, and of a whole path with its end: what Linux and its usual file systems take
MAX_PATH_BYTES = 4096
RESERVED_BYTES = 1000  # for what is put into a folder of the user's: the folders of a sweep, a setting, a video, a file


def exists(path: Path) -> bool:
    """Whether anything lies there, as far as it can be seen."""
    return os.path.exists(path)  # noqa: PTH110  (see above)


def is_file(path: Path) -> bool:
    """Whether a regular file lies there, as far as it can be seen."""
    return os.path.isfile(path)  # noqa: PTH113  (see above)


def is_folder(path: Path) -> bool:
    """Whether a folder lies there, as far as it can be seen."""
    return os.path.isdir(path)  # noqa: PTH112  (see above)


def expand_home(text: str) -> Path:
    """The place with ``~`` as the home it means; as it is where there is none."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (see above)


def absolute_path(text: str) -> Path:
    """The same from the root on."""
    return expand_home(text).absolute()


def access_problem(path: Path) -> str:
    """Why nothing can be seen there, in the system's words; empty where it just is not there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def length_problem(folder: Path) -> str:
    """Why the path of a folder to be filled is too long for the system, as a clause; empty where it is not."""
    longest = max((os.fsencode(part) for part in folder.parts), key=len, default=b"")
    if len(longest) > MAX_NAME_BYTES:
        start = os.fsdecode(longest[:20])
        return f"the name {start}... has {len(longest)} bytes, and a name may have {MAX_NAME_BYTES}"
    path_bytes, room_bytes = len(os.fsencode(folder)), MAX_PATH_BYTES - RESERVED_BYTES
    if path_bytes > room_bytes:
        return f"the path has {path_bytes} bytes, and files in it have no room within {MAX_PATH_BYTES}"
    return ""


def is_disk_full(error: OSError) -> bool:
    """Whether the disk is full, or the user's share of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_problem(error: OSError) -> tuple[str, str]:
    """What hinders the system from writing, as a clause, and what cures it; "" where only another place does."""
    if is_disk_full(error):
        return "the disk is full", "free some space"
    if error.errno == errno.EFBIG:
        return "a file would be larger than is allowed", "raise the limit (ulimit -f)"
    if error.errno == errno.ENOENT:
        return "it is not there, and no folder can be made there", ""
    return error.strerror or str(error), "" if error.errno == errno.ENAMETOOLONG else "make it writable"
