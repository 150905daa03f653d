"""Writing a clip again as it is, and looking at what arrived."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tasks.media.input.frames import read_frames
from tasks.media.input.probe import FrameTable, scan_video
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.video_writer import VideoWriter
from tasks.media.planes.layout import clip_layout
from tasks.records import Clip

Heard = list[tuple[Fraction, bytes]]


def read(path: Path) -> tuple[Clip, FrameTable]:
    return scan_video(path, "digest", lambda done: None)


def sink_like(
    path: Path,
    clip: Clip,
    *,
    crf: int | None = 18,
    preset: str = "veryfast",
    sound: Path | None = None,
    codec: str = "x264",
) -> VideoWriter:
    return VideoWriter(
        path,
        **shown_as(clip),
        crf=crf,
        preset=preset,
        sound=None if sound is None else sound_source(sound, clip),
        codec=codec,
        hdr=clip.hdr,
    )


def alpha_like(path: Path, clip: Clip, coding: str, sound: Path) -> AlphaWriter:
    return AlphaWriter(path, coding, **shown_as(clip), sound=sound_source(sound, clip))


def shown_as(clip: Clip) -> dict[str, Any]:
    """What a sink is told of pictures that are the clip's own."""
    return {
        "size_px": clip.size_px,
        "layout": clip_layout(clip),
        "time_base": clip.time_base,
        "rate": clip.rate,
        "color": clip.color,
        "pixel_aspect": Fraction(clip.pixel_aspect),
    }


def rewrite(
    source: Path, target: Path, *, crf: int | None = 18, preset: str = "veryfast", codec: str = "x264"
) -> tuple[Clip, FrameTable, list[str]]:
    """Write every frame of ``source`` as it is."""
    clip, table = read(source)
    with sink_like(target, clip, crf=crf, preset=preset, sound=source, codec=codec) as sink:
        for picture in read_frames(source, clip):
            sink.write(picture.planes, picture.pts, picture.duration)
    return clip, table, sink.notes


def packets(path: Path) -> list[Heard]:
    """For each sound track its packets with their times."""
    with av.open(str(path)) as file:
        tracks = {stream.index: Heard() for stream in file.streams.audio}
        for packet in file.demux():
            if packet.stream.index in tracks and packet.size:
                assert packet.pts is not None
                tracks[packet.stream.index].append((packet.pts * packet.time_base, bytes(packet)))
    return list(tracks.values())
