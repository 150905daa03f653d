"""One index over the results of several runs, such as the shares of an array job: ``stillwalk index``.

It is made from the records of the videos, ``run.json``, and from the indexes that the runs left. These also know videos
without a folder, such as a missing file. What was written last about a video and a setting counts. All of it may come
from other people and machines: it is read as data (see ``flows.results.received``).
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from conf.validation import require
from flows.results.atomic_files import locked_folder
from flows.results.index import (
    BATCH,
    INDEX_PAGE_NAME,
    SHARD,
    SWEEP,
    IndexRow,
    head_of_index,
    index_row,
    merge_rows,
    rank_rows,
    rank_settings,
    read_index,
    replace_index,
    require_own_index,
)
from flows.results.received import are_metrics, is_text
from flows.results.result import RECORD_NAME, Result, StageRun, read_record, with_person
from flows.results.run_record import flattened
from flows.videos import video_at
from tasks.untrusted.json_file import read_object
from tasks.untrusted.paths import exists, is_folder

# Of a video; of a person, or of a video in a sweep's setting; of a person in one.
RECORD_PLACES: Final = tuple(f"{'*/' * depth}{RECORD_NAME}" for depth in (1, 2, 3))
INDEXES: Final = (f"{SWEEP}.json", f"{BATCH}.json", f"{SHARD.format('*', '*')}.json")
WRITTEN: Final = (*INDEXES, f"{SWEEP}.csv", f"{BATCH}.csv", INDEX_PAGE_NAME)  # what an index consists of


@dataclass(frozen=True)
class Joined:
    """What an index was made of."""

    page: Path
    rows: list[IndexRow]
    without_results: list[Path]  # folders
    repeated: int  # videos, each with a setting, that have results in several folders


def join_results(folders: Sequence[Path]) -> Joined:
    """Write the index of all results in ``folders`` into the nearest folder that holds them all.

    ``batch.json``, ``batch.csv`` and ``index.html``; or ``sweep.json`` and so on, where there are results of a sweep.
    ``SettingError`` where there are no results, and where the index would replace a file that is not of this program,
    or the index of a sweep that is not among ``folders``. ``OutputError`` where it cannot be written. Files of an
    earlier index beside the folders, which ``results/*`` names too, are left out.
    """
    folders = [folder for folder in folders if not _is_of_an_index(folder)] or folders
    for folder in folders:
        require(is_folder(folder), "index", f"{folder} is not a folder", "name folders with results")
    place = Path(os.path.commonpath(folders))
    found = {folder: _stamped_rows(folder, place) for folder in folders}
    stamped = [one for own in found.values() for one in own]
    cure = "name an output_dir, or the folder of a sweep"
    require(bool(stamped), "index", f"{folders[0]} holds no results", cure)
    name = SWEEP if any(row["setting"] for _, row in stamped) else BATCH
    fact = f"{place} has the index of a sweep, which would be replaced"
    is_foreign = place not in folders and exists(place / f"{SWEEP}.json")
    require(not is_foreign, "index", fact, f"type stillwalk index {place}")
    require_own_index(place, name)
    in_order = [row for _, row in sorted(stamped, key=lambda one: one[0])]
    with locked_folder(place):
        rows = rank_rows(sorted(merge_rows([], in_order, place), key=lambda row: (row["video"], row["setting"])))
        index = head_of_index(place, datetime.now().astimezone())
        if name == SWEEP:
            index["settings"] = rank_settings(_settings(folders, rows), rows)
        index["rows"] = rows
        replace_index(place, name, index, table=True, page=True)
    empty = [folder for folder, own in found.items() if not own]
    return Joined(place / INDEX_PAGE_NAME, rows, empty, _repeated(in_order))


def _is_of_an_index(path: Path) -> bool:
    return not is_folder(path) and exists(path) and any(fnmatch(path.name, name) for name in WRITTEN)


def _stamped_rows(folder: Path, place: Path) -> list[tuple[float, IndexRow]]:
    """All rows about a folder of results, for an index in ``place``, each with the time when it was written."""
    rows = [row for path in _records(folder) if (row := _record_row(path, place))]
    for path in sorted(found for pattern in INDEXES for found in folder.glob(pattern)):
        written_s = path.stat().st_mtime
        for row in read_index(path).get("rows", []):
            if not row["folder"]:
                rows.append((written_s, row))
            elif is_folder(folder / row["folder"]):  # else the results were removed
                rows.append((written_s, row | {"folder": _relative(folder / row["folder"], place)}))
    return rows


def _records(folder: Path) -> Iterator[Path]:
    """The records in a folder of results; nothing hidden, such as a cache, is looked into."""
    for pattern in RECORD_PLACES:
        for path in sorted(folder.glob(pattern)):
            if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                yield path


def _record_row(path: Path, place: Path) -> tuple[float, IndexRow] | None:
    """The row of a video's record; None where the file is not one of ours."""
    record = read_record(path.parent)
    name, setting, person = (record.get("video", {}).get("name"), record.get("setting", ""), record.get("person", 0))
    if not is_text(name) or not is_text(setting) or not isinstance(person, int):
        return None
    location, error = record["video"]["path"], record.get("error", "")
    video = video_at(location, name)
    metrics = {} if error else _metrics(path.parent)
    result = Result(video, error, path.parent, _stages(record), setting=setting, metrics=metrics, person=person)
    return path.stat().st_mtime, index_row(result, place)


def _stages(record: Mapping[str, Any]) -> list[StageRun]:
    """The stages of a record, as far as a row tells of them."""
    found = record.get("stages", [])
    stages = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [StageRun(str(one.get("stage")), str(one.get("output")), "", str(one.get("status")), 0.0) for one in stages]


def _metrics(folder: Path) -> dict[str, float | None]:
    try:
        metrics = read_object(folder / "metrics.json")
    except (OSError, ValueError):
        return {}
    return flattened(metrics) if are_metrics(metrics) else {}


def _settings(folders: Iterable[Path], rows: Sequence[IndexRow]) -> list[dict[str, Any]]:
    """The settings of all rows; the overrides of one come from the index of its sweep, where there is one."""
    known = {
        one["setting"]: one for folder in folders for one in read_index(folder / f"{SWEEP}.json").get("settings", [])
    }
    names = dict.fromkeys(row["setting"] for row in rows)
    return [{"setting": name, "overrides": known.get(name, {}).get("overrides", [])} for name in names]


def _repeated(rows: Sequence[IndexRow]) -> int:
    places: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row["folder"]:
            video = with_person(row.get("path") or row["video"], row.get("person", 0))
            places.setdefault((video, row["setting"]), set()).add(row["folder"])
    return sum(len(own) > 1 for own in places.values())


def _relative(folder: Path, place: Path) -> str:
    return Path(os.path.relpath(folder, place)).as_posix()
