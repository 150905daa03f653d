"""Reading a written video back tells what is missing or damaged."""

from pathlib import Path

import av
import pytest

from tasks.errors import OutputError
from tasks.media.output.read_back import verify_video
from tests.support.clips import Made, make


def test_missing_frames_are_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made())
    verify_video(path, 12)
    with pytest.raises(OutputError, match=r"a\.mp4: holds 12 frames instead of 13; run again"):
        verify_video(path, 13)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(OutputError, match="cannot be read back"):
        verify_video(path, 12)
    with pytest.raises(OutputError, match="no such file"):
        verify_video(tmp_path / "none.mp4", 12)


def test_a_file_that_ends_too_early_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    content = path.read_bytes()
    for kept in (0.9, 0.5):
        path.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames instead of 12"):
            verify_video(path, 12)


def test_a_damaged_key_frame_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    with av.open(str(path)) as file:
        first = next(packet for packet in file.demux(video=0) if packet.is_keyframe)
        start, size = first.pos or 0, first.size
    content = bytearray(path.read_bytes())
    content[start + size - 400 : start + size - 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames instead of 12 \(.+\); run again"):
        verify_video(path, 12)


def test_a_damaged_frame_that_is_no_key_frame_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", Made(size_px=(320, 240), container={"movflags": "+faststart"}))
    with av.open(str(path)) as file:
        later = [packet for packet in file.demux(video=0) if packet.size and not packet.is_keyframe]
        start, size = later[2].pos or 0, later[2].size
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"a\.mp4: holds \d+ frames instead of 12"):
        verify_video(path, 12)
