"""Write a clip again as it is, and read the sound packets of a file."""

from fractions import Fraction
from pathlib import Path

import av

from tasks.media.input.frames import read_frames
from tasks.media.input.probe import FrameTable, scan_video
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.layout import clip_layout
from tasks.records import Clip

SoundTrackPackets = list[tuple[Fraction, bytes]]


def read(path: Path) -> tuple[Clip, FrameTable]:
    return scan_video(path, "digest", lambda done: None)


def video_writer_for(
    path: Path,
    clip: Clip,
    *,
    crf: int | None = 18,
    preset: str = "veryfast",
    sound: Path | None = None,
    codec: str = "x264",
    threads: int = 2,
) -> VideoWriter:
    return VideoWriter(
        path,
        own_pictures(clip),
        crf=crf,
        preset=preset,
        sound=None if sound is None else sound_source(sound, clip),
        codec=codec,
        hdr=clip.hdr,
        threads=threads,
    )


def alpha_writer_for(path: Path, clip: Clip, coding: str, sound: Path) -> AlphaWriter:
    return AlphaWriter(path, coding, own_pictures(clip), sound=sound_source(sound, clip))


def own_pictures(clip: Clip) -> PictureStream:
    """The clip's own frames."""
    return PictureStream(
        clip.size_px, clip_layout(clip), clip.time_base, clip.rate, clip.color, Fraction(clip.pixel_aspect)
    )


def rewrite(
    source: Path,
    target: Path,
    *,
    crf: int | None = 18,
    preset: str = "veryfast",
    codec: str = "x264",
    threads: int = 2,
) -> tuple[Clip, FrameTable, list[str]]:
    """Write every frame of ``source`` as it is."""
    clip, table = read(source)
    with video_writer_for(target, clip, crf=crf, preset=preset, sound=source, codec=codec, threads=threads) as writer:
        for frame in read_frames(source, clip):
            writer.write(frame.planes, frame.pts, frame.duration)
    check_written_video(target, clip.frames, writer.written, every_frame=False)
    return clip, table, writer.notes


def sound_packets(path: Path) -> list[SoundTrackPackets]:
    """For each sound track its packets with their times."""
    with av.open(str(path)) as file:
        tracks = {stream.index: SoundTrackPackets() for stream in file.streams.audio}
        for packet in file.demux():
            if packet.stream.index in tracks and packet.size:
                assert packet.pts is not None
                tracks[packet.stream.index].append((packet.pts * packet.time_base, bytes(packet)))
    return list(tracks.values())


def scratched(source: Path, copy: Path, packet: int) -> Path:
    """A copy of the file with one byte changed in the middle of a packet of its video, which a decoder covers up."""
    content = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        stored = [(one.pos, one.size) for one in container.demux(container.streams.video[0]) if one.size]
    position, size = stored[packet]
    assert position is not None
    content[position + size // 2] ^= 255
    copy.write_bytes(content)
    return copy
