"""Compress bytes and planes for the cache, losslessly and in little time: Zstandard at its fastest usual level.

For mattes and plates of three clips (jogger, moonwalk, side walk) it takes 0.3 to 0.4 of the time of deflate's fastest
level, or of a PNG's, to write and to read. The size is the same for mattes, and 2 to 9 % larger for plates.
"""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MOST_BYTES: Final = 1 << 30  # of one piece, unpacked
_CODEC: Final = pa.Codec("zstd", compression_level=1)


def pack(content: bytes | NDArray[Any]) -> bytes:
    """The bytes, packed; the same ones give the same. An array must be contiguous."""
    return bytes(_CODEC.compress(content, asbytes=True))


def unpack(packed: bytes, size: int) -> bytes:
    """The ``size`` bytes that were packed. ``ValueError`` or ``OSError`` where that is not what they are."""
    if not 0 <= size <= MOST_BYTES:
        raise ValueError(f"a part of it has {size} bytes")
    return bytes(_CODEC.decompress(packed, size, asbytes=True))


def pack_plane(plane: NDArray[Any]) -> bytes:
    """A plane (h, w) of whole numbers, packed: each row as what it differs by from the one above."""
    apart = plane.copy()
    np.subtract(plane[1:], plane[:-1], out=apart[1:])  # overflow wraps around, there and back
    return pack(apart)


def unpack_plane(packed: bytes, shape: tuple[int, ...], dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """The plane of ``pack_plane``; errors as ``unpack``."""
    apart = np.frombuffer(unpack(packed, int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)
    plane = np.empty_like(apart)
    plane[:1] = apart[:1]
    for above, row, its in zip(plane, plane[1:], apart[1:], strict=False):  # many times as fast as to sum up an axis
        np.add(above, its, out=row)
    return plane
