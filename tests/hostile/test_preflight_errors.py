"""An unforeseen error while one file is examined before work is that file's line, not the end of the batch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import preflight
from flows.config import settings
from flows.dry_run.dry_run import dry_run
from flows.videos import Video
from tasks.errors import VideoError
from tasks.media.input import probe, video_reader
from tests.support.clips import Made, make


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Video]]:
    """Two videos. PyAV raises an error of its own for the first one."""
    videos = [Video(name, make(tmp_path / f"{name}.mp4", Made())) for name in ("bad", "good")]
    original = video_reader.open_container

    def open_container(path: Path) -> Any:
        if path.name == "bad.mp4":
            raise ValueError("29 is not a valid Type")
        return original(path)

    settings.register_schema()
    monkeypatch.setattr(video_reader, "open_container", open_container)
    yield videos


@pytest.mark.parametrize("override", ["crop.aspect=1:1", "target=[20,20]", "encode=x265", "smoothing.window=9"])
def test_an_error_in_one_file_does_not_end_the_batch(clips: list[Video], override: str) -> None:
    config = settings.load([f"video={clips[0].path}", override])
    preflight.check_run(config, clips)
    preflight.check_video(config, clips[1])
    with pytest.raises(VideoError, match=r"bad\.mp4: cannot be examined \(ValueError: 29 is not a valid Type\); "):
        preflight.check_video(config, clips[0])


def test_the_length_of_a_file_with_an_unforeseen_error_is_that_files_line(clips: list[Video]) -> None:
    assert clips[0].path
    with pytest.raises(VideoError, match=r"bad\.mp4: cannot be examined"):
        probe.probe_length(clips[0].path)


def test_a_dry_run_goes_on_after_an_unforeseen_error(
    clips: list[Video], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings.load([f"video={tmp_path}", "crop.aspect=1:1"])
    dry_run([("", config)], tmp_path / ".cache")
    assert "good.mp4" in capsys.readouterr().out
