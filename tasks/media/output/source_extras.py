"""What a source file holds beside its picture and sound: what an output keeps of it, and what is left out."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from tasks.errors import VideoError, counted
from tasks.media.input.video_reader import open_video
from tasks.media.output.timecode import is_timecode, later_timecode

if TYPE_CHECKING:
    from av.container.core import Chapter  # exists for type checkers only

KEPT_TAGS: Final = ("title", "date", "creation_time")
APPLE_DATE: Final = "com.apple.quicktime.creationdate"  # with the time zone, which creation_time lacks
MAX_TAG_LENGTH: Final = 1000
MAX_CHAPTERS: Final = 1000
_PLACE: Final = re.compile(r"location|gps|iso6709", re.IGNORECASE)
_DEVICE: Final = re.compile(r"make|model|android|software", re.IGNORECASE)
# What containers and programs write about themselves: nobody misses it.
_TECHNICAL: Final = re.compile(
    r"brand|minor_version|encoder|encoded|handler|vendor|duration|^_|^bps|^number_of|language|timecode|^creation|^hw$|^lavf"
    r"|^com\.apple\.quicktime\.(full-frame|live-photo|content\.identifier|player)|^date|title",
    re.IGNORECASE,
)
_FFMPEG: Final = re.compile(r"Lav[fc]\d")  # the same, in the text of a tag: "software" of an AVI file


@dataclass(frozen=True)
class SourceExtras:
    """What is kept, and ``left_out``: names of what is not."""

    tags: dict[str, str] = field(default_factory=dict)
    language: str = ""  # of the picture, as in ISO 639-2
    chapters: "tuple[Chapter, ...]" = ()  # start and end in ticks of their time base
    timecode: str = ""  # of the first frame
    left_out: tuple[str, ...] = ()
    lost_in_part: tuple[str, ...] = ()  # what is left out because only a part of the file is used

    @property
    def notes(self) -> list[str]:
        """A sentence on what is left out, and one on what a part of the file cannot have; none where nothing is."""
        notes = []
        if self.left_out:
            are = "is" if len(self.left_out) == 1 and self.left_out[0].startswith(("1 ", "the ")) else "are"
            notes.append(f"{_and(self.left_out)} of the file {are} not in the output")
        if self.lost_in_part:
            are = "is" if self.lost_in_part == ("timecode",) else "are"
            notes.append(f"the file's {_and(self.lost_in_part)} {are} left out, because only a part of it is used")
        return notes

    def of_part(self, skipped: int, constant_rate: Fraction | None) -> "SourceExtras":
        """What a part keeps that begins ``skipped`` frames later; its timecode is known if the rate does not vary."""
        timecode = later_timecode(self.timecode, skipped, constant_rate) if self.timecode and constant_rate else ""
        lost = (("chapters", bool(self.chapters)), ("timecode", self.timecode != "" and timecode == ""))
        return replace(
            self, chapters=(), timecode=timecode, lost_in_part=tuple(what for what, is_lost in lost if is_lost)
        )

    def apply(self, container: OutputContainer, delay_s: Fraction) -> None:
        """Write what is kept into ``container``, before its header. Chapters come ``delay_s`` later."""
        container.metadata.update(self.tags)
        for name, text in (("language", self.language), ("timecode", self.timecode)):
            if text:
                container.streams.video[0].metadata[name] = text
        if self.chapters:
            container.set_chapters([_delayed(chapter, delay_s) for chapter in self.chapters])


def read_extras(path: Path, rate: Fraction | None) -> SourceExtras:
    """The extras of a video file, with its timecode if it is one at the ``rate`` of the pictures, in Hz.

    None of a file that is no video, such as the sound of a drawn one.
    """
    try:
        with open_video(path) as (container, stream):
            tags = {name.lower(): text for name, text in container.metadata.items()}  # Matroska has capitals
            kept = {name: tags[name][:MAX_TAG_LENGTH] for name in KEPT_TAGS if tags.get(name)}
            if "date" not in kept and tags.get(APPLE_DATE):
                kept["date"] = tags[APPLE_DATE][:MAX_TAG_LENGTH]
            chapters = tuple(container.chapters())[:MAX_CHAPTERS]
            language = stream.metadata.get("language", "")
            timecode = _timecode(container, stream, rate)
            tracks = _tracks_left_out(container, stream, has_chapters=bool(chapters), has_timecode=bool(timecode))
            left_out = (*tracks, *_tags_left_out(tags))
            return SourceExtras(kept, "" if language == "und" else language, chapters, timecode, left_out)
    except (VideoError, av.FFmpegError, OSError):
        return SourceExtras()


def _timecode(container: InputContainer, chosen: VideoStream, rate: Fraction | None) -> str:
    """The timecode of the first frame; empty where there is none that the rate allows."""
    tags = {name.lower(): text for name, text in {**container.metadata, **chosen.metadata}.items()}
    text = tags.get("timecode", "")
    return text if rate is not None and is_timecode(text, rate) else ""


def _tracks_left_out(
    container: InputContainer, chosen: VideoStream, *, has_chapters: bool, has_timecode: bool
) -> list[str]:
    streams = [stream for stream in container.streams if stream.index != chosen.index]
    if has_timecode:
        streams = [stream for stream in streams if "timecode" not in stream.metadata]  # QuickTime's has a track
    kinds = Counter(_kind(stream) for stream in streams)
    if has_chapters and "mp4" in container.format.name:  # MP4 and QuickTime store chapters in a track too
        kinds["data track" if kinds["data track"] else "subtitle track"] -= 1
    order = ("other video track", "cover picture", "subtitle track", "font", "attachment", "data track")
    return [counted(kinds[kind], kind) for kind in order if kinds[kind] > 0]


def _kind(stream: Stream) -> str:
    """What a stream is called; empty for sound, which is copied."""
    if stream.type == "video":
        return "cover picture" if stream.disposition & Disposition.attached_pic else "other video track"
    if stream.type == "subtitle":
        return "subtitle track"
    if stream.type == "attachment":
        return "font" if "font" in stream.metadata.get("mimetype", "") else "attachment"
    return "" if stream.type == "audio" else "data track"


def _tags_left_out(tags: dict[str, str]) -> list[str]:
    names = [name for name, text in tags.items() if not (_TECHNICAL.search(name) or _FFMPEG.match(text))]
    place = [name for name in names if _PLACE.search(name)]
    device = [name for name in names if _DEVICE.search(name) and name not in place]
    others = sorted(name for name in names if name not in (*place, *device))
    found = ["the place"] if place else []
    found += ["the device"] if device else []
    return found + ([counted(len(others), "other text tag")] if others else [])


def _delayed(chapter: "Chapter", delay_s: Fraction) -> "Chapter":
    ticks = round(delay_s / chapter["time_base"]) if chapter["time_base"] else 0
    return {**chapter, "start": chapter["start"] + ticks, "end": chapter["end"] + ticks}


def _and(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
