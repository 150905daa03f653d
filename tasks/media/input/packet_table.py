"""The table of frames from a file's packets, which are read without decoding them, where they tell it exactly.

A file is taken at its packets' word only if all of this holds. Else ``clip_from_packets`` gives None, and the file has
to be decoded (``probe.scan_video``):

- its container keeps a presentation time of each packet (MP4, QuickTime, Matroska, WebM), and its codec gives one frame
  for each packet that is to be shown,
- every such packet has a time of its own, and none is flagged as corrupt,
- the packets are as many, and last as long, as the file declares, and the file does not end within one,
- the first frame can be decoded, is not interlaced, and has the earliest time.

Then ``clip_from_packets`` gives what ``scan_video`` gives, unless the stream itself is damaged or odd behind its first
frame: a packet that cannot be decoded or holds no frame, a picture that changes its size, interlaced frames, frames in
another order than their times. No packet shows that. So the first pass that decodes the whole file compares each frame
with the table (``frames.read_frames`` with ``confirm``), and raises ``TableNotConfirmed`` where they differ.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.media.input.probe import FrameTable, describe_file
from tasks.media.input.video_reader import DecodeStats, decoder_threads, nominal_frame_ticks, open_video
from tasks.records import Clip

CONTAINERS: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})  # FFmpeg's names
CODECS: Final = frozenset({"h264", "hevc", "vp9", "libdav1d"})  # FFmpeg's names of the decoders; the last is of AV1


@dataclass
class _Packets:
    """What the packets that are to be shown say, and the first frame."""

    stats: DecodeStats = field(default_factory=DecodeStats)
    times: list[tuple[int, int]] = field(default_factory=list)  # pts and duration, in ticks; in decoding order
    first: VideoFrame | None = None


def clip_from_packets(path: Path, digest: str) -> tuple[Clip, FrameTable] | None:
    """The clip and its frame table; None where the packets do not tell them exactly. ``VideoError`` as ``scan_video``.

    Decodes the first frame only.
    """
    with open_video(path) as (container, stream):
        if container.format.name not in CONTAINERS or stream.codec_context.name not in CODECS:
            return None
        packets = _read_packets(container, stream)
        if packets is None or packets.first is None or packets.first.interlaced_frame:
            return None
        packets.times.sort()
        pts = np.array([time for time, _ in packets.times], np.int64)
        if (np.diff(pts) <= 0).any() or packets.first.pts != pts[0]:
            return None
        stats, last_duration = packets.stats, packets.times[-1][1]
        stats.packets = stats.frames = len(pts)
        stats.timestamps.nominal_ticks = nominal_frame_ticks(stream)
        stats.timestamps.last_pts, stats.timestamps.last_duration_ticks = int(pts[-1]), last_duration
        clip, table = describe_file(path, digest, container, stream, packets.first, pts, last_duration, stats)
        return None if clip.broken or clip.missing else (clip, table)


def _read_packets(container: InputContainer, stream: VideoStream) -> _Packets | None:
    """Every packet and the first frame; None where one has no time or is corrupt, or cannot be read or decoded."""
    decoder_threads(stream)
    packets = _Packets()
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                return None
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None
                packets.times.append((packet.pts, packet.duration or 0))
            if packets.first is None:
                packets.first = next(iter(packet.decode()), None)
    except av.FFmpegError:
        return None
    return packets
