"""The index of a batch or a sweep: its rows, ranks and files."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.results.index import index_row, merge_rows, read_sweep_index, require_own_index, write_index
from flows.results.result import Result, StageRun
from flows.sweep import SweepSetting
from flows.videos import Video, path_digest
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
    settings = [SweepSetting(name, [name]) for name in dict.fromkeys(one.setting for one in results)]
    assert write_index(settings, results, folder, NOW) == ""
    return read_sweep_index(folder)


def column(index: dict[str, Any], name: str) -> list[Any]:
    return [row[name] for row in index["rows"]]


def test_rows_are_ranked_within_their_video_and_settings_over_all_videos(tmp_path: Path) -> None:
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


def test_each_person_has_a_row_that_only_the_same_person_replaces(tmp_path: Path) -> None:
    def of(person: int, lock: float, setting: str = "x") -> Result:
        one = result(tmp_path, f"walk/person-{person}", setting, lock)
        return replace(one, video=Video("walk", Path("/clips/walk.mp4")), person=person)

    sweep(tmp_path, of(1, 1.0), of(2, 2.0))
    index = sweep(tmp_path, of(2, 0.5), of(1, 3.0, "y"))
    assert column(index, "video") == ["walk person 1", "walk person 1", "walk person 2"]
    assert column(index, "folder") == ["x/walk/person-1", "y/walk/person-1", "x/walk/person-2"]
    assert column(index, "best") == [True, False, True]
    assert [row["metrics"]["lock_rms"] for row in index["rows"]] == [1.0, 3.0, 0.5]


def test_the_people_of_one_video_are_no_batch(tmp_path: Path) -> None:
    people = [replace(result(tmp_path, "walk", "", 1.0), person=number) for number in (1, 2)]
    assert write_index([SweepSetting("", [])], people, tmp_path, NOW) == ""
    assert not list(tmp_path.iterdir())


def test_a_failure_has_no_rank_and_counts_as_last(tmp_path: Path) -> None:
    failed = [result(tmp_path, "c", setting, 0.0, "broken") for setting in "xy"]
    one_failed = [result(tmp_path, "b", "x", 0.0, "no room"), result(tmp_path, "b", "y", 9.0)]
    index = sweep(tmp_path, result(tmp_path, "a", "x", 1.0), result(tmp_path, "a", "y", 2.0), *one_failed, *failed)
    assert column(index, "rank") == [1, 2, 0, 1, 0, 0]
    assert [one["mean_rank"] for one in index["settings"]] == [1.5, 1.5]
    assert [one["best"] for one in index["settings"]] == [True, False]


def test_a_video_without_a_setting_counts_as_its_last_rank(tmp_path: Path) -> None:
    sweep(tmp_path, result(tmp_path, "a", "x", 1.0), result(tmp_path, "a", "y", 2.0))
    index = sweep(tmp_path, result(tmp_path, "b", "z", 9.0))
    assert [(one["setting"], one["mean_rank"]) for one in index["settings"]] == [("x", 2.0), ("y", 2.5), ("z", 2.0)]
    assert [one["setting"] for one in index["settings"] if one["best"]] == ["x"]


def test_two_videos_with_one_name_are_two_rows_in_every_file(tmp_path: Path) -> None:
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


def test_a_continued_sweep_keeps_its_earlier_rows(tmp_path: Path) -> None:
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


def test_only_several_videos_have_an_index(tmp_path: Path) -> None:
    alone, other = result(tmp_path, "a", "", 1.0), result(tmp_path, "b", "", 0.0, "broken")
    assert write_index([SweepSetting("", [])], [alone], tmp_path, NOW) == ""
    assert list(tmp_path.iterdir()) == []
    assert write_index([SweepSetting("", [])], [alone, other], tmp_path, NOW) == ""
    batch = json.loads((tmp_path / "batch.json").read_text())
    assert (column(batch, "rank"), column(batch, "error")) == ([1, 0], ["", "broken"])
    assert "settings" not in batch


def test_a_page_that_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    require_own_index(tmp_path, "batch")
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(SettingError, match=r"^output_dir: .*index\.html was not written by this program and would be"):
        require_own_index(tmp_path, "batch")
    write_index([SweepSetting("", [])], [result(tmp_path, name, "", 1.0) for name in "ab"], tmp_path, NOW)
    require_own_index(tmp_path, "batch")
    (tmp_path / "batch.json").write_text('{"jobs": []}')
    with pytest.raises(SettingError, match=r"batch\.json was not written by this program"):
        require_own_index(tmp_path, "batch")


def test_an_index_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    results = [result(tmp_path, name, "", 1.0) for name in "ab"]
    assert "choose another place with output_dir=" in write_index(
        [SweepSetting("", [])], results, tmp_path / "file", NOW
    )


def row(home: Path, place: str, folder: str, name: str = "walk", setting: str = "x", error: str = "") -> dict[str, Any]:
    video = Video(name, Path(place) if place else None)
    return index_row(Result(video, error, home / setting / folder if folder else None, setting=setting), home)


def names_and_folders(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["video"], one["folder"]) for one in rows]


def write_record(folder: Path, place: str, error: str = "", *, page: bool = True) -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"video": {"path": place, "sha256": "0"}, "error": error}))
    if page:
        (folder / "report.html").touch()


def digest_names(*places: str) -> list[str]:
    return [f"walk-{path_digest(Path(place))}" for place in places]


def test_two_videos_with_one_name_are_two_rows_with_different_names(tmp_path: Path) -> None:
    a, b = "/a/walk.mp4", "/b/walk.mp4"
    rows = merge_rows([row(tmp_path, a, "walk")], [row(tmp_path, b, "walk-1")], tmp_path)
    assert names_and_folders(rows) == list(zip(digest_names(a, b), ("x/walk", "x/walk-1"), strict=True))


def test_a_video_named_differently_by_another_command_is_one_row(tmp_path: Path) -> None:
    a, b = "/a/walk.mp4", "/b/walk.mp4"
    both = [row(tmp_path, a, "walk", digest_names(a)[0]), row(tmp_path, b, "walk-1", digest_names(b)[0])]
    rows = merge_rows([row(tmp_path, a, "walk")], both, tmp_path)
    assert names_and_folders(rows) == list(zip(digest_names(a, b), ("x/walk", "x/walk-1"), strict=True))
    assert names_and_folders(merge_rows(both[:1], [row(tmp_path, a, "walk")], tmp_path)) == [("walk", "x/walk")]


def test_a_moved_video_with_the_same_folder_is_one_row(tmp_path: Path) -> None:
    rows = merge_rows([row(tmp_path, "/a/walk.mp4", "walk")], [row(tmp_path, "/new/walk.mp4", "walk")], tmp_path)
    assert [(one["video"], one["path"]) for one in rows] == [("walk", "/new/walk.mp4")]


def test_a_failure_without_a_folder_replaces_only_the_row_of_its_video(tmp_path: Path) -> None:
    before = [row(tmp_path, "/a/walk.mp4", "walk"), row(tmp_path, "/b/walk.mp4", "walk-1"), row(tmp_path, "", "demo")]
    rows = merge_rows(before, [row(tmp_path, "/b/walk.mp4", "", error="no such file")], tmp_path)
    assert [(one["folder"], one["error"]) for one in rows] == [("x/walk", ""), ("", "no such file"), ("x/demo", "")]


@pytest.mark.parametrize("known", [True, False])
def test_rows_of_an_older_version_are_identified_by_record_or_name(tmp_path: Path, known: bool) -> None:
    a = "/a/walk.mp4"
    old = [row(tmp_path, a, "walk"), row(tmp_path, a, "walk", *digest_names(a)), row(tmp_path, a, "walk", setting="y")]
    for one in old:
        del one["path"]
    if known:
        write_record(tmp_path / "x" / "walk", a)
        write_record(tmp_path / "y" / "walk", a)
    rows = merge_rows(old, [row(tmp_path, a, "walk")], tmp_path)
    assert sorted(names_and_folders(rows)) == [("walk", "x/walk"), ("walk", "y/walk")]
    assert sorted(one["path"] for one in rows) == [a if known else "", a]


def test_a_row_links_to_an_existing_report(tmp_path: Path) -> None:
    """With or without rendered videos, and also for a row of an earlier command."""
    write_record(tmp_path / "x" / "a", "/a.mp4")
    write_record(tmp_path / "x" / "b", "/b.mp4", page=False)
    before, now = row(tmp_path, "/a.mp4", "a", "a"), row(tmp_path, "/b.mp4", "b", "b", error="broken")
    rows = merge_rows([before], [now], tmp_path)
    assert [(one["rendered"], one["report"], one["earlier"]) for one in rows] == [
        (False, True, False),
        (False, False, False),
    ]


def test_a_failure_knows_whether_its_report_is_of_an_earlier_success(
    tmp_path: Path,
) -> None:
    write_record(tmp_path / "x" / "a", "/a.mp4")
    write_record(tmp_path / "x" / "b", "/b.mp4", "broken")
    rows = merge_rows([], [row(tmp_path, f"/{name}.mp4", name, name, error="broken") for name in "ab"], tmp_path)
    assert [(one["report"], one["earlier"]) for one in rows] == [(True, True), (True, False)]


def test_of_settings_with_one_mean_rank_the_one_that_is_best_more_often_is_the_best_of_all(tmp_path: Path) -> None:
    jerky, calm = result(tmp_path, "a", "x", 1.0), result(tmp_path, "a", "y", 1.0)
    jerky.metrics["camera_accel"], calm.metrics["camera_accel"] = 0.38, 0.33
    index = sweep(tmp_path, jerky, calm)
    assert column(index, "rank") == [1, 1]
    assert [one["setting"] for one in index["settings"] if one["best"]] == ["y"]
