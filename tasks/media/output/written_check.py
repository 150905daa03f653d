"""Check a video file that was written: by the packets that its encoder gave, and by decoding it."""

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Final

import av
from av.packet import Packet
from av.video.stream import VideoStream

from tasks.errors import OutputError, VideoError, counted
from tasks.media.input.video_reader import open_video, skip_loop_filter, stream_time_base

KEY_FRAMES_APART_S: Final = 1.0  # at least, of those that are decoded: in ProRes every frame is one
MOST_OFFSET_S: Final = Fraction(1, 50)  # of all times of a file: WebM makes room for the first samples of Opus
_DIGEST_BYTES: Final = 8
_LENGTH_BYTES: Final = 4
# FFmpeg's names of the codecs whose units follow start codes in an encoder, and their lengths in MP4.
_WITH_UNITS: Final = frozenset({"h264", "hevc"})
_START_CODE: Final = b"\x00\x00\x01"  # often behind one more zero
_HEVC_HEADERS: Final = range(32, 35)  # the types of units that describe the whole video
_AV1_DELIMITER: Final = b"\x12\x00"


@dataclass
class PacketList:
    """The video packets of a file in their order: when each is shown, in ticks, and a digest of it; 16 bytes each."""

    time_base: Fraction = Fraction(1)
    pts: "array[int]" = field(default_factory=lambda: array("q"))
    digests: "array[int]" = field(default_factory=lambda: array("Q"))

    def add_encoded(self, packet: "Packet[VideoStream]", codec: str) -> None:
        """Note a packet of an encoder, before a container changes its times; ``codec`` is FFmpeg's name: h264."""
        self.time_base = packet.time_base
        data = bytes(packet)
        self._add(packet, codec, _units_by_start(data) if codec in _WITH_UNITS else [data])

    def add_read(self, packet: "Packet[VideoStream]", codec: str) -> None:
        """Note a packet as it lies in a file."""
        data = bytes(packet)
        self._add(packet, codec, _units_by_length(data) if codec in _WITH_UNITS else [data])

    def first_difference(self, other: "PacketList") -> int | None:
        """The place of the first packet in which ``other``, of the same length, differs; None if there is none.

        Times may be rounded to the ticks of ``other``, as WebM rounds to milliseconds, and all begin a little later.
        """
        if not self.pts:
            return None
        rounding_s = Fraction(0) if self.time_base == other.time_base else other.time_base
        offset_s = other.pts[0] * other.time_base - self.pts[0] * self.time_base
        if abs(offset_s) > MOST_OFFSET_S:
            return 0
        for place, (own, found) in enumerate(zip(self.pts, other.pts, strict=True)):
            apart_s = found * other.time_base - own * self.time_base - offset_s
            if abs(apart_s) > rounding_s or self.digests[place] != other.digests[place]:
                return place
        return None

    def _add(self, packet: "Packet[VideoStream]", codec: str, units: list[bytes]) -> None:
        digest = blake2b(digest_size=_DIGEST_BYTES)
        for unit in _kept(units, codec):
            digest.update(len(unit).to_bytes(_LENGTH_BYTES, "big") + unit)
        self.pts.append(packet.pts or 0)
        self.digests.append(int.from_bytes(digest.digest(), "big"))


def check_written_video(
    path: Path, frames: int, written: PacketList | None = None, *, every_frame: bool = True
) -> None:
    """``OutputError`` unless ``path`` holds exactly ``frames`` undamaged frames.

    With ``written`` its packets must also be the ones that were written: their order, times, sizes and bytes. Frames
    are decoded: all with ``every_frame``, else key frames, the first and others ``KEY_FRAMES_APART_S`` apart.
    """
    found, expected, decoded = PacketList(), 0, 0
    damage = ""
    try:
        with open_video(path) as (container, stream):
            skip_loop_filter(stream)
            stream.codec_context.thread_count = 1
            found.time_base, codec = stream_time_base(stream), stream.codec_context.codec.canonical_name
            key_pts, apart_ticks = None, KEY_FRAMES_APART_S / found.time_base
            for packet in container.demux(stream):
                at_key = packet.is_keyframe and (key_pts is None or (packet.pts or 0) >= key_pts + apart_ticks)
                if packet.size and at_key:
                    key_pts = packet.pts or 0
                frames_of_packet = packet.decode() if every_frame or at_key or not packet.size else []
                decoded += len(frames_of_packet)
                if packet.is_corrupt or any(frame.is_corrupt for frame in frames_of_packet):
                    damage = f" (frame {len(found.pts)} is damaged)"
                if packet.size and not packet.is_discard:
                    found.add_read(packet, codec)
                    expected += every_frame or at_key
    except VideoError as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    except (av.FFmpegError, OSError) as error:
        damage = f" ({error.strerror or error})"
    packets = len(found.pts)
    if packets != frames or decoded != expected or not expected or damage:
        whole = min(packets, decoded) if packets <= frames and every_frame else packets
        raise OutputError(f"{path}: holds {counted(whole, 'frame')} instead of {frames}{damage}; run again")
    if written is not None and (place := _difference(written, found)) is not None:
        raise OutputError(f"{path}: frame {place} is not the one that was written; run again")


def _difference(written: PacketList, found: PacketList) -> int | None:
    if len(written.pts) != len(found.pts):
        return min(len(written.pts), len(found.pts))
    return written.first_difference(found)


def _kept(units: list[bytes], codec: str) -> list[bytes]:
    """What MP4 stores among the pictures: the rest lies in its header, or nowhere."""
    if codec == "av1":
        return [unit.removeprefix(_AV1_DELIMITER) for unit in units]
    return [unit for unit in units if codec != "hevc" or unit[0] >> 1 & 63 not in _HEVC_HEADERS]


def _units_by_start(data: bytes) -> list[bytes]:
    # Not by a regular expression, which takes over ten times as long: 0.2 ms for 20 KB.
    units = data.split(_START_CODE)[1:]
    return [*(unit.removesuffix(b"\x00") for unit in units[:-1]), *units[-1:]]


def _units_by_length(data: bytes) -> list[bytes]:
    units, start = [], 0
    while start + _LENGTH_BYTES < len(data):
        begin = start + _LENGTH_BYTES
        start = begin + int.from_bytes(data[start:begin], "big")
        units.append(data[begin:start] or b"\0")  # a damaged file may say a length of 0
    return units
