"""Clean plates survive the disk; what is damaged is refused."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.files.plates_file import PlateFile, plate_writer
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.plate import Plate

SIZE = (30, 72)
BOX = Region(-6, 4, 35, 27)  # of odd size


def stored(path: Path, layout: PixelLayout) -> Plate:
    draw = np.random.default_rng(0)
    sizes = [layout.plane_wh(index, BOX.size_px)[::-1] for index in range(layout.planes)]
    planes = tuple(draw.integers(0, 1 << layout.depth, size).astype(layout.dtype) for size in sizes)
    plate = Plate(7, SIZE, BOX, planes, draw.integers(0, 256, (3, 6), np.uint8), 0.5, False)
    with plate_writer(path, layout) as writer:
        writer.write(plate)
    return plate


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gray", "gbrp10le"])
def test_a_plate_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    written = stored(tmp_path / "plates.zip", nearest_layout(name))
    plates = PlateFile(tmp_path / "plates.zip", SIZE)
    assert plates.frames == [7]
    read = plates.read(7)
    assert (read.box, read.agreement, read.parallax) == (BOX, 0.5, False)
    for one, same in zip((*written.planes, written.seen), (*read.planes, read.seen), strict=True):
        assert one.dtype == same.dtype
        np.testing.assert_array_equal(one, same)


def test_plates_that_are_cut_short_or_changed_inside_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plates.zip"
    stored(path, nearest_layout("yuv420p"))
    content = path.read_bytes()
    path.write_bytes(content[:-50])
    with pytest.raises(OutputError, match="delete it and run again"):
        PlateFile(path, SIZE)
    path.write_bytes(content[:200] + b"\0" + content[201:])
    with pytest.raises(OutputError, match="delete it and run again"):
        PlateFile(path, SIZE).read(7)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"[-6, 4, 35, 27]", b"[-6, 4, 35, 99]"), (b"[-6, 4, 35, 27]", b"[0, 4, -35, 27]"), (b"[6, 3]", b"[6]")],
)
def test_plates_of_another_size_than_their_index_says_are_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    stored(tmp_path / "plates.zip", nearest_layout("yuv420p"))
    with zipfile.ZipFile(tmp_path / "plates.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members["plates.json"]
    members["plates.json"] = members["plates.json"].replace(old, new)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(OutputError, match="delete it and run again"):
        PlateFile(tmp_path / "other.zip", SIZE).read(7)


def test_a_plate_whose_frame_is_no_number_is_refused(tmp_path: Path) -> None:
    stored(tmp_path / "plates.zip", nearest_layout("yuv420p"))
    with zipfile.ZipFile(tmp_path / "plates.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["plates.json"] = members["plates.json"].replace(b'"frame": 7', b'"frame": "7"')
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(OutputError, match="delete it and run again"):
        PlateFile(tmp_path / "other.zip", SIZE).read("7")  # type: ignore[arg-type]
