"""Turns the value of ``video=`` into a list of videos with unique names."""

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conf.config import Config
from conf.machines import share_of
from flows.results.atomic_files import PART_SUFFIX
from tasks.errors import SettingError
from tasks.untrusted.json_file import read_object
from tasks.untrusted.paths import access_problem, exists, expand_home, is_file, is_folder, without_dots

DEMO: Final = "demo"
MAX_LIST_BYTES: Final = 16 << 20  # of a text file with paths
MAX_VIDEO_NAME_BYTES: Final = 200  # folders may have 255, and a suffix is added
# Names that the program itself uses in ``output_dir``; "." and ".." cannot be folders in it.
RESERVED_NAMES: Final = {"batch.json", "index.html", "sweeps", ".cache", ".prefect", ".", ".."}
VIDEO_SUFFIXES: Final = {
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
    """One video of the run; ``name`` is unique in it. ``path`` is None for the synthetic walker."""

    name: str
    path: Path | None

    @property
    def stem(self) -> str:
        """Its name unless another video has the same; a digest is added to names that the program reserves."""
        if self.path is None:
            return DEMO
        stem = _safe_stem(self.path.stem)
        return f"{stem}-{path_digest(self.path)}" if _is_reserved(stem) else stem

    @property
    def location(self) -> str:
        """The absolute path, which identifies the video; ``demo`` for the synthetic walker."""
        return DEMO if self.path is None else str(without_dots(self.path))


def missing_reason(video: Video) -> str:
    """Why the video's file cannot be used, in one line; "" for a regular file, and for the synthetic walker.

    A pipe or a device is refused: opening it could block for ever.
    """
    if video.path is None:
        return ""
    if is_file(video.path):
        return _unreadable_reason(video.path)
    if exists(video.path):
        return f"{video.path}: is not a regular file; give a video file"
    if why := access_problem(video.path):
        return f"{video.path}: cannot be opened ({why}); check its name, and the permissions of its folder"
    return f"{video.path}: there is no such file; check the path"


def _unreadable_reason(file: Path) -> str:
    """Why a regular file holds no video that can be read, as far as it need not be opened; else empty."""
    if not os.access(file, os.R_OK):
        return f"{file}: cannot be opened (Permission denied); check its permissions"
    try:
        empty = file.stat().st_size == 0
    except OSError:  # it has just been removed
        return f"{file}: there is no such file; check the path"
    return f"{file}: is empty (0 bytes); copy or download it again" if empty else ""


def require_any_file(videos: Sequence[Video]) -> None:
    """``SettingError`` where there are videos, and none of them is a file that can be read."""
    reasons = [missing_reason(video) for video in videos]
    if reasons and all(reasons):
        others = f" (none of the {len(reasons)} videos can be read)" if len(reasons) > 1 else ""
        raise SettingError(f"{reasons[0]}{others}")


def find_videos(value: Any) -> list[Video]:
    """Expand files, globs, folders and ``@lists``; ``SettingError`` where one of them yields nothing.

    A path that does not exist is kept: it becomes one failed video, and the others are processed.
    """
    items = value if isinstance(value, list) else [value]
    if any(item in (None, "") for item in items):
        cure = "name a file, a folder, a glob such as 'clips/*.mp4', or demo"
        raise SettingError(f"video: the name is empty; {cure}")
    for item in items:
        if "\0" in str(item):
            raise SettingError(f"video: the name {item!r} holds a NUL character, which no file name can; leave it out")
    paths: dict[str, Path | None] = {}  # by location: one video may be given in two ways
    for item in items:
        for path in [None] if item == DEMO else _expand(str(item)):
            _require_utf8(path)
            paths.setdefault(Video("", path).location, path)
    if not paths:
        raise SettingError("video: the list is empty; name a file, a folder, a glob such as 'clips/*.mp4', or demo")
    return named_videos(list(paths.values()))


def find_all_videos(configs: Sequence[Config]) -> list[Video]:
    """The videos of all settings of a run, each once; with ``shard=`` those of its share.

    Names are unique among all videos, also those of other shares: the runs may write into one folder.
    """
    return own_share(find_videos_of(configs), configs[0].shard)


def find_videos_of(configs: Sequence[Config]) -> list[Video]:
    """The videos of all settings of a run and of all shares, each once."""
    lists = [config.video if isinstance(config.video, list) else [config.video] for config in configs]
    return find_videos([item for items in lists for item in items])


def own_share(videos: list[Video], shard: str | None) -> list[Video]:
    """Those videos that belong to a share; all of them without one.

    A hash of the path decides: of the path as it was given, or found in the folder, pattern or list that was given. It
    is not made absolute, so the shares are the same on machines that see the files under different folders. Every video
    is in one share, and stays there when others are added to the list.
    """
    share = share_of(shard)
    return videos if share is None else [one for one in videos if _path_hash(one) % share.count == share.number - 1]


def _path_hash(video: Video) -> int:
    path = DEMO if video.path is None else video.path.as_posix()
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8])


def _require_utf8(path: Path | None) -> None:
    """``SettingError`` for a name that is not UTF-8: neither reports nor Prefect can show it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(str(path)).decode(errors="backslashreplace")
        raise SettingError(f"video: the name {shown} is not in UTF-8; rename the file") from None


def _expand(item: str) -> list[Path]:
    return _read_list(expand_home(item[1:])) if item.startswith("@") else _expand_path(item)


def _expand_path(item: str) -> list[Path]:
    """The videos of a path, a folder or a glob."""
    path = expand_home(item)
    if _is_address(item) and not exists(path):
        raise SettingError(f"video: {item} is a web address; download the file first, and give its path")
    if is_folder(path):
        return _folder_videos(path)
    if not exists(path) and glob.has_magic(item):
        found = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207  (absolute patterns)
        matches = sorted(match for match in found if is_file(match) and not ("**" in item and _is_result(match)))
        if not matches:
            raise SettingError(f"video: no file matches {item}; check the folder and the quotes around the pattern")
        return matches
    return [path]


def _folder_videos(folder: Path) -> list[Path]:
    """The videos in a folder, without hidden ones, which systems put there: macOS ``._walk.mp4``, a wastebasket."""
    try:
        videos = sorted(file for file in folder.iterdir() if file.suffix.lower() in VIDEO_SUFFIXES and is_file(file))
    except OSError as error:
        raise SettingError(f"video: {folder} cannot be read ({error.strerror}); check its permissions") from error
    visible = [file for file in videos if not file.name.startswith(".")]
    if not visible:
        raise SettingError(f"video: the folder {folder} holds no video; name a file, or a folder that holds some")
    return visible


def _is_result(file: Path) -> bool:
    """Whether a run of this program made the file: ``**`` skips results."""
    try:
        return file.name in read_object(file.with_name("run.json"))["deliverables"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _read_list(listing: Path) -> list[Path]:
    """Paths in a text file, one per line, relative to that file; empty lines and # comments are skipped."""
    cure = "give a text file with one path per line"
    if exists(listing) and not is_file(listing):  # reading a pipe could wait for ever, and a device need not end
        raise SettingError(f"video: the list {listing} is not a regular file; {cure}")
    try:
        with listing.open("rb") as file:
            content = file.read(MAX_LIST_BYTES + 1)
        if len(content) > MAX_LIST_BYTES:
            raise SettingError(f"video: the list {listing} is larger than {MAX_LIST_BYTES >> 20} MiB; {cure}")
        lines = content.decode("utf-8-sig").splitlines()  # Windows may start a text file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"video: the list {listing} cannot be read ({error}); {cure}") from error
    if b"\0" in content:
        raise SettingError(f"video: the list {listing} is not a text file: it holds a NUL byte; {cure}")
    entries = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    beside = [entry if _is_address(entry) else str(listing.parent / expand_home(entry)) for entry in entries]
    return [path for entry in beside for path in _expand_path(entry)]


def _is_address(text: str) -> bool:
    """Whether the text begins like a URL."""
    return re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) is not None


def named_videos(paths: Sequence[Path | None]) -> list[Video]:
    """Name every video by its stem; videos with the same stem also get a digest of their path."""
    stems = [Video("", path).stem for path in paths]
    times = Counter(stem.casefold() for stem in stems)
    videos = []
    for path, stem in zip(paths, stems, strict=True):
        is_unique = times[stem.casefold()] == 1
        videos.append(Video(stem if is_unique or path is None else f"{stem}-{path_digest(path)}", path))
    return videos


def _is_reserved(stem: str) -> bool:
    """Whether a video's folder of this name could be taken for one of the program's files; case may not count."""
    name = stem.casefold()
    is_part = name.startswith(".") and name.endswith(PART_SUFFIX)
    return name in RESERVED_NAMES or is_part or re.fullmatch(r"shard-\d+-of-\d+\.json", name) is not None


def _safe_stem(stem: str) -> str:
    """A stem short enough for a suffix, with control characters, which would break lines, replaced."""
    printable = "".join(letter if letter.isprintable() else "_" for letter in stem)
    return printable.encode()[:MAX_VIDEO_NAME_BYTES].decode(errors="ignore")


def path_digest(path: Path) -> str:
    """Eight hex digits of the absolute path, which tell files of the same name apart."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
