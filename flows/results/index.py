"""The index of a run over several videos: ``batch.json``, or ``sweep.json`` and ``sweep.csv``, and ``index.html``.

Several runs with ``shard=`` may share a folder, perhaps on a disk whose locks they do not see. So each has a file of
its own there, without a page: ``flows.results.joined_index`` makes one of all.

A row is one video with one setting. Videos are identified by their path, because names repeat.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from conf.machines import share_of
from conf.validation import require
from flows.report.index_page import render_index
from flows.results.atomic_files import locked_folder, rename_parts, write_part
from flows.results.received import is_index
from flows.results.result import REPORT_NAME, Result, read_record, with_person
from flows.sweep import SweepSetting
from flows.videos import named_videos, video_at
from tasks.errors import OutputError
from tasks.maths.metrics.ranking import RankedResult, rank_results
from tasks.untrusted.json_file import read_object
from tasks.untrusted.paths import exists
from tasks.untrusted.plain_text import csv_cell

INDEX_SCHEMA: Final = 1
INDEX_PAGE_NAME: Final = "index.html"
SWEEP, BATCH, SHARD = "sweep", "batch", "shard-{}-of-{}"  # names of indexes, without their suffix
UNRANKED: Final = {"rank": 0, "pareto": False, "best": False, "judge": ""}  # of a failed row
UNCOUNTED: Final[dict[str, Any]] = {"rendered": False, "ran": 0, "cached": 0}  # of a row that does not say it
IndexRow = dict[str, Any]


def index_name(settings: Sequence[SweepSetting], videos: int, shard: str | None) -> str:
    """The name of the index of a run, without its suffix; empty where it has none."""
    if settings[0].name:
        return SWEEP
    share = share_of(shard)
    if share is not None:
        return SHARD.format(share.number, share.count)
    return BATCH if videos > 1 else ""


def write_index(
    settings: Sequence[SweepSetting],
    results: Sequence[Result],
    folder: Path,
    started: datetime,
    shard: str | None = None,
) -> str:
    """Write the index of a sweep, or of several videos, into ``folder``; return why that failed, else "".

    A continued sweep keeps its earlier rows, except those that were made again.
    """
    name = index_name(settings, len({result.video for result in results}), shard)
    if not name:
        return ""
    is_sweep = name == SWEEP
    index = head_of_index(folder, started)
    new_rows = [index_row(result, folder) for result in results]
    new_settings = [{"setting": setting.name, "overrides": setting.overrides} for setting in settings]
    try:
        with locked_folder(folder):
            before = read_sweep_index(folder) if is_sweep else {}
            rows = rank_rows(merge_rows(before.get("rows", []), new_rows, folder))
            if is_sweep:
                index["settings"] = rank_settings([*before.get("settings", []), *new_settings], rows)
            index["rows"] = rows
            replace_index(folder, name, index, table=is_sweep, page=is_sweep or name == BATCH)
    except OutputError as error:
        return str(error)
    return ""


def head_of_index(folder: Path, started: datetime) -> dict[str, Any]:
    """An index without its rows."""
    return {"schema": INDEX_SCHEMA, "name": folder.name, "started": started.isoformat(timespec="seconds")}


def replace_index(folder: Path, name: str, index: dict[str, Any], *, table: bool, page: bool) -> None:
    """Write an index with its rows, as a CSV file too and as a page; to be called while the folder is locked."""
    parts = [write_part(folder / f"{name}.json", json.dumps(index, indent=1, allow_nan=False) + "\n")]
    if table:
        parts.append(write_part(folder / f"{name}.csv", _csv_text(index["rows"])))
    if page:
        parts.append(write_part(folder / INDEX_PAGE_NAME, render_index(index)))  # last: the others mark it as ours
    rename_parts(parts)


def index_row(result: Result, folder: Path) -> IndexRow:
    """The row of a result, not yet ranked, for the index in ``folder``."""
    statuses = [stage.status for stage in result.stages]
    return {
        "video": result.name,
        "path": result.video.location,
        "person": result.person,
        "setting": result.setting,
        "folder": Path(os.path.relpath(result.folder, folder)).as_posix() if result.folder else "",
        "error": result.error,
        "rendered": result.rendered,
        **UNRANKED,
        "ran": statuses.count("ran"),
        "cached": statuses.count("cached"),
        "metrics": result.metrics,
    }


def merge_rows(before: Sequence[IndexRow], new: Sequence[IndexRow], folder: Path) -> list[IndexRow]:
    """Earlier and new rows, each result once, sorted by video and setting in order of first appearance.

    Each person of a video that was held for ``subject=all`` counts as a video of its own. A row replaces every earlier
    row with the same folder, or the same video and setting. Videos of the same name get
    different names. ``report`` says whether the row has a report; ``earlier`` whether that report is of an earlier
    success, which a failure leaves in place.
    """
    rows = [_whole(row, folder) for row in (*before, *new)]
    keys = [(with_person(row["path"] or row["video"], row.get("person", 0)), row["setting"]) for row in rows]
    last = {key: place for place, key in enumerate(keys)}
    last_in = {row["folder"]: place for place, row in enumerate(rows) if row["folder"]}
    videos, settings = (_places(key[part] for key in keys) for part in range(2))
    places = [last[key] for key in last if last_in.get(rows[last[key]]["folder"], last[key]) == last[key]]
    kept = [rows[place] for place in sorted(places, key=lambda at: (videos[keys[at][0]], settings[keys[at][1]]))]
    names = _names_by_path(row["path"] for row in kept)
    return [row | {"video": _name(row, names)} | _report_state(row, folder) for row in kept]


def _places(names: Iterable[str]) -> dict[str, int]:
    """Each name with its place in the order of first appearance."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _name(row: IndexRow, names: Mapping[str, str]) -> str:
    """The name of a row, which no other video of the index has."""
    return with_person(names[row["path"]], row.get("person", 0)) if row["path"] in names else row["video"]


def _whole(row: IndexRow, folder: Path) -> IndexRow:
    """A row with all that a page asks for. One of an older version lacks some: the path comes from its record."""
    row = UNCOUNTED | row
    if "path" in row:
        return row
    record = read_record(folder / row["folder"]) if row["folder"] else {}
    return {"video": row["video"], "path": record.get("video", {}).get("path", ""), **row}


def _names_by_path(paths: Iterable[str]) -> dict[str, str]:
    known = [path for path in dict.fromkeys(paths) if path]
    videos = named_videos([video_at(path) for path in known])
    return {path: video.name for path, video in zip(known, videos, strict=True)}


def _report_state(row: IndexRow, folder: Path) -> dict[str, bool]:
    has_report = bool(row["folder"]) and (folder / row["folder"] / REPORT_NAME).is_file()
    is_earlier = has_report and bool(row["error"]) and not read_record(folder / row["folder"]).get("error")
    return {"report": has_report, "earlier": is_earlier}


def rank_within_videos(
    videos: Sequence[str], metrics: Sequence[Mapping[str, float | None]]
) -> list[RankedResult | None]:
    """The rank of each result among those of its video; None for a result without metrics."""
    ranks: list[RankedResult | None] = [None] * len(videos)
    judged: dict[str, list[int]] = {}
    for number, (video, own) in enumerate(zip(videos, metrics, strict=True)):
        if own:
            judged.setdefault(video, []).append(number)
    for numbers in judged.values():
        for number, ranked in zip(numbers, rank_results([metrics[number] for number in numbers]), strict=True):
            ranks[number] = ranked
    return ranks


def rank_rows(rows: list[IndexRow]) -> list[IndexRow]:
    """The rows with their ranks, all rows of a video together."""
    order = _places(row["video"] for row in rows)
    rows = sorted(rows, key=lambda row: order[row["video"]])
    metrics = [{} if row["error"] else row["metrics"] for row in rows]
    ranks = rank_within_videos([row["video"] for row in rows], metrics)
    return [
        row | (UNRANKED if one is None else {name: getattr(one, name) for name in UNRANKED})
        for row, one in zip(rows, ranks, strict=True)
    ]


def rank_settings(settings: Iterable[dict[str, Any]], rows: list[IndexRow]) -> list[dict[str, Any]]:
    """Each setting once with its mean rank over the videos, and which one is best; a mean rank of 0 means unknown.

    A failure counts as the last rank, and so does a video that a setting was not tried on; otherwise few and easy
    videos would make a setting the best. Videos on which every setting failed do not count.
    """
    by_name = {setting["setting"]: setting for setting in settings}  # the later of two with one name
    ranks = {(row["video"], row["setting"]): row["rank"] for row in rows if row["rank"]}
    videos = {video for video, _ in ranks}
    if not videos:
        return [setting | {"mean_rank": 0, "best": False} for setting in by_name.values()]
    last = len(by_name)
    means = {name: round(sum(ranks.get((video, name), last) for video in videos) / len(videos), 3) for name in by_name}
    times_best = Counter(row["setting"] for row in rows if row["best"])  # it decides between equal mean ranks
    chosen = min(by_name, key=lambda name: (means[name], -times_best[name]))
    return [setting | {"mean_rank": means[name], "best": name == chosen} for name, setting in by_name.items()]


def _csv_text(rows: list[IndexRow]) -> str:
    """The rows with each metric in its own column; a spreadsheet evaluates none of their texts."""
    plain = [{name: value for name, value in row.items() if name != "metrics"} for row in rows]
    flat = [row | metrics["metrics"] for row, metrics in zip(plain, rows, strict=True)]
    flat = [{str(csv_cell(name)): csv_cell(value) for name, value in row.items()} for row in flat]
    text = io.StringIO()
    table = csv.DictWriter(text, dict.fromkeys(name for row in flat for name in row), lineterminator="\n")
    table.writeheader()
    table.writerows(flat)
    return text.getvalue()


def read_sweep_index(folder: Path) -> dict[str, Any]:
    """The index of the sweep in ``folder``; empty where there is none, or one of another schema."""
    return read_index(folder / f"{SWEEP}.json")


def read_index(path: Path) -> dict[str, Any]:
    """An index; empty where the file holds none, or one of another schema."""
    try:
        index = read_object(path)
    except (OSError, ValueError):
        return {}
    return index if index.get("schema") == INDEX_SCHEMA and is_index(index) else {}


def require_own_index(folder: Path, own: str) -> None:
    """``SettingError`` where the index named ``own`` would replace a file that this program did not write."""
    with_page = own in (SWEEP, BATCH)
    for name in (BATCH, SWEEP) if with_page else (own,):
        with suppress(OSError, ValueError):
            if {"schema", "rows"} <= read_object(folder / f"{name}.json").keys():
                return
    for name in (f"{BATCH}.json", INDEX_PAGE_NAME) if with_page else (f"{own}.json",):
        fact = f"{folder / name} was not written by this program and would be overwritten"
        require(not exists(folder / name), "output_dir", fact, "move it, or choose another place with output_dir=")
