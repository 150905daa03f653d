"""Texts for Prefect's UI: short names without markup, tables, reports."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.prefect_server import artifact_text
from flows.results.result import Result, StageRun
from flows.videos import Video
from tasks.execution.progress_artifact import artifact_key
from tasks.media.report.small_jpeg import jpeg_within
from tests.support.pictures import decode_picture


@pytest.mark.parametrize(
    ("videos", "settings", "sweep", "name"),
    [
        (["moonwalk"], [["video=moonwalk.mp4", "smoothing.window=9"]], "", "moonwalk smoothing.window=9"),
        (["a", "b"], [["video=[a.mp4,b.mp4]", "workers=4"]], "", "a, b"),
        (["a", "b", "c", "d"], [["video=clips"]], "", "4 videos a ... d"),
        (["a"], [["smoothing.window=5"], ["smoothing.window=9"]], "windows", "a sweep windows of 2 settings"),
        (["walk [v1]"], [["outputs=[pose]"]], "", "walk (v1) outputs=(pose)"),
    ],
)
def test_a_run_is_named_by_its_videos_and_setting(
    videos: list[str], settings: list[list[str]], sweep: str, name: str
) -> None:
    assert artifact_text.run_name(videos, settings, sweep) == name


def test_a_long_name_is_shortened() -> None:
    assert len(artifact_text.run_name(["x" * 300], [[]])) == artifact_text.MAX_RUN_NAME_LENGTH


def test_tags_are_few_and_short() -> None:
    assert artifact_text.run_tags(["a", "y" * 60], "windows") == ["stillwalk", "windows", "a"]
    assert artifact_text.run_tags([f"clip{number}" for number in range(50)]) == ["stillwalk"]


@pytest.mark.parametrize(
    ("parts", "key"), [(("report", "Gehen (1) Übung"), "report-gehen-1-bung"), (("äöü",), "stillwalk")]
)
def test_artifact_keys_are_valid_for_prefect(parts: tuple[str, ...], key: str) -> None:
    assert artifact_key(*parts) == key


def finished(folder: Path) -> Result:
    metrics = {"planned": {"lock_rms": 0.5432, "visible_area_mean": 0.8}, "before": {"lock_rms": 77.8}, "units": {}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    stages = [
        StageRun("pose", "", "pose-1", "cached", 0.0),
        StageRun("render", "stabilized.mp4", "render-1", "ran", 2.0),
    ]
    return Result(Video("walk", folder / "walk.mp4"), folder=folder, stages=stages, summary=["held"])


def test_the_table_has_a_row_for_each_result(tmp_path: Path) -> None:
    bad = Result(Video("bad", tmp_path / "bad.mp4"), error="bad.mp4: not a video")
    good, failed = artifact_text.results_table([finished(tmp_path), bad])
    assert (good["result"], good["lock px"]) == ("done", 0.543)
    assert (good["ran"], good["cached"], good["seconds"]) == ("stabilized.mp4", 1, 2.0)
    assert (failed["result"], failed["lock px"]) == (r"FAILED: bad.mp4\: not a video", None)
    assert artifact_text.failure_line([finished(tmp_path), bad]) == "1 of 2 failed; bad: bad.mp4: not a video"


def test_the_report_shows_metrics_and_stages(tmp_path: Path) -> None:
    text = artifact_text.report_markdown(finished(tmp_path), b"jpeg")
    assert "| lock_rms | 77.8 | 0.543 |" in text
    assert "| stabilized.mp4 | ran | 2.0 |" in text
    assert "data:image/jpeg;base64,anBlZw==" in text


def test_markup_in_names_and_errors_is_escaped(tmp_path: Path) -> None:
    bad = Result(Video("a*b_[c]", tmp_path), error="<b>no</b>")
    assert artifact_text.report_markdown(bad, b"") == "# a\\*b\\_\\[c\\]\n\n**Failed.** \\<b\\>no\\</b\\>"


def test_a_large_picture_is_reduced(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 900, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "large.jpg"), noise)
    small = jpeg_within(tmp_path / "large.jpg", 50_000)
    assert 25_000 < len(small) <= 50_000
    shape = decode_picture(small).shape
    assert shape[1] / shape[0] == pytest.approx(1.5, rel=0.02)
    (tmp_path / "none.jpg").write_text("not a picture")
    assert jpeg_within(tmp_path / "none.jpg", 50_000) == b""
