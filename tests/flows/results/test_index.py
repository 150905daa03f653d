import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.results.index import read_sweep, require_ours, write_index
from flows.results.result import Result, StageRun
from flows.sweep import Setting
from flows.videos import Video
from tasks.errors import SettingError

NOW = datetime(2026, 1, 2, tzinfo=UTC)
METRICS: dict[str, float | None] = {"lock_rms": 1.0, "residual_accel": 1.0, "visible_area_mean": None}


def result(folder: Path, video: str, setting: str, lock: float, error: str = "") -> Result:
    metrics: dict[str, float | None] = {"lock_rms": lock, "residual_accel": lock, "visible_area_mean": None}
    stages = [StageRun("pose", "", "k", "cached", 0.0), StageRun("trajectory", "", "k", "ran", 0.1)]
    at = folder / setting / video
    return Result(
        Video(video, Path(f"/clips/{video}.mp4")), error, at, stages, metrics={} if error else metrics, setting=setting
    )


def sweep(folder: Path, *results: Result) -> dict[str, Any]:
    settings = [Setting(name, [name]) for name in dict.fromkeys(one.setting for one in results)]
    assert write_index(settings, results, folder, NOW) == ""
    return read_sweep(folder)


def column(index: dict[str, Any], name: str) -> list[Any]:
    return [row[name] for row in index["rows"]]


def test_rows_are_ranked_within_their_video_and_settings_over_all(tmp_path: Path) -> None:
    rows = [("a", "x", 2.0), ("a", "y", 1.0), ("b", "x", 5.0), ("b", "y", 4.0)]
    index = sweep(tmp_path, *(result(tmp_path, *row) for row in rows))
    assert column(index, "rank") == [2, 1, 2, 1]
    assert column(index, "best") == column(index, "pareto") == [False, True, False, True]
    assert [(one["setting"], one["mean_rank"], one["best"]) for one in index["settings"]] == [
        ("x", 2.0, False),
        ("y", 1.0, True),
    ]
    assert column(index, "folder") == ["x/a", "y/a", "x/b", "y/b"]
    assert (index["rows"][0]["ran"], index["rows"][0]["cached"]) == (1, 1)


def test_a_failure_has_no_rank_and_counts_as_the_last(tmp_path: Path) -> None:
    failed = [result(tmp_path, "c", setting, 0.0, "broken") for setting in "xy"]
    one_failed = [result(tmp_path, "b", "x", 0.0, "no room"), result(tmp_path, "b", "y", 9.0)]
    index = sweep(tmp_path, result(tmp_path, "a", "x", 1.0), result(tmp_path, "a", "y", 2.0), *one_failed, *failed)
    assert column(index, "rank") == [1, 2, 0, 1, 0, 0]
    assert [one["mean_rank"] for one in index["settings"]] == [1.5, 1.5]
    assert [one["best"] for one in index["settings"]] == [True, False]


def test_a_video_that_a_setting_was_not_tried_on_counts_as_the_last(tmp_path: Path) -> None:
    sweep(tmp_path, result(tmp_path, "a", "x", 1.0), result(tmp_path, "a", "y", 2.0))
    index = sweep(tmp_path, result(tmp_path, "b", "z", 9.0))
    assert [(one["setting"], one["mean_rank"]) for one in index["settings"]] == [("x", 2.0), ("y", 2.5), ("z", 2.0)]
    assert [one["setting"] for one in index["settings"] if one["best"]] == ["x"]


def test_two_videos_of_one_name_are_two_rows_in_all_that_is_written(tmp_path: Path) -> None:
    first, second = (
        Result(Video("walk", Path(f"/{place}/walk.mp4")), "", tmp_path / "x" / folder, metrics=METRICS, setting="x")
        for place, folder in (("a", "walk"), ("b", "walk-1"))
    )
    sweep(tmp_path, first)
    index = sweep(tmp_path, second)
    names = column(index, "video")
    assert column(index, "rank") == [1, 1] and len(set(names)) == 2
    with (tmp_path / "sweep.csv").open() as file:
        assert [(row["video"], row["path"]) for row in csv.DictReader(file)] == [
            (names[0], "/a/walk.mp4"),
            (names[1], "/b/walk.mp4"),
        ]
    assert all(name in (tmp_path / "index.html").read_text() for name in names)


def test_a_sweep_that_goes_on_keeps_what_was_there(tmp_path: Path) -> None:
    sweep(tmp_path, result(tmp_path, "a", "x", 2.0), result(tmp_path, "b", "x", 2.0))
    index = sweep(tmp_path, result(tmp_path, "a", "y", 3.0), result(tmp_path, "a", "x", 4.0))
    assert [(row["video"], row["setting"], row["rank"]) for row in index["rows"]] == [
        ("a", "x", 2),
        ("a", "y", 1),
        ("b", "x", 1),
    ]
    with (tmp_path / "sweep.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [(row["setting"], row["lock_rms"]) for row in table] == [("x", "4.0"), ("y", "3.0"), ("x", "2.0")]
    assert (tmp_path / "index.html").read_text()


def test_an_index_of_another_schema_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(json.dumps({"schema": 0, "rows": [{"video": "old"}], "settings": []}))
    assert column(sweep(tmp_path, result(tmp_path, "a", "x", 2.0)), "video") == ["a"]


def test_several_videos_have_an_index_and_one_alone_has_none(tmp_path: Path) -> None:
    alone, other = result(tmp_path, "a", "", 1.0), result(tmp_path, "b", "", 0.0, "broken")
    assert write_index([Setting("", [])], [alone], tmp_path, NOW) == ""
    assert list(tmp_path.iterdir()) == []
    assert write_index([Setting("", [])], [alone, other], tmp_path, NOW) == ""
    batch = json.loads((tmp_path / "batch.json").read_text())
    assert (column(batch, "rank"), column(batch, "error")) == ([1, 0], ["", "broken"])
    assert "settings" not in batch


def test_a_page_of_somebody_elses_is_not_overwritten(tmp_path: Path) -> None:
    require_ours(tmp_path)
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(SettingError, match=r"^output_dir: .*index\.html is not of this program, and would be"):
        require_ours(tmp_path)
    write_index([Setting("", [])], [result(tmp_path, name, "", 1.0) for name in "ab"], tmp_path, NOW)
    require_ours(tmp_path)
    (tmp_path / "batch.json").write_text('{"jobs": []}')
    with pytest.raises(SettingError, match=r"batch\.json is not of this program"):
        require_ours(tmp_path)


def test_an_index_that_cannot_be_written_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    results = [result(tmp_path, name, "", 1.0) for name in "ab"]
    assert "choose another place with output_dir=" in write_index([Setting("", [])], results, tmp_path / "file", NOW)
