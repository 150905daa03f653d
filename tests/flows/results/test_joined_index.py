"""``stillwalk index``: one index of the results of several runs."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.cli.index_command import run_index_command
from flows.results.index import write_index
from flows.results.result import Result, StageRun
from flows.sweep import SweepSetting
from flows.videos import Video

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLANNED: dict[str, float | None] = {"lock_rms": 1.0, "residual_accel": 1.0, "visible_area_mean": 0.9}


def finished(folder: Path, name: str, *, setting: str = "", lock_px: float = 1.0, error: str = "") -> Result:
    """A result, and the files that a run leaves of it."""
    place = folder / setting / name
    place.mkdir(parents=True, exist_ok=True)
    metrics = PLANNED | {"lock_rms": lock_px}
    stages = [
        {"stage": "pose", "output": "", "status": "ran"},
        {"stage": "render", "output": "a.mp4", "status": "cached"},
    ]
    record = {"video": {"name": name, "path": f"/clips/{name}.mp4", "sha256": "0"}, "error": error, "stages": stages}
    (place / "run.json").write_text(
        json.dumps(record | {"deliverables": {}} | ({"setting": setting} if setting else {}))
    )
    (place / "report.html").write_text("report")
    (place / "metrics.json").write_text(json.dumps({"planned": metrics, "units": {}}))
    video = Video(name, Path(f"/clips/{name}.mp4"))
    done = [StageRun(one["stage"], one["output"], "", one["status"], 0.0) for one in stages]
    return Result(video, error, place, done, metrics={} if error else metrics, setting=setting)


def indexed(*folders: Path) -> int:
    return run_index_command([str(folder) for folder in folders])


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return found


def test_the_shares_of_a_run_become_one_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In folders of their own, which the index lies above."""
    write_index([SweepSetting("", [])], [finished(tmp_path / "1", "b", lock_px=2.0)], tmp_path / "1", NOW, "1/2")
    missing = Result(Video("c", Path("/clips/c.mp4")), "/clips/c.mp4: there is no such file; check the path")
    write_index([SweepSetting("", [])], [finished(tmp_path / "2", "a"), missing], tmp_path / "2", NOW, "2/2")
    assert indexed(tmp_path / "1", tmp_path / "2") == 0
    found = rows(tmp_path / "batch.json")
    assert [(row["video"], row["folder"], row["metrics"].get("lock_rms")) for row in found] == [
        ("a", "2/a", 1.0),
        ("b", "1/b", 2.0),
        ("c", "", None),
    ]
    assert [(row["ran"], row["cached"], row["rendered"]) for row in found[:2]] == [(1, 1, True)] * 2
    assert [line["video"] for line in csv.DictReader((tmp_path / "batch.csv").read_text().splitlines())] == [
        "a",
        "b",
        "c",
    ]
    page = (tmp_path / "index.html").read_text()
    assert './1/b/report.html"' in page and './2/a/report.html"' in page
    told = capsys.readouterr()
    assert told.out == f"3 results of 3 videos, 1 failed\noverview: {tmp_path / 'index.html'}\n"
    assert told.err == "c: FAILED: /clips/c.mp4: there is no such file; check the path\n"


def test_shares_that_wrote_into_one_folder_are_joined_there(tmp_path: Path) -> None:
    for number, name in ((1, "a"), (2, "b")):
        write_index([SweepSetting("", [])], [finished(tmp_path, name)], tmp_path, NOW, f"{number}/2")
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["shard-1-of-2.json", "shard-2-of-2.json"]
    assert indexed(tmp_path) == indexed(tmp_path) == 0
    assert [row["folder"] for row in rows(tmp_path / "batch.json")] == ["a", "b"]


def test_a_pattern_of_the_shell_that_also_names_the_index_joins_the_folders_again(tmp_path: Path) -> None:
    for number, name in ((1, "a"), (2, "b")):
        finished(tmp_path / str(number), name)
        write_index([SweepSetting("", [])], [], tmp_path, NOW, f"{number}/2")
    assert indexed(*tmp_path.glob("[12]")) == 0
    named = sorted(tmp_path.glob("*"))
    assert {"batch.csv", "batch.json", "index.html", "shard-1-of-2.json"} < {path.name for path in named}
    finished(tmp_path / "2", "c")
    assert indexed(*named) == 0
    assert [row["folder"] for row in rows(tmp_path / "batch.json")] == ["1/a", "2/b", "2/c"]


def test_sweeps_are_ranked_together_and_keep_their_overrides(tmp_path: Path) -> None:
    for share, name, locks_px in (("1", "a", (2.0, 1.0)), ("2", "b", (1.0, 2.0)), ("3", "c", (3.0, 1.0))):
        home = tmp_path / share
        made = [finished(home, name, setting=one, lock_px=px) for one, px in zip("xy", locks_px, strict=True)]
        write_index([SweepSetting(one, [f"o={one}"]) for one in "xy"], made, home, NOW, f"{share}/3")
    assert indexed(*(tmp_path / share for share in "123")) == 0
    index = json.loads((tmp_path / "sweep.json").read_text())
    assert [(row["video"], row["setting"], row["rank"]) for row in index["rows"]] == [
        *(("a", "x", 2), ("a", "y", 1), ("b", "x", 1), ("b", "y", 2), ("c", "x", 2), ("c", "y", 1)),
    ]
    assert [(one["setting"], one["overrides"], one["best"]) for one in index["settings"]] == [
        ("x", ["o=x"], False),
        ("y", ["o=y"], True),
    ]


def test_rows_of_an_index_that_lacks_what_newer_ones_say_are_listed(tmp_path: Path) -> None:
    row = {"video": "walk", "setting": "", "folder": "", "error": "", "metrics": {"lock_rms": 1.5}}
    (tmp_path / "batch.json").write_text(json.dumps({"schema": 1, "rows": [row]}))
    assert indexed(tmp_path) == 0
    assert [(row["video"], row["rank"], row["rendered"]) for row in rows(tmp_path / "batch.json")] == [
        ("walk", 1, False)
    ]


def test_what_was_written_last_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A later failure leaves the record of a success; a later success leaves the index of a failure."""
    failed = finished(tmp_path / "1", "a", error="broken")
    write_index([SweepSetting("", [])], [failed], tmp_path / "1", NOW, "1/2")
    finished(tmp_path / "1", "a", lock_px=3.0)
    os.utime(tmp_path / "1" / "shard-1-of-2.json", (1, 1))
    finished(tmp_path / "2", "a", lock_px=4.0)
    os.utime(tmp_path / "2" / "a" / "run.json", (2, 2))
    assert indexed(tmp_path / "1", tmp_path / "2") == 0
    assert [(row["error"], row["folder"], row["metrics"]["lock_rms"]) for row in rows(tmp_path / "batch.json")] == [
        ("", "1/a", 3.0)
    ]
    assert "1 result in several folders: what was written last counts\n" in capsys.readouterr().out
    os.utime(tmp_path / "1" / "shard-1-of-2.json", (9e9, 9e9))
    assert indexed(tmp_path / "1") == 0
    assert [row["error"] for row in rows(tmp_path / "1" / "batch.json")] == ["broken"]


def test_results_that_were_removed_are_not_listed(tmp_path: Path) -> None:
    made = [finished(tmp_path, name) for name in "ab"]
    write_index([SweepSetting("", [])], made, tmp_path, NOW)
    for file in (tmp_path / "a").iterdir():
        file.unlink()
    (tmp_path / "a").rmdir()
    assert indexed(tmp_path) == 0
    assert [row["video"] for row in rows(tmp_path / "batch.json")] == ["b"]


REFUSED = {
    "": "index: the following arguments are required: FOLDER; `stillwalk index --help` shows how it is called",
    "none": "index: {0}/none is not a folder; name folders with results",
    "swept/sweep.json": "index: {0}/swept/sweep.json is not a folder; name folders with results",
    "swept swept/x/a/report.html": "index: {0}/swept/x/a/report.html is not a folder; name folders with results",
    "empty": "index: {0}/empty holds no results; name an output_dir, or the folder of a sweep",
    "swept/x swept/y": "index: {0}/swept has the index of a sweep, which would be replaced; "
    "type stillwalk index {0}/swept",
    "foreign": "output_dir: {0}/foreign/index.html was not written by this program and would be overwritten; "
    "move it, or choose another place with output_dir=",
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_joined_is_one_line(given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    swept = [finished(tmp_path / "swept", "a", setting=one) for one in "xy"]
    write_index([SweepSetting(one, []) for one in "xy"], swept, tmp_path / "swept", NOW)
    finished(tmp_path / "foreign", "a")
    (tmp_path / "foreign" / "index.html").write_text("my homepage")
    assert run_index_command([str(tmp_path / name) for name in given.split()]) == 2
    assert capsys.readouterr().err == f"stillwalk: {REFUSED[given].format(tmp_path)}\n"


@pytest.mark.parametrize(
    "change",
    [
        {"stages": 5},
        {"stages": [None, {"status": 1}]},
        {"setting": ["x"]},
        {"person": "1"},
        {"video": {"name": 3, "path": "/a.mp4", "sha256": "0"}},
        {"error": {}},
    ],
)
def test_a_record_from_elsewhere_is_read_as_data(change: dict[str, Any], tmp_path: Path) -> None:
    finished(tmp_path, "good")
    finished(tmp_path, "odd")
    path = tmp_path / "odd" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    (tmp_path / "odd" / "metrics.json").write_text('{"planned": {"lock_rms": []}}')
    assert indexed(tmp_path) == 0
    assert "good" in [row["video"] for row in rows(tmp_path / "batch.json")]
