"""Whether a file that does not say how many frames it has ends in the middle of something, as one cut off does."""

from pathlib import Path
from typing import BinaryIO, Final

_SYNC: Final = b"G"  # 0x47, the first byte of each packet of a transport stream
_PACKET_BYTES: Final = 188
_STRIDES: Final = (_PACKET_BYTES, 192, 204)  # plain, with a time before each packet (M2TS), with check bytes after it
_LOOKED_AT: Final = 5  # packets in a row that tell the stride


def torn_end(path: Path, container: str) -> str:
    """What the file ends in the middle of, in a few words; "" where nothing shows that it was cut off.

    ``container`` is libavformat's name of it. A fragmented MP4 that was cut between two fragments, or a transport
    stream between two packets, looks whole.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if "mp4" in container and _within_fragment(file, size):
            return "the file ends early, within a fragment"
        if container == "mpegts" and _within_packet(file, size):
            return "the file ends early, within a packet"
    return ""


def _within_fragment(file: BinaryIO, size: int) -> bool:
    """Whether a box of a fragment says that it goes on beyond the end. An MP4 in one piece counts its samples."""
    at, fragmented = 0, False
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4]), head[4:8]
        if length == 1:  # the length follows, in eight bytes
            length = int.from_bytes(head[8:])
        fragmented = fragmented or kind == b"moof"
        if length < 8:  # 0: up to the end, wherever that is; others are no lengths
            return False
        at += length
        if at > size:
            return fragmented and kind in (b"moof", b"mdat")
    return False


def _within_packet(file: BinaryIO, size: int) -> bool:
    """Whether the last packet is shorter than all are; what lies between packets by mistake is not taken for one."""
    head = file.read(_LOOKED_AT * max(_STRIDES))
    for stride in _STRIDES:
        for first in range(stride):
            if head[first::stride][:_LOOKED_AT] == _SYNC * _LOOKED_AT:
                rest = (size - first) % stride
                file.seek(size - rest - stride)
                return 0 < rest < _PACKET_BYTES and file.read(stride + 1)[::stride] == _SYNC * 2
    return False
