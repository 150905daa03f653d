"""Members stored as they are: the same bytes at any time; what is compressed, or no object, is refused."""

import zipfile
from pathlib import Path

import pytest

from tasks.media.files.stored_zip import read_stored, read_stored_object, write_stored


def test_members_come_back_and_bear_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        write_stored(archive, "a", b"0" * 1000)
        write_stored(archive, "b.json", b'{"frames": 2}')
    with zipfile.ZipFile(path) as archive:
        assert read_stored(archive, "a") == b"0" * 1000
        assert read_stored_object(archive, "b.json") == {"frames": 2}
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_what_is_compressed_or_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("packed", b"0" * 1000)
        write_stored(archive, "list", b"[1]")
        write_stored(archive, "deep", b"[" * 200_000)
    with zipfile.ZipFile(path) as archive:
        with pytest.raises(ValueError, match="packed is compressed"):
            read_stored(archive, "packed")
        with pytest.raises(ValueError, match="list holds no object"):
            read_stored_object(archive, "list")
        with pytest.raises(ValueError, match="deep is nested too deeply"):
            read_stored_object(archive, "deep")
        with pytest.raises(KeyError):
            read_stored(archive, "none")
