"""What a run over several videos came to, in one place: ``batch.json`` or ``sweep.json``, a table, ``index.html``."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from conf.checks import require
from flows.report.index_page import render_index
from flows.results.atomic_files import reveal, writing, written
from flows.results.result import Result
from flows.results.rows import UNRANKED, joined, row_of
from flows.sweep import Setting
from tasks.errors import OutputError
from tasks.maths.metrics.ranking import RankedResult, rank_results
from tasks.paths import exists

SCHEMA = 1
PAGE = "index.html"


def write_index(asked: Sequence[Setting], results: Sequence[Result], folder: Path, started: datetime) -> str:
    """Write the index of a sweep, or of several videos, into ``folder``; the reason where that fails, else "".

    A sweep that goes on in its folder keeps the rows of before, but for those that it has done again.
    """
    is_sweep = bool(asked[0].name)
    if not is_sweep and len(results) < 2:
        return ""
    name = "sweep" if is_sweep else "batch"
    index = {"schema": SCHEMA, "name": folder.name, "started": started.isoformat(timespec="seconds")}
    rows = [row_of(result, folder) for result in results]
    settings = [{"setting": one.name, "overrides": one.overrides} for one in asked]
    try:
        with writing(folder):
            before = read_sweep(folder) if is_sweep else {}
            rows = ranked(joined(before.get("rows", []), rows, folder))
            more = {"settings": _judged(_each_once([*before.get("settings", []), *settings]), rows)}
            index |= {**(more if is_sweep else {}), "rows": rows}
            parts = [written(folder / f"{name}.json", json.dumps(index, indent=1, allow_nan=False) + "\n")]
            if is_sweep:
                parts.append(written(folder / f"{name}.csv", _table(rows)))
            parts.append(written(folder / PAGE, render_index(index)))  # last: it is ours where the others are
            reveal(parts)
    except OutputError as error:
        return str(error)
    return ""


def standings(videos: Sequence[str], metrics: Sequence[Mapping[str, float | None]]) -> list[RankedResult | None]:
    """How each result stands among those of its video; None for one without metrics."""
    standing: list[RankedResult | None] = [None] * len(videos)
    for video in dict.fromkeys(videos):
        numbers = [number for number, name in enumerate(videos) if name == video and metrics[number]]
        for number, judged in zip(numbers, rank_results([metrics[number] for number in numbers]), strict=True):
            standing[number] = judged
    return standing


def ranked(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with their ranks among those of the same video, those of a video side by side."""
    order = list(dict.fromkeys(row["video"] for row in rows))
    rows = sorted(rows, key=lambda row: order.index(row["video"]))
    standing = standings([row["video"] for row in rows], [{} if row["error"] else row["metrics"] for row in rows])
    return [
        row | (UNRANKED if judged is None else _standing(judged)) for row, judged in zip(rows, standing, strict=True)
    ]


def _standing(judged: RankedResult) -> dict[str, Any]:
    return {"rank": judged.rank, "pareto": judged.pareto, "best": judged.best}


def _judged(settings: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each setting with its mean rank over the videos, and which is best of all: 0 where it has none.

    A failure counts as the last rank, and so does a video that a setting was not tried on, or few and easy ones would
    make it the best; but for videos with which every setting failed.
    """
    judged = []
    told = {row["video"] for row in rows if row["rank"]}
    for setting in settings:
        own = {row["video"]: row["rank"] for row in rows if row["setting"] == setting["setting"]}
        ranks = [own.get(video) or len(settings) for video in told]
        judged.append(setting | {"mean_rank": round(sum(ranks) / len(ranks), 3) if ranks else 0, "best": False})
    ranked_ones = [one for one in judged if one["mean_rank"]]
    if ranked_ones:
        min(ranked_ones, key=lambda one: one["mean_rank"])["best"] = True
    return judged


def read_sweep(folder: Path) -> dict[str, Any]:
    """The index of a sweep in its folder; empty where there is none, or one of another schema."""
    try:
        index: dict[str, Any] = json.loads((folder / "sweep.json").read_text())
        return index if index["schema"] == SCHEMA else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def require_ours(folder: Path) -> None:
    """``SettingError`` where an index would replace a file that no run of this program has written."""
    for name in ("batch.json", "sweep.json"):
        with suppress(OSError, ValueError, TypeError):
            if {"schema", "rows"} <= set(json.loads((folder / name).read_text())):
                return
    for name in ("batch.json", PAGE):
        fact = f"{folder / name} is not of this program, and would be overwritten"
        require(not exists(folder / name), "output_dir", fact, "move it, or choose another place with output_dir=")


def _each_once(settings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The settings by their names: the later of two in the place of the earlier."""
    return list({setting["setting"]: setting for setting in settings}.values())


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows with each metric in a column of its own."""
    metrics = list(dict.fromkeys(name for row in rows for name in row["metrics"]))
    plain = [name for name in rows[0] if name != "metrics"]
    text = io.StringIO()
    table = csv.DictWriter(text, [*plain, *metrics], lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({**{name: row[name] for name in plain}, **row["metrics"]})
    return text.getvalue()
