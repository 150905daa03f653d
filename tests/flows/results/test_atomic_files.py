"""A folder that cannot be written: one line with a cure that helps."""

import errno
import os
import re
from pathlib import Path

import pytest

from flows.results.atomic_files import locked_folder
from tasks.errors import OutputError


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk is full; free some space, or choose another place with output_dir=$"),
        (errno.EROFS, "Read-only file system; make it writable, or choose another place with output_dir=$"),
        (errno.EIO, "Input/output error; choose another place with output_dir=$"),
        (errno.EFBIG, r"a file would be larger than is allowed; raise the limit \(ulimit -f\), or choose another"),
        (errno.ENOENT, "it is not there, and no folder can be made there; choose another place with output_dir=$"),
    ],
)
def test_each_write_error_has_a_cure_that_helps(code: int, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=rf"^{re.escape(str(tmp_path))}: {sentence}"), locked_folder(tmp_path):
        raise OSError(code, os.strerror(code))


def test_a_file_in_the_place_of_the_output_folder_is_named_and_moving_it_helps(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    fact = f"^{tmp_path}/out/walk: {tmp_path}/out is a file, not a folder; move it, or choose another place with output"
    with pytest.raises(OutputError, match=fact), locked_folder(tmp_path / "out" / "walk"):
        pass
    (tmp_path / "out").rename(tmp_path / "moved")
    with locked_folder(tmp_path / "out" / "walk"):
        pass


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG])
def test_a_copy_that_finds_no_room_is_no_fault_of_its_source(code: int, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=rf"^{re.escape(str(tmp_path))}: "), locked_folder(tmp_path):
        raise OSError(code, os.strerror(code), "/elsewhere/source", None, str(tmp_path / "copy"))


def test_a_place_that_allows_no_folders_is_not_advised_to_be_made_writable() -> None:
    with (
        pytest.raises(OutputError, match=r"^/proc/x: it is not there, and no folder can be made"),
        locked_folder(Path("/proc/x")),
    ):
        pass
