"""Damage of a video file: frames that are missing or damaged in the middle, and an end that was cut off."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

_LONG_STEP_RATIO: Final = 1.6  # of the usual step: pulldown makes shorter ones, a missing frame makes 2
_LONG_STEP_SHARE: Final = 0.1  # of all steps: with more long ones, the rate varies and lengths tell nothing
_CORRUPT_REACH_S: Final = 1  # between a packet flagged as corrupt and the frames that it lost
_CUT_S: Final = 10  # a longer gap is a cut, not damage

_SYNC_BYTE: Final = b"G"  # 0x47, the first byte of each packet of a transport stream
_TS_PACKET_BYTES: Final = 188
_TS_STRIDES_BYTES: Final = (_TS_PACKET_BYTES, 192, 204)  # plain; with a time before (M2TS); with check bytes behind
_TS_PROBED_PACKETS: Final = 5  # consecutive packets that establish the stride
_BOX_HEADER_BYTES: Final = 8
_EBML_ID: Final = bytes.fromhex("1a45dfa3")  # of the head of a Matroska file: RFC 8794, section 11.2.1
_SEGMENT_ID: Final = bytes.fromhex("18538067")  # of all that follows the head: RFC 9559, section 5.1


@dataclass(frozen=True)
class SuspectPackets:
    """Packets that may have lost a frame: presentation times in ticks, ascending."""

    frameless_pts: tuple[int, ...] = ()  # the decoder returned no frame and no error for them
    corrupt_pts: tuple[int, ...] = ()  # the demuxer flags them as corrupt, as a transport stream can


def describe_missing_frames(pts: NDArray[np.int64], suspects: SuspectPackets, tick_s: Fraction) -> str:
    """A clause on how many frames are missing between those at ``pts`` (n,) in ticks; empty if none is known to be.

    A long step alone may be a pause, as in files of variable rate. It counts as a gap if a frameless packet lies in it
    or a corrupt one lies near it. A frameless packet without a long step is no gap: it may be the second field of a
    frame. If long steps are rare, the length of the gap gives the number of missing frames. Not found is what the
    container skipped without a flag, and what was lost where steps are shorter than usual.
    """
    steps = np.diff(pts)
    usual_ticks = float(np.median(steps)) if len(steps) else 0.0
    long = np.flatnonzero(steps > _LONG_STEP_RATIO * usual_ticks)
    constant_rate = len(long) < _LONG_STEP_SHARE * len(steps)
    reach_ticks = _CORRUPT_REACH_S / tick_s
    count, first_s = 0, 0.0
    for begin, end in zip(pts[long].tolist(), pts[long + 1].tolist(), strict=True):
        missing = _count_between(suspects.frameless_pts, begin, end)
        damaged = missing or _count_between(suspects.corrupt_pts, begin - reach_ticks, end + reach_ticks)
        if damaged and constant_rate and (end - begin) * tick_s < _CUT_S:
            missing = max(missing, round((end - begin) / usual_ticks) - 1)
        if missing and not count:
            first_s = (begin + usual_ticks) * float(tick_s)
        count += missing
    if not count:
        return ""
    clause = "1 frame is missing" if count == 1 else f"{count} frames are missing, the first"
    return f"{clause} at {first_s:.2f} s"


def describe_concealed(times_s: Sequence[float]) -> str:
    """A clause on the frames at ``times_s`` in which the decoder covered damage up; empty where there is none."""
    if not times_s:
        return ""
    clause = "1 frame is damaged" if len(times_s) == 1 else f"{len(times_s)} frames are damaged, the first"
    return f"{clause} at {times_s[0]:.2f} s"


def describe_truncation(path: Path, container: str) -> str:
    """A clause on where a truncated file ends; empty if nothing shows that it is truncated.

    For files that do not declare their number of frames, and for those that lack sound alone. ``container`` is
    libavformat's name. A fragmented MP4 that was cut between two fragments, a transport stream cut between two packets,
    or a Matroska file that does not tell its length, as a live stream, looks complete.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        if "mp4" in container and _ends_within_fragment(file, size_bytes):
            return "the file ends early, within a fragment"
        if container == "mpegts" and _ends_within_packet(file, size_bytes):
            return "the file ends early, within a packet"
        if "matroska" in container and _ends_within_segment(file, size_bytes):
            return "the file ends early, within its segment"
    return ""


def _count_between(times: Sequence[int], begin: Fraction | int, end: Fraction | int) -> int:
    return max(0, bisect_left(times, end) - bisect_right(times, begin))


def _ends_within_fragment(file: BinaryIO, size_bytes: int) -> bool:
    """Whether a box of a fragmented MP4 extends beyond the end. An MP4 without fragments counts its samples itself."""
    offset, fragmented = 0, False
    while offset + _BOX_HEADER_BYTES <= size_bytes:
        file.seek(offset)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:  # the length follows, in eight bytes
            length = int.from_bytes(header[8:])
        fragmented = fragmented or kind == b"moof"
        if length < _BOX_HEADER_BYTES:  # 0 means up to the end, wherever that is; other values are invalid
            return False
        offset += length
        if offset > size_bytes:
            return fragmented and kind in (b"moof", b"mdat")
    return False


def _ends_within_packet(file: BinaryIO, size_bytes: int) -> bool:
    """Whether the last packet of a transport stream is too short. Stray bytes between packets do not count as one."""
    head = file.read(_TS_PROBED_PACKETS * max(_TS_STRIDES_BYTES))
    for stride in _TS_STRIDES_BYTES:
        for first in range(stride):
            if head[first::stride][:_TS_PROBED_PACKETS] == _SYNC_BYTE * _TS_PROBED_PACKETS:
                rest_bytes = (size_bytes - first) % stride
                file.seek(size_bytes - rest_bytes - stride)
                return 0 < rest_bytes < _TS_PACKET_BYTES and file.read(stride + 1)[::stride] == _SYNC_BYTE * 2
    return False


def _ends_within_segment(file: BinaryIO, size_bytes: int) -> bool:
    """Whether the segment of a Matroska file, which holds everything, extends beyond the end."""
    file.seek(0)
    if file.read(len(_EBML_ID)) != _EBML_ID:
        return False
    file.seek(_element_bytes(file) or 0, 1)
    if file.read(len(_SEGMENT_ID)) != _SEGMENT_ID:
        return False
    segment_bytes = _element_bytes(file)
    return segment_bytes is not None and file.tell() + segment_bytes > size_bytes


def _element_bytes(file: BinaryIO) -> int | None:
    """The length of an EBML element, read behind its identifier: RFC 8794, section 4. None: it is not known."""
    first = int.from_bytes(file.read(1))
    more = 8 - first.bit_length()  # each zero before the first one announces a further byte
    number = (first << 8 * more | int.from_bytes(file.read(more))) & (1 << 7 * (more + 1)) - 1
    return None if more > 7 or number == (1 << 7 * (more + 1)) - 1 else number
