"""Inputs without an end, or much too large, are refused with one line, soon and in little memory."""

import os
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from flows.videos import MAX_LIST_BYTES, find_videos
from tasks.errors import OutputError, SettingError, UnreadableFile
from tasks.execution.computation import require_tables_of_clip
from tasks.maths.body.landmarks import PoseTrack
from tasks.media.files import tables
from tasks.media.files.compression import pack
from tasks.media.files.mattes_file import matte_writer, read_mattes
from tasks.media.files.plates_file import PlateFile, plate_writer
from tasks.media.files.tables import read_table, write_table
from tasks.media.matting.person_matte import Matte
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.plate import Plate
from tasks.requests import PeopleRequest
from tests.support.artifacts import artifact, clip_artifact
from tests.support.program import ROOT

NAMES_CPU_S = 10  # 20,000 names took more than a minute
MEMORY_KB = 1_200_000
LONGEST_S = 120  # on a busy machine; alone it takes a second


def refused(*overrides: str, cwd: Path) -> str:
    """Standard error of a dry run that refuses a setting, with the bounds on time and memory."""
    code = (
        "import re, sys; from flows.cli.command import run_command_line\n"
        "try:\n    run_command_line()\n"
        "finally:\n    print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-P", "-c", code, *overrides, "plan=true", "output_dir=out"]
    ended = subprocess.run(
        arguments, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("stillwalk: ") and ended.stderr.count("\n") == 1
    assert int(ended.stdout) < MEMORY_KB
    return ended.stderr


def png(path: Path, side_px: int) -> Path:
    """A black square with one bit for each pixel: small as a file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = bytes((1 + (side_px + 7) // 8) * side_px)
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def test_a_list_that_never_ends_is_refused(tmp_path: Path) -> None:
    assert "the list /dev/zero is not a regular file; " in refused("video=@/dev/zero", cwd=tmp_path)


def test_a_list_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file; " in refused("video=@pipe", cwd=tmp_path)


def test_a_huge_list_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "list.txt"
    with listing.open("wb") as file:
        file.truncate(40 << 30)  # a hole: it takes no place on the disk
    with pytest.raises(SettingError, match=rf"list\.txt is larger than {MAX_LIST_BYTES >> 20} MiB; "):
        find_videos(f"@{listing}")


@pytest.mark.parametrize("different", [True, False])
def test_many_names_are_read_soon(tmp_path: Path, different: bool) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{number}/walk{number if different else ''}.mp4\n" for number in range(20_000)))
    started_s = time.process_time()
    videos = find_videos(f"@{listing}")
    assert len({video.name for video in videos}) == 20_000
    assert time.process_time() - started_s < NAMES_CPU_S


def test_a_background_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    picture = png(tmp_path / "huge.png", 30_000)
    line = refused("video=demo", "background=image", f"background.image={picture}", cwd=tmp_path)
    assert f"background.image: {picture} has too many pixels; give a picture of at most 64 megapixels" in line


def test_a_huge_picture_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.bmp").open("wb") as file:
        file.truncate(40 << 30)
    line = refused("video=demo", "background=image", "background.image=huge.bmp", cwd=tmp_path)
    assert "huge.bmp is larger than 256 MiB; " in line


PICTURE_PX = (64, 48)
HUGE_BYTES = 1 << 29
GRAY = nearest_layout("gray")
Members = dict[str, bytes]


@contextmanager
def little_memory() -> Iterator[None]:
    """Fails where more than a tenth of what a file claims is taken."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < HUGE_BYTES / 10
    finally:
        tracemalloc.stop()


def rewritten(path: Path, change: Callable[[Members], None], *, compression: int = zipfile.ZIP_STORED) -> Path:
    """The zip file again, with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def plates(folder: Path) -> Path:
    """One plate of the whole picture."""
    plane = np.zeros(PICTURE_PX[::-1], np.uint8)
    with plate_writer(folder / "plates.zip", GRAY) as writer:
        writer.write(Plate(0, PICTURE_PX, Region(0, 0, *PICTURE_PX), (plane,), np.zeros((6, 8), np.uint8), 1.0, False))
    return folder / "plates.zip"


def mattes(folder: Path) -> Path:
    """One matte over the whole picture."""
    opacity = np.zeros(PICTURE_PX[::-1], np.uint8)
    with matte_writer(folder / "mattes.zip", GRAY) as writer:
        writer.write(Matte(Region(0, 0, *PICTURE_PX), opacity, (opacity,)))
    return folder / "mattes.zip"


def bomb(*, box: tuple[int, int] | None) -> Callable[[Members], None]:
    """Half a gigabyte in some kilobytes, over a box that reaches to ``box``; None: over that of the picture."""

    def change(members: Members) -> None:
        packed = pack(bytes(HUGE_BYTES))
        index = np.frombuffer(members["index"], "<i8").copy()
        index[5:] = HUGE_BYTES, len(packed)
        if box is not None:
            index[3:5] = box
        members.update({"index": index.tobytes(), "mattes_00000000": packed})

    return change


@pytest.mark.parametrize("box", [None, (1 << 15, 1 << 14), (1 << 40, 1 << 40)])
def test_a_matte_that_claims_more_than_the_picture_is_refused_before_it_is_unpacked(
    box: tuple[int, int] | None, tmp_path: Path
) -> None:
    path = rewritten(mattes(tmp_path), bomb(box=box))
    assert path.stat().st_size < HUGE_BYTES / 1000
    with little_memory(), pytest.raises(OutputError, match=r"longer than its box|not in the picture"):
        next(read_mattes(path, GRAY, PICTURE_PX, 1))


def test_mattes_that_a_zip_unpacks_to_gigabytes_are_refused(tmp_path: Path) -> None:
    def change(members: Members) -> None:
        members["mattes_00000000"] = bytes(HUGE_BYTES)

    path = rewritten(mattes(tmp_path), change, compression=zipfile.ZIP_DEFLATED)
    with little_memory(), pytest.raises(OutputError, match="compressed"):
        next(read_mattes(path, GRAY, PICTURE_PX, 1))


@pytest.mark.parametrize(
    ("member", "old", "new", "told"),
    [
        ("0", b"[0, 0, 64, 48]", b"[0, 0, 32768, 16384]", "reaches too far"),
        ("0", b"[0, 0, 64, 48]", b"[-9000, 0, 64, 48]", "reaches too far"),
        ("0", b"[0, 0, 64, 48]", b"[0, 0, 0, 48]", "is empty"),
        ("0", b"[0, 0, 64, 48]", b"7", "cannot be read"),
        ("seen", b"[8, 6]", b"[32768, 16384]", "larger than its box"),
    ],
)
def test_a_plate_that_claims_more_than_any_has_is_refused_before_it_is_unpacked(
    member: str, old: bytes, new: bytes, told: str, tmp_path: Path
) -> None:
    def change(members: Members) -> None:
        assert old in members["plates.json"]
        members["plates.json"] = members["plates.json"].replace(old, new)
        members[f"plate_00000000_{member}"] = pack(bytes(HUGE_BYTES))

    path = rewritten(plates(tmp_path), change)
    with little_memory(), pytest.raises(OutputError, match=told):
        PlateFile(path, PICTURE_PX).read(0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"agreement": 1.0', b'"agreement": "1.0"'),
        (b'"agreement": 1.0', b'"agreement": NaN'),
        (b'"agreement": 1.0', b'"agreement": true'),
        (b'"parallax": false', b'"parallax": "no"'),
        (b'"frame": 0', b'"frame": 0.0'),
    ],
)
def test_a_plate_whose_index_holds_values_of_other_types_is_refused(old: bytes, new: bytes, tmp_path: Path) -> None:
    def change(members: Members) -> None:
        assert old in members["plates.json"]
        members["plates.json"] = members["plates.json"].replace(old, new)

    with pytest.raises(OutputError, match="of a plate in it is"):
        PlateFile(rewritten(plates(tmp_path), change), PICTURE_PX)


@pytest.mark.parametrize("index", [b"[1]", b"[" * 100_000, b"{}", b'{"pixel_format": "gray", "plates": [5]}'])
def test_plates_with_an_index_of_another_kind_are_refused(index: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "plates.zip", "w") as archive:
        archive.writestr("plates.json", index)
    with pytest.raises(OutputError, match="delete it and run again"):
        PlateFile(tmp_path / "plates.zip", PICTURE_PX)


def test_a_small_table_of_many_equal_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "a.parquet", {name: np.zeros(100_000, np.bool_) for name in "abc"})
    assert (tmp_path / "a.parquet").stat().st_size < 2000
    monkeypatch.setattr(tables, "MAX_TABLE_BYTES", 1 << 20)
    with pytest.raises(OutputError, match="it claims 100000 rows in 2400000 bytes"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(("rows", "refused"), [(30 * 33 * 8, False), (30 * 33 * 8 + 1, True)])
def test_a_table_with_more_rows_than_the_clip_has_landmarks_is_refused_unread(
    rows: int, refused: bool, tmp_path: Path
) -> None:
    points = np.zeros((30, 33))
    track = PoseTrack(np.arange(30) / 30, np.zeros((30, 33, 2)), points, points, points)
    clip = clip_artifact(tmp_path / "decode", track, PICTURE_PX)
    (tmp_path / "pose").mkdir()
    write_table(tmp_path / "pose" / "people.parquet", {"x_px": np.zeros(rows)})
    request = PeopleRequest(clip, artifact("pose", tmp_path / "pose"), min_seen_s=0.5)
    if not refused:
        require_tables_of_clip(request)
        return
    with pytest.raises(UnreadableFile, match="it claims 7921 rows, and the clip has at most 7920"):
        require_tables_of_clip(request)
