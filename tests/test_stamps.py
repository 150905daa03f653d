"""A video that is exchanged while it is worked on is noticed: its bytes must not bear another's key."""

import os
from pathlib import Path

import pytest

from tasks.errors import VideoError
from tasks.stamps import require_unchanged, stamp_of


def test_the_same_file_has_the_same_stamp(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    require_unchanged(video, stamp_of(video))


@pytest.mark.parametrize("how", ["rewritten", "replaced", "longer"])
def test_another_file_is_told(tmp_path: Path, how: str) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    stamp = stamp_of(video)
    if how == "replaced":
        (tmp_path / "b.mp4").write_bytes(b"jump")
        os.utime(tmp_path / "b.mp4", ns=(stamp.mtime_ns, stamp.mtime_ns))
        (tmp_path / "b.mp4").replace(video)
    else:
        video.write_bytes(b"jump" if how == "rewritten" else b"walking")
        os.utime(video, ns=(stamp.mtime_ns + 1, stamp.mtime_ns + 1))
    with pytest.raises(VideoError, match=r"a\.mp4: it was changed while it was worked on; run the same command again"):
        require_unchanged(video, stamp)


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    stamp = stamp_of(video)
    video.unlink()
    with pytest.raises(VideoError, match=r"it went away while it was worked on"):
        require_unchanged(video, stamp)
