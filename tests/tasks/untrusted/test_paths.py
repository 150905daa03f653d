"""Paths that users type: absolute ones without dots, and links as they are."""

from pathlib import Path

import pytest

from flows.videos import find_videos
from tasks.untrusted.paths import absolute_path


def test_a_path_with_dots_is_shown_without_them_and_means_what_the_system_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "deep")
    monkeypatch.chdir(tmp_path)
    assert absolute_path("a/../b") == tmp_path.resolve() / "b"
    assert absolute_path("link/../b") == tmp_path.resolve() / "far" / "b"  # not tmp_path / "b"
    assert absolute_path("link/b") == tmp_path / "link" / "b"
    assert absolute_path("./b") == tmp_path / "b"


def test_one_video_given_with_and_without_dots_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.resolve())
    (tmp_path / "a").mkdir()
    (tmp_path / "b.mp4").write_bytes(b"clip")
    assert [video.name for video in find_videos(["b.mp4", "a/../b.mp4"])] == ["b"]
