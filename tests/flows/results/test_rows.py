"""Which rows of an index are one and the same, what they are called, and whether there is a page to lead to."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.results.result import Result
from flows.results.rows import joined, row_of
from flows.videos import Video, short_digest


def row(home: Path, place: str, folder: str, name: str = "walk", setting: str = "x", error: str = "") -> dict[str, Any]:
    video = Video(name, Path(place) if place else None)
    return row_of(Result(video, error, home / setting / folder if folder else None, setting=setting), home)


def told(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["video"], one["folder"]) for one in rows]


def recorded(folder: Path, place: str, error: str = "", *, page: bool = True) -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"video": {"path": place, "sha256": "0"}, "error": error}))
    if page:
        (folder / "report.html").touch()


def names(*places: str) -> list[str]:
    return [f"walk-{short_digest(Path(place))}" for place in places]


def test_two_videos_of_one_name_are_two_rows_with_names_of_their_own(tmp_path: Path) -> None:
    a, b = "/a/walk.mp4", "/b/walk.mp4"
    rows = joined([row(tmp_path, a, "walk")], [row(tmp_path, b, "walk-1")], tmp_path)
    assert told(rows) == list(zip(names(a, b), ("x/walk", "x/walk-1"), strict=True))


def test_a_video_that_another_command_calls_otherwise_is_one_row(tmp_path: Path) -> None:
    a, b = "/a/walk.mp4", "/b/walk.mp4"
    both = [row(tmp_path, a, "walk", names(a)[0]), row(tmp_path, b, "walk-1", names(b)[0])]
    rows = joined([row(tmp_path, a, "walk")], both, tmp_path)
    assert told(rows) == list(zip(names(a, b), ("x/walk", "x/walk-1"), strict=True))
    assert told(joined(both[:1], [row(tmp_path, a, "walk")], tmp_path)) == [("walk", "x/walk")]


def test_a_video_that_was_moved_and_keeps_its_folder_is_one_row(tmp_path: Path) -> None:
    rows = joined([row(tmp_path, "/a/walk.mp4", "walk")], [row(tmp_path, "/new/walk.mp4", "walk")], tmp_path)
    assert [(one["video"], one["path"]) for one in rows] == [("walk", "/new/walk.mp4")]


def test_a_failure_without_a_folder_takes_the_place_of_its_own_video_s_row_only(tmp_path: Path) -> None:
    before = [row(tmp_path, "/a/walk.mp4", "walk"), row(tmp_path, "/b/walk.mp4", "walk-1"), row(tmp_path, "", "demo")]
    rows = joined(before, [row(tmp_path, "/b/walk.mp4", "", error="no such file")], tmp_path)
    assert [(one["folder"], one["error"]) for one in rows] == [("x/walk", ""), ("", "no such file"), ("x/demo", "")]


@pytest.mark.parametrize("known", [True, False])
def test_rows_of_an_older_version_are_known_by_their_records_or_else_by_name(tmp_path: Path, known: bool) -> None:
    a = "/a/walk.mp4"
    old = [row(tmp_path, a, "walk"), row(tmp_path, a, "walk", *names(a)), row(tmp_path, a, "walk", setting="y")]
    for one in old:
        del one["path"]
    if known:
        recorded(tmp_path / "x" / "walk", a)
        recorded(tmp_path / "y" / "walk", a)
    rows = joined(old, [row(tmp_path, a, "walk")], tmp_path)
    assert sorted(told(rows)) == [("walk", "x/walk"), ("walk", "y/walk")]
    assert sorted(one["path"] for one in rows) == [a if known else "", a]


def test_a_row_leads_to_a_report_where_one_lies(tmp_path: Path) -> None:
    """Whether pictures came of it or not, and also a row that this command has not made again."""
    recorded(tmp_path / "x" / "a", "/a.mp4")
    recorded(tmp_path / "x" / "b", "/b.mp4", page=False)
    before, now = row(tmp_path, "/a.mp4", "a", "a"), row(tmp_path, "/b.mp4", "b", "b", error="broken")
    rows = joined([before], [now], tmp_path)
    assert [(one["rendered"], one["report"], one["earlier"]) for one in rows] == [
        (False, True, False),
        (False, False, False),
    ]


def test_a_failure_whose_folder_holds_an_earlier_success_is_told_from_one_with_a_page_of_its_own(
    tmp_path: Path,
) -> None:
    recorded(tmp_path / "x" / "a", "/a.mp4")
    recorded(tmp_path / "x" / "b", "/b.mp4", "broken")
    rows = joined([], [row(tmp_path, f"/{name}.mp4", name, name, error="broken") for name in "ab"], tmp_path)
    assert [(one["report"], one["earlier"]) for one in rows] == [(True, True), (True, False)]
