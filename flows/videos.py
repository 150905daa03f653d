"""Turns the value of ``video=`` into a list of videos with unique names."""

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from conf.config import Config
from conf.machines import share_of
from conf.validation import require
from flows.objects import expand_object, is_object, look_up, seen
from flows.results.atomic_files import PART_SUFFIX
from tasks.errors import SettingError
from tasks.untrusted.json_file import read_object
from tasks.untrusted.paths import (
    access_problem,
    encoding_problem,
    exists,
    expand_home,
    is_file,
    is_folder,
    resolved,
    without_dots,
)

DEMO: Final = "demo"
MAX_LIST_BYTES: Final = 16 << 20  # of a text file with paths
MAX_VIDEO_NAME_BYTES: Final = 200  # folders may have 255, and a suffix is added
# Names that the program itself uses in ``output_dir``; "." and ".." cannot be folders in it.
RESERVED_NAMES: Final = {"batch.json", "batch.csv", "index.html", "sweeps", ".cache", ".prefect", ".", ".."}
VIDEO_SUFFIXES: Final = {
    ".mp4",
    ".mov",
    ".m4v",
    ".3gp",
    ".3g2",
    ".qt",
    ".f4v",
    ".mkv",
    ".webm",
    ".avi",
    ".divx",
    ".wmv",
    ".asf",
    ".flv",
    ".ogv",
    ".ogm",
    ".mpg",
    ".mpeg",
    ".m2v",
    ".vob",
    ".ts",
    ".mts",
    ".m2ts",
    ".mod",
    ".tod",
    ".mxf",
    ".dv",
}


@dataclass(frozen=True)
class Video:
    """One video of the run; ``name`` is unique in it.

    ``path`` is None for the drawn walker, and for an object of a store, which has an ``address``.
    ``line`` says which line of a list names it.
    """

    name: str
    path: Path | None
    address: str = ""
    line: str = field(default="", compare=False)

    @property
    def is_drawn(self) -> bool:
        """Whether it is the drawn walker."""
        return self.path is None and not self.address

    @property
    def stem(self) -> str:
        """The video's name, unless another video has the same; a digest is added to names that the program reserves."""
        if self.is_drawn:
            return DEMO
        stem = _safe_stem(Path(self.address or self.path or "").stem)
        return f"{stem}-{self.digest}" if _is_reserved(stem) else stem

    @property
    def location(self) -> str:
        """The absolute path or the address, which identifies the video; ``demo`` for the drawn walker."""
        return self.address or (DEMO if self.path is None else str(without_dots(self.path)))

    @property
    def digest(self) -> str:
        """Eight hex digits of the address, or of the path with all links resolved."""
        return path_digest(self.path) if self.path is not None and not self.address else _digest(self.location)


def video_at(location: str, name: str = "") -> Video:
    """The video that a record says lies at a ``location``."""
    if is_object(location):
        return Video(name, None, location)
    return Video(name, None if location == DEMO else Path(location))


def missing_reason(video: Video) -> str:
    """Why the video's file cannot be used, in one line; "" for a regular file, an object, and the drawn walker.

    A pipe or a device is refused: opening it could block for ever.
    """
    if video.address:
        known = seen(video.address)
        return f"{video.address}: {known}" if isinstance(known, str) else ""
    if video.path is None:
        return ""
    if is_file(video.path):
        return _unreadable_reason(video.path)
    if exists(video.path):
        return f"{video.path}: is not a regular file; give a video file"
    if why := access_problem(video.path):
        return f"{video.path}: cannot be opened ({why}); check its name, and the permissions of its folder"
    if all(exists(expand_home(part.strip())) for part in str(video.path).split(",")):
        return f"{video.path}: there is no such file; write several as a list, such as video='[a.mp4, b.mp4]'"
    return f"{video.path}: there is no such file; check {video.line or 'the path'}"


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
    """``SettingError`` where there are videos, and none of them can be read; all objects are looked up at once."""
    look_up(video.address for video in videos if video.address)
    reasons = [missing_reason(video) for video in videos]
    if reasons and all(reasons):
        raise SettingError(none_readable(reasons))


def none_readable(reasons: Sequence[str]) -> str:
    """The reason of the first of several videos, none of which can be read; at least one."""
    return f"{reasons[0]} (none of the {len(reasons)} videos can be read)" if len(reasons) > 1 else reasons[0]


def find_videos(value: Any) -> list[Video]:
    """Expand files, globs, folders, addresses and ``@lists``; ``SettingError`` where one of them yields nothing.

    A path that does not exist is kept: it becomes one failed video, and the others are processed.
    """
    items = value if isinstance(value, list) else [value]
    if any(item in (None, "") for item in items):
        cure = "name a file, a folder, a glob such as 'clips/*.mp4', or demo"
        raise SettingError(f"video: the name is empty; {cure}")
    for item in items:
        if "\0" in str(item):
            raise SettingError(f"video: the name {item!r} holds a NUL character, which no file name can; leave it out")
    videos: dict[str, Video] = {}  # by location: one video may be given in two ways
    for item in items:
        for video in [Video("", None)] if item == DEMO else _expand(str(item)):
            fact = encoding_problem(video.location)  # neither reports nor Prefect could show it
            require(not fact, "video", fact, "rename the file, or its folder")
            videos.setdefault(video.location, video)
    if not videos:
        raise SettingError("video: the list is empty; name a file, a folder, a glob such as 'clips/*.mp4', or demo")
    return named_videos(list(videos.values()))


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
    """The videos that belong to a share; all of them without one.

    A hash of the path decides: of the path as it was given, or found in the folder, pattern or list that was given. It
    is not made absolute, so the shares are the same on machines that see the files under different folders. Every video
    is in one share, and stays there when others are added to the list.
    """
    share = share_of(shard)
    return videos if share is None else [one for one in videos if _path_hash(one) % share.count == share.number - 1]


def _path_hash(video: Video) -> int:
    path = video.location if video.path is None else video.path.as_posix()
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8])


def _expand(item: str) -> list[Video]:
    listing = expand_home(item[1:])
    if not item.startswith("@") or (exists(Path(item)) and not exists(listing)):  # as the names of some accounts begin
        return _expand_entry(item)
    videos = []
    for number, entry in read_list(listing):
        line = f"line {number} of {listing}"
        try:
            found = _expand_entry(entry if is_address(entry) else str(listing.parent / expand_home(entry)))
        except SettingError as error:
            raise SettingError(f"video: {line}: {str(error).removeprefix('video: ')}") from error
        videos += [replace(video, line=line) for video in found]
    return videos


def _expand_entry(item: str) -> list[Video]:
    """The videos of a path, a folder, a glob or an address."""
    if is_object(item):
        return [Video("", None, address) for address in expand_object(item, VIDEO_SUFFIXES)]
    return [Video("", path) for path in _expand_path(item)]


def _expand_path(item: str) -> list[Path]:
    path = expand_home(item)
    if is_address(item) and not exists(path):
        if item.lower().startswith("file:"):
            raise SettingError(f"video: {item}: give the path itself, without file://")
        raise SettingError(f"video: {item} is a web address; download the file first, and give its path")
    if is_folder(path):
        return _folder_videos(path)
    if not exists(path) and glob.has_magic(item):
        found = [Path(match) for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207  (absolute patterns)
        matches = sorted(match for match in _each_once(found) if not ("**" in item and _is_result(match)))
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


def _each_once(matches: Sequence[Path]) -> list[Path]:
    """The files of a pattern, each by its shortest path: a link to a folder above leads ``**`` around forty times."""
    folders = {folder: resolved(folder) for folder in {match.parent for match in matches}}
    by_length = sorted(matches, key=lambda match: (len(match.parts), match), reverse=True)
    return [match for match in {folders[one.parent] / one.name: one for one in by_length}.values() if is_file(match)]


def _is_result(file: Path) -> bool:
    """Whether a run of this program made the file: ``**`` skips results."""
    try:
        return file.name in read_object(file.with_name("run.json"))["deliverables"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_list(listing: Path) -> list[tuple[int, str]]:
    """The lines of a text file with one path or address per line, each with its number, which counts from 1.

    Empty lines and # comments are skipped.
    """
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
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingError(f"video: the list {listing} cannot be read ({why}); {cure}") from error
    if b"\0" in content:
        raise SettingError(f"video: the list {listing} is not a text file: it holds a NUL byte; {cure}")
    stripped = [line.strip() for line in lines]
    return [(number, line) for number, line in enumerate(stripped, 1) if line and not line.startswith("#")]


def is_address(text: str) -> bool:
    """Whether the text begins like a URL."""
    return re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE) is not None


def named_videos(unnamed: Sequence[Video]) -> list[Video]:
    """Name every video by its stem; videos with the same stem also get eight digits that come from their location.

    Those of two links to one file are the same, and by chance those of two videos may be: of 20,000 videos with one
    stem, in one list of twenty. Such videos get sixteen digits, of the location as it was given.
    """
    stems = [video.stem for video in unnamed]
    names = [
        stem if unique or video.is_drawn else f"{stem}-{video.digest}"
        for video, stem, unique in zip(unnamed, stems, _unique(stems), strict=True)
    ]
    return [
        replace(video, name=name if unique or video.is_drawn else f"{stem}-{_digest(video.location, 16)}")
        for video, stem, name, unique in zip(unnamed, stems, names, _unique(names), strict=True)
    ]


def _unique(names: Sequence[str]) -> list[bool]:
    """Whether each name is there once; case does not count, as in some file systems."""
    times = Counter(name.casefold() for name in names)
    return [times[name.casefold()] == 1 for name in names]


def _is_reserved(stem: str) -> bool:
    """Whether a video's folder of this name could be taken for one of the program's files; case may not count."""
    name = stem.casefold()
    is_part = name.startswith(".") and name.endswith(PART_SUFFIX)
    return name in RESERVED_NAMES or is_part or re.fullmatch(r"shard-\d+-of-\d+\.json", name) is not None


def _safe_stem(stem: str) -> str:
    """A stem short enough for a suffix, with control characters, which would break lines, replaced.

    So are the blanks of a stem that has nothing else: nobody would see it.
    """
    printable = "".join(letter if letter.isprintable() else "_" for letter in stem)
    if printable.isspace():
        printable = "_" * len(printable)
    return printable.encode()[:MAX_VIDEO_NAME_BYTES].decode(errors="ignore")


def path_digest(path: Path) -> str:
    """Eight hex digits of the absolute path, with all links resolved, which tell files of the same name apart."""
    return _digest(str(resolved(path)))


def _digest(text: str, digits: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
