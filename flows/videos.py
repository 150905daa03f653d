"""From ``video=`` to the list of videos, each with its own name."""

import glob
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.results.atomic_files import PART
from tasks.errors import SettingError
from tasks.paths import access_problem, exists, expand_home, is_file, is_folder

DEMO = "demo"
LONGEST = 200  # bytes of a video's name: a folder's may have 255, and some is added
# What the program itself puts into ``output_dir``; the last two are no names of folders in it.
OWN_NAMES = {"batch.json", "index.html", "sweeps", ".cache", ".prefect", ".", ".."}
SUFFIXES = {
    ".mp4",
    ".mov",
    ".m4v",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".mts",
    ".m2ts",
    ".ts",
    ".wmv",
    ".3gp",
    ".ogv",
    ".mxf",
}


@dataclass(frozen=True)
class Video:
    """One video of the run; ``name`` is unique in it. ``path`` is None for the drawn walker."""

    name: str
    path: Path | None

    @property
    def stem(self) -> str:
        """Its name where no other video has that; one that the program itself uses has a digest added."""
        if self.path is None:
            return DEMO
        stem = _short(self.path.stem)
        return f"{stem}-{short_digest(self.path)}" if _is_own(stem) else stem

    @property
    def place(self) -> str:
        """Where it lies, absolute; ``demo`` for the drawn walker."""
        return DEMO if self.path is None else str(self.path.absolute())


def missing(video: Video) -> str:
    """The sentence for a video whose file is not there, or is none; "" where it is, and for the drawn walker.

    Whoever opened a pipe or a device instead would wait for its end for ever.
    """
    if video.path is None or is_file(video.path):
        return ""
    if exists(video.path):
        return f"{video.path}: is not a regular file; give a video file"
    if why := access_problem(video.path):
        return f"{video.path}: cannot be opened ({why}); check its name, and the permissions of its folder"
    return f"{video.path}: there is no such file; check the path"


def find_videos(asked: Any) -> list[Video]:
    """Expand files, globs, folders and ``@lists``; ``SettingError`` where something names nothing.

    A path that does not exist is kept: it becomes one failed video, and the others are finished.
    """
    items = asked if isinstance(asked, list) else [asked]
    if any(item in (None, "") for item in items):
        raise SettingError(
            "video: an empty name names nothing; name a file, a folder, a glob such as 'clips/*.mp4', or demo"
        )
    places: dict[str, Path | None] = {}  # by where they lie: a name may be given in two ways
    for item in items:
        for path in [None] if item == DEMO else _expand(str(item)):
            _require_text(path)
            places.setdefault(DEMO if path is None else str(path.absolute()), path)
    paths = list(places.values())
    if not paths:
        raise SettingError("video: the list is empty; name a file, a folder, a glob such as 'clips/*.mp4', or demo")
    return told_apart(paths)


def _require_text(path: Path | None) -> None:
    """``SettingError`` for a name that is no text: neither reports nor Prefect can say it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(str(path)).decode(errors="backslashreplace")
        raise SettingError(f"video: the name {shown} is not in UTF-8; rename the file") from None


def find_all(asked: list[Any]) -> list[Video]:
    """The videos of several values of ``video=``, each once, by a name that is its own among all of them."""
    lists = [each if isinstance(each, list) else [each] for each in asked]
    return find_videos([item for items in lists for item in items])


def _expand(item: str) -> list[Path]:
    return _listed(expand_home(item[1:])) if item.startswith("@") else _meant(item)


def _meant(item: str) -> list[Path]:
    """The videos that a path, a folder or a glob means."""
    path = expand_home(item)
    if is_folder(path):
        return _inside(path)
    if not exists(path) and glob.has_magic(item):
        found = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207  (absolute patterns)
        matches = sorted(match for match in found if is_file(match) and not ("**" in item and _is_result(match)))
        if not matches:
            raise SettingError(f"video: no file matches {item}; check the folder and the quotes around the pattern")
        return matches
    return [path]


def _inside(folder: Path) -> list[Path]:
    """The videos in a folder but for hidden ones, which systems put there: macOS ``._walk.mp4``, a wastebasket."""
    try:
        inside = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and is_file(file))
    except OSError as error:
        raise SettingError(f"video: {folder} cannot be read ({error.strerror}); check its permissions") from error
    shown = [file for file in inside if not file.name.startswith(".")]
    if not shown:
        raise SettingError(f"video: {folder} is a folder without videos; name a file, or a folder that holds some")
    return shown


def _is_result(file: Path) -> bool:
    """Whether a run of this program made the file: who asks for all below a folder does not mean these."""
    try:
        return file.name in json.loads(file.with_name("run.json").read_text())["deliverables"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _listed(listing: Path) -> list[Path]:
    """Paths in a text file, one a line, relative to that file; empty lines and # comments are passed over."""
    try:
        lines = listing.read_text(encoding="utf-8-sig").splitlines()  # Windows begins a text with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"video: the list {listing} cannot be read ({error}); give a text file, a path a line"
        ) from error
    entries = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return [found for entry in entries for found in _meant(str(listing.parent / expand_home(entry)))]


def told_apart(paths: Sequence[Path | None]) -> list[Video]:
    """Name every video by its stem; those that share a stem also by a digest of where they lie."""
    stems = [Video("", path).stem for path in paths]
    videos = []
    for path, stem in zip(paths, stems, strict=True):
        alone = sum(other.casefold() == stem.casefold() for other in stems) == 1
        videos.append(Video(stem if alone or path is None else f"{stem}-{short_digest(path)}", path))
    return videos


def _is_own(stem: str) -> bool:
    """Whether the program would take a video's folder of this name for its own file; disks may know no capitals."""
    name = stem.casefold()
    return name in OWN_NAMES or (name.startswith(".") and name.endswith(PART))


def _short(stem: str) -> str:
    """A stem that has room for more in a folder's name, and no control characters, which would break lines in two."""
    plain = "".join(letter if letter.isprintable() else "_" for letter in stem)
    return plain.encode()[:LONGEST].decode(errors="ignore")


def short_digest(path: Path) -> str:
    """Eight hex digits that tell apart two files of one name, by where they lie."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
