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

from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.media.input.probe import FrameTable, describe_file
from tasks.media.input.video_reader import (
    DecodeStats,
    TimestampRepair,
    decoder_threads,
    nominal_frame_ticks,
    open_video,
)
from tasks.records import Clip

CONTAINERS: Final = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})  # FFmpeg's names
CODECS: Final = frozenset({"h264", "hevc", "vp9", "libdav1d"})  # FFmpeg's names of the decoders; the last is of AV1


def clip_from_packets(path: Path, digest: str) -> tuple[Clip, FrameTable] | None:
    """The clip and its frame table; None where the packets do not tell them exactly. ``VideoError`` as ``scan_video``.

    Decodes the first frame only.
    """
    with open_video(path) as (container, stream):
        if container.format.name not in CONTAINERS or stream.codec_context.name not in CODECS:
            return None
        read = _read_packets(container, stream)
        if read is None:
            return None
        times, first = read
        pts, last_duration = np.array([time for time, _ in times], np.int64), times[-1][1]
        if first.interlaced_frame or (np.diff(pts) == 0).any() or first.pts != pts[0]:
            return None
        ended = TimestampRepair(nominal_frame_ticks(stream), last_pts=int(pts[-1]), last_duration_ticks=last_duration)
        stats = DecodeStats(packets=len(pts), frames=len(pts), timestamps=ended)
        clip, table = describe_file(path, digest, container, stream, first, pts, last_duration, stats)
        return None if clip.broken or clip.missing else (clip, table)


def _read_packets(container: InputContainer, stream: VideoStream) -> tuple[list[tuple[int, int]], VideoFrame] | None:
    """The pts and duration, in ticks, of each packet that is to be shown, by their times, and the first frame.

    None where a packet has no time or is corrupt, where one cannot be read, and where no first frame can be decoded.
    """
    decoder_threads(stream)
    times: list[tuple[int, int]] = []
    first: VideoFrame | None = None
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                return None
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None
                times.append((packet.pts, packet.duration or 0))
            if first is None:
                first = next(iter(packet.decode()), None)
    except av.FFmpegError:
        return None
    return (sorted(times), first) if times and first is not None else None
