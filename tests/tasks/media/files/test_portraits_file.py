"""``portraits.zip``: pictures come back as they were written; the same pictures give the same bytes."""

from pathlib import Path

import pytest

from tasks.errors import OutputError
from tasks.media.files.portraits_file import read_portraits, write_portraits

PICTURES = {(2, 7): b"second", (1, 40): b"first", (12, 3): b"last"}


def test_pictures_come_back_by_track_and_frame_whatever_their_order(tmp_path: Path) -> None:
    write_portraits(tmp_path / "a.zip", PICTURES)
    write_portraits(tmp_path / "b.zip", dict(reversed(PICTURES.items())))
    assert read_portraits(tmp_path / "a.zip") == PICTURES
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    for name in ("a.zip", "missing.zip"):
        with pytest.raises(OutputError, match=rf"{name}: cannot be read .*; delete it and run again$"):
            read_portraits(tmp_path / name)
