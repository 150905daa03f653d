"""Check what lies in a folder of results: it may come from somebody else.

A record or an index that this program cannot have written is left out of account, as a damaged one is.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

EXPORT_PLACES: Final = ("exports/webdataset/", "exports/")
ROW_TEXTS: Final = ("video", "setting", "folder", "error")
ROW_COUNTS: Final = ("rank", "ran", "cached", "person")
ROW_MARKS: Final = ("rendered", "pareto", "best")
SURROGATE: Final = re.compile("[\ud800-\udfff]")


def is_record(found: Mapping[str, Any]) -> bool:
    """Whether this can be the ``run.json`` of a video."""
    video, deliverables = found.get("video"), found.get("deliverables", {})
    return (
        isinstance(video, dict)
        and is_text(video.get("sha256"))
        and isinstance(video.get("path"), str)  # a folder above the video may have a name that is not in UTF-8
        and is_text(found.get("error", ""))
        and isinstance(found.get("config", {}), dict)
        and isinstance(deliverables, dict)
        and all(_is_deliverable_name(name) and _is_deliverable(one) for name, one in deliverables.items())
        and _are_texts(found.get("from_earlier_runs", {}))
        and all(map(_is_deliverable_name, found.get("from_earlier_runs", {})))
        and _are_texts(found.get("sha256_from_earlier_runs", {}))
    )


def is_index(found: Mapping[str, Any]) -> bool:
    """Whether this can be the ``sweep.json`` of a sweep."""
    rows, settings = found.get("rows"), found.get("settings", [])
    return (
        isinstance(rows, list)
        and all(isinstance(row, dict) and _is_row(row) for row in rows)
        and isinstance(settings, list)
        and all(isinstance(one, dict) and _is_setting(one) for one in settings)
    )


def are_metrics(found: Mapping[str, Any]) -> bool:
    """Whether this can be the ``metrics.json`` of a path: numbers by name, and their units."""
    numbers = [found.get("planned"), found.get("before", {}), found.get("verified", {}), found.get("origin", {})]
    return all(isinstance(one, dict) and all(map(_is_number, one.values())) for one in numbers) and _are_texts(
        found.get("units", {})
    )


def is_below(folder: str) -> bool:
    """Whether a path of a row stays in the folder of its index."""
    path = PurePosixPath(folder)
    return not path.is_absolute() and ".." not in path.parts and ":" not in folder.partition("/")[0]


def is_text(value: object) -> bool:
    """Whether this is text that can be written as UTF-8, as all of ours is."""
    return isinstance(value, str) and SURROGATE.search(value) is None


def _is_row(row: Mapping[str, Any]) -> bool:
    return (
        all(is_text(row.get(name)) for name in ROW_TEXTS)
        and is_below(row["folder"])
        and is_text(row.get("path", ""))
        and is_text(row.get("judge", ""))
        and all(_is_number(row.get(name, 0)) and row.get(name, 0) is not None for name in ROW_COUNTS)
        and all(isinstance(row.get(name, False), bool) for name in ROW_MARKS)
        and isinstance(row.get("metrics"), dict)
        and all(map(_is_number, row["metrics"].values()))
    )


def _is_setting(one: Mapping[str, Any]) -> bool:
    overrides = one.get("overrides", [])
    return (
        is_text(one.get("setting"))
        and isinstance(overrides, list)
        and all(map(is_text, overrides))
        and _is_number(one.get("mean_rank", 0))
        and isinstance(one.get("best", False), bool)
    )


def _is_deliverable(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("sha256", ""), str)


def _is_deliverable_name(name: object) -> bool:
    """A plain name, or one in a folder of the exports."""
    if not isinstance(name, str):
        return False
    place = next((place for place in EXPORT_PLACES if name.startswith(place)), "")
    return _is_plain_name(name.removeprefix(place))


def _is_plain_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _are_texts(found: object) -> bool:
    return isinstance(found, dict) and all(map(is_text, found.values()))


def _is_number(value: object) -> bool:
    """Whether this is a number, or none. A larger one than of 64 bits is not ours, and means an overflow somewhere."""
    return value is None or (isinstance(value, int | float) and abs(value) < 1 << 63)  # which NaN is not either
