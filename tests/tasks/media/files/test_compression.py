"""What is packed comes back as it was; what is damaged is refused."""

from typing import Any

import numpy as np
import pytest

from tasks.media.files.compression import MOST_BYTES, pack, pack_plane, unpack, unpack_plane


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 64)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_plane_comes_back_as_it_was(shape: tuple[int, int], kind: type[np.unsignedinteger[Any]]) -> None:
    plane = np.random.default_rng(1).integers(0, np.iinfo(kind).max, (shape[1], shape[0]), kind, endpoint=True).T
    packed = pack_plane(plane)
    assert packed == pack_plane(plane.copy())
    back = unpack_plane(packed, shape, kind)
    assert back.dtype == kind
    np.testing.assert_array_equal(back, plane)


def test_a_wall_of_one_colour_takes_nearly_no_bytes() -> None:
    assert len(pack_plane(np.full((480, 640), 120, np.uint8))) < 200


def test_damaged_bytes_and_sizes_that_nothing_has_are_refused() -> None:
    packed = pack(bytes(range(256)) * 40)
    assert unpack(packed, 256 * 40) == bytes(range(256)) * 40
    for damaged, size in ((packed[:-9], 256 * 40), (b"\0" * 40, 256 * 40), (packed, 256), (packed, -1)):
        with pytest.raises((ValueError, OSError)):
            unpack(damaged, size)
    with pytest.raises(ValueError, match="bytes"):
        unpack(packed, MOST_BYTES + 1)
