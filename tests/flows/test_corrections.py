"""Which corrections a video gets, and that they are checked before any work."""

from pathlib import Path

import pytest

from conf.config import Config
from flows import preflight
from flows.corrections import given_corrections
from flows.videos import Video
from tasks.errors import SettingError

LINE = "frame,x_px,y_px\n{},10,20\n"


def config(folder: Path, corrections: str | None = None) -> Config:
    return Config(video="demo", output_dir=str(folder), corrections=corrections)


def test_the_file_in_the_folder_of_the_video_is_found_unless_another_or_none_is_named(tmp_path: Path) -> None:
    for place in ("demo", "demo/person-2"):
        (tmp_path / place).mkdir()
    (tmp_path / "demo" / "corrections.csv").write_text(LINE.format(1))
    (tmp_path / "demo" / "person-2" / "corrections.csv").write_text(LINE.format(2))
    (tmp_path / "other.csv").write_text(LINE.format(3))
    named = str(tmp_path / "other.csv")
    assert given_corrections(config(tmp_path), "demo").points[0][0] == 1
    assert given_corrections(config(tmp_path), "demo", 2).points[0][0] == 2
    assert given_corrections(config(tmp_path, named), "demo").points[0][0] == 3
    assert not given_corrections(config(tmp_path, "none"), "demo")
    assert not given_corrections(config(tmp_path), "walk")


def test_a_correction_outside_the_clip_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "corrections.csv").write_text(LINE.format(100_000))
    with pytest.raises(SettingError, match=r"line 2: frame 100000 is behind the last frame; give 0 to"):
        preflight.check_video(config(tmp_path), Video("demo", None))


def test_one_file_is_not_for_several_videos(tmp_path: Path) -> None:
    asked = config(tmp_path, "some.csv")
    videos = [Video("a", tmp_path / "a.mp4"), Video("b", tmp_path / "b.mp4")]
    with pytest.raises(SettingError, match=r"corrections: one file is given for 2 videos; put a corrections.csv into"):
        preflight.check_run(asked, videos)
