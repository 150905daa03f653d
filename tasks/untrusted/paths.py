"""Checks of paths that the user names. A path that the system refuses to look at raises no exception.

``pathlib`` raises if a folder on the way may not be read, if a name is too long, and if there is no home folder.
"""

import errno
import os
from pathlib import Path
from typing import Final

MAX_NAME_BYTES = 255  # limits of Linux and its usual file systems
MAX_PATH_BYTES = 4096
NO_LOCKS_ERRORS: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
NOT_ALLOWED_ERRORS: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
RESERVED_BYTES = 1000  # for paths inside a folder: the folders of a sweep, a setting and a video, and a file


def exists(path: Path) -> bool:
    """Whether anything visible lies there."""
    return os.path.exists(path)  # noqa: PTH110  (see above)


def is_file(path: Path) -> bool:
    """Whether a visible regular file lies there."""
    return os.path.isfile(path)  # noqa: PTH113  (see above)


def is_folder(path: Path) -> bool:
    """Whether a visible folder lies there."""
    return os.path.isdir(path)  # noqa: PTH112  (see above)


def no_folder_reason(path: Path) -> str:
    """Why ``path`` is no folder and cannot become one, as a clause. Empty where it is one, or nothing lies there."""
    if is_folder(path) or not os.path.lexists(path):
        return ""
    return "is a file" if exists(path) else "is a link that leads nowhere"


def nearest_there(folder: Path) -> Path:
    """The folder, or the first of its parents where something lies."""
    return next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))


def expand_home(text: str) -> Path:
    """The path with ``~`` replaced by the home folder. Without a home folder it stays as it is."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (see above)


def absolute_path(text: str) -> Path:
    """The same as an absolute path without ``..``."""
    return without_dots(expand_home(text))


def without_dots(path: Path) -> Path:
    """The absolute path. One with ``..`` is resolved, since links decide what that means; others keep their links."""
    return resolved(path) if ".." in path.parts else path.absolute()


def resolved(path: Path) -> Path:
    """The absolute path without links; a link that leads to itself stays, where ``pathlib`` raises an error."""
    return Path(os.path.realpath(path))


def access_problem(path: Path) -> str:
    """Why the system does not let us look there, in its own words. Empty if nothing hinders, or if nothing is there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def encoding_problem(path: str) -> str:
    """Why no page can show a path: its bytes are not UTF-8, as a clause that names it. Empty if they are."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"the name {os.fsencode(path).decode(errors='backslashreplace')} is not in UTF-8"
    return ""


def length_problem(folder: Path) -> str:
    """Why the path of a folder is too long for files in it, as a clause. Empty if it is not."""
    longest = max((os.fsencode(part) for part in folder.parts), key=len, default=b"")
    if len(longest) > MAX_NAME_BYTES:
        start = os.fsdecode(longest[:20])
        return f"the name {start}... has {len(longest)} bytes, and a name may have {MAX_NAME_BYTES}"
    path_bytes, room_bytes = len(os.fsencode(folder)), MAX_PATH_BYTES - RESERVED_BYTES
    if path_bytes > room_bytes:
        return f"the path has {path_bytes} bytes, and files in it have no room within {MAX_PATH_BYTES}"
    return ""


def is_disk_full(error: OSError) -> bool:
    """Whether the disk, or the user's quota on it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_out_of_room(error: OSError) -> bool:
    """Whether what is written finds no room: the disk is full, or the file would be larger than is allowed."""
    return is_disk_full(error) or error.errno == errno.EFBIG


def write_problem(error: OSError, folder: Path | None = None) -> tuple[str, str]:
    """Why the system cannot write into ``folder``, as a clause, and the cure; empty where only another folder helps."""
    if folder and (fact := no_folder_reason(nearest := nearest_there(folder))):
        return f"{nearest} {fact}, not a folder", "move it"
    if is_disk_full(error):
        return "the disk is full", "free some space"
    if error.errno == errno.EFBIG:
        return "a file would be larger than is allowed", "raise the limit (ulimit -f)"
    if error.errno in NO_LOCKS_ERRORS:
        return "its disk has no file locks", ""
    if error.errno == errno.ENOENT:
        return "it is not there, and no folder can be made there", ""
    return error.strerror or str(error), "make it writable" if error.errno in NOT_ALLOWED_ERRORS else ""
