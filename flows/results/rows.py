"""The rows of an index, one for each video and setting: known by where the video lies, for names repeat."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flows.results.result import Result, read_record
from flows.videos import DEMO, told_apart

PAGE = "report.html"
UNRANKED = {"rank": 0, "pareto": False, "best": False}  # of a row that failed


def row_of(result: Result, folder: Path) -> dict[str, Any]:
    """The row of a result in the index that lies in ``folder``."""
    statuses = [stage.status for stage in result.stages]
    return {
        "video": result.video.name,
        "path": result.video.place,
        "setting": result.setting,
        "folder": Path(os.path.relpath(result.folder, folder)).as_posix() if result.folder else "",
        "error": result.error,
        "rendered": result.rendered,
        **UNRANKED,
        "ran": statuses.count("ran"),
        "cached": statuses.count("cached"),
        "metrics": result.metrics,
    }


def joined(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The rows of before and now, each result once, by videos and settings in the order in which they came.

    A row takes the place of every earlier one that has its folder, or its video and setting. Videos of one name get
    names that differ. ``report`` says whether there is a page to lead to, and ``earlier`` whether that is not of this
    failure but of a run before it, which had succeeded.
    """
    every = [*(_placed(row, folder) for row in before), *now]
    orders = [list(dict.fromkeys(values)) for values in zip(*map(_known_by, every), strict=True)]
    rows: list[dict[str, Any]] = []
    taken: set[tuple[str, ...]] = set()
    for row in reversed(every):
        by = {_known_by(row), *([(row["folder"],)] if row["folder"] else [])}
        if not by & taken:
            rows.append(row)
        taken |= by
    rows.sort(key=lambda row: [order.index(value) for order, value in zip(orders, _known_by(row), strict=True)])
    names = _names(row["path"] for row in rows)
    return [row | {"video": names.get(row["path"], row["video"])} | _page(row, folder) for row in rows]


def _known_by(row: dict[str, Any]) -> tuple[str, str]:
    """The video's place and the setting; where nobody knows the place, the video's name."""
    return row["path"] or row["video"], row["setting"]


def _placed(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A row of a version that did not note where the video lies: its record does."""
    if "path" in row:
        return row
    record = read_record(folder / row["folder"]) if row["folder"] else {}
    return {"video": row["video"], "path": record.get("video", {}).get("path", ""), **row}


def _names(places: Iterable[str]) -> dict[str, str]:
    known = [place for place in dict.fromkeys(places) if place]
    videos = told_apart([None if place == DEMO else Path(place) for place in known])
    return {place: video.name for place, video in zip(known, videos, strict=True)}


def _page(row: dict[str, Any], folder: Path) -> dict[str, bool]:
    there = bool(row["folder"]) and (folder / row["folder"] / PAGE).is_file()
    # A failure leaves the folder of an earlier success as it is.
    earlier = there and bool(row["error"]) and not read_record(folder / row["folder"]).get("error")
    return {"report": there, "earlier": earlier}
