"""Texts for Prefect's UI: name and tags of a run, the table of its results, the report of a video."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from flows.results.result import Result
from tasks.maths.metrics.ranking import IN_FILE, PLANNED
from tasks.untrusted.json_file import read_object
from tasks.untrusted.plain_text import escape_markdown, one_line

MAX_RUN_NAME_LENGTH: Final = 120
MAX_TAG_LENGTH: Final = 40
MAX_NAMED_VIDEOS: Final = 3  # in the name of a run
MAX_TAGGED_VIDEOS: Final = 8
MAX_SHEET_BYTES: Final = 75_000  # of a contact sheet; a data URI is a third longer and stays below 100 KiB
UNNAMED_SETTINGS: Final = {"video", "output_dir", "cache_dir", "server", "workers"}  # they change no result
TABLE_TITLES: Final = ("lock px", "tremble px", "picture")
REPORT_METRICS: Final = (
    "lock_rms",
    "lock_p95",
    "lock_std_x",
    "lock_std_y",
    "sway",
    "residual_accel",
    "visible_area_mean",
)


def run_name(videos: Sequence[str], settings: Sequence[Sequence[str]], sweep: str = "") -> str:
    """The run's name, such as ``walk smoothing.window=9``; of several ``settings`` (lists of overrides) the number.

    Brackets are replaced: Prefect's own commands read them as markup.
    """
    names = (
        ", ".join(videos) if len(videos) <= MAX_NAMED_VIDEOS else f"{len(videos)} videos {videos[0]} ... {videos[-1]}"
    )
    if len(settings) > 1:
        about = f"sweep {sweep} of {len(settings)} settings" if sweep else f"sweep of {len(settings)} settings"
    else:
        about = " ".join(
            one for override in settings for one in override if one.partition("=")[0] not in UNNAMED_SETTINGS
        )
    name = one_line(f"{names} {about}".strip()).replace("[", "(").replace("]", ")")
    return name if len(name) <= MAX_RUN_NAME_LENGTH else f"{name[: MAX_RUN_NAME_LENGTH - 3]}..."


def run_tags(videos: Sequence[str], sweep: str = "") -> list[str]:
    """``stillwalk``, the sweep, and the videos unless they are many."""
    few = [name for name in videos if len(name) <= MAX_TAG_LENGTH] if len(videos) <= MAX_TAGGED_VIDEOS else []
    return list(dict.fromkeys(["stillwalk", *([sweep] if sweep else []), *few]))


def results_table(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row for each video and setting; Prefect's pages read its texts as Markdown."""
    many = any(result.setting for result in results)
    return [_row(result, many) for result in results]


def _row(result: Result, many: bool) -> dict[str, Any]:
    metrics = read_result_metrics(result)
    planned, verified = metrics.get("planned", {}), metrics.get("verified", {})
    judge = IN_FILE if verified else PLANNED if planned else ""
    lock = (verified or planned).get("lock_rms")
    tremble = verified.get("residual_step") if verified else planned.get("residual_accel")
    shown = (lock, tremble, planned.get("visible_area_mean"))
    ran = [stage.title for stage in result.stages if stage.status == "ran"]
    return {
        "video": escape_markdown(result.name),
        **({"setting": escape_markdown(result.setting)} if many else {}),
        "result": f"FAILED: {escape_markdown(result.error)}" if result.error else "done",
        **{title: _three_digits(value) for title, value in zip(TABLE_TITLES, shown, strict=True)},
        "judged by": judge,
        "ran": ", ".join(ran) or "nothing",
        "cached": sum(stage.status == "cached" for stage in result.stages),
        "seconds": round(sum(stage.seconds for stage in result.stages), 1),
    }


def _three_digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def failure_line(results: Sequence[Result]) -> str:
    """The number of failures and the reason of the first, in one line."""
    failed = [result for result in results if result.error]
    first = f"{failed[0].name}: {failed[0].error}" if failed else ""
    return f"{len(failed)} of {len(results)} failed; {first}"


def read_result_metrics(result: Result) -> dict[str, Any]:
    """The video's ``metrics.json``; empty where this run has written none."""
    if result.error or result.folder is None:
        return {}
    try:
        found: dict[str, Any] = read_object(result.folder / "metrics.json")
    except (OSError, ValueError):
        return {}
    return found


def report_markdown(result: Result, picture: bytes) -> str:
    """The report of one video in Markdown, which needs no network; ``picture`` is a JPEG, or empty."""
    names = [result.name, *([result.setting] if result.setting else [])]
    summary = escape_markdown("; ".join(result.summary))
    parts = [f"# {', '.join(map(escape_markdown, names))}"]
    parts.append(f"**Failed.** {escape_markdown(result.error)}" if result.error else summary)
    parts += [f"* {escape_markdown(warning)}" for warning in result.warnings]
    if picture:
        encoded = base64.b64encode(picture).decode()
        parts += [f"![original above, stabilized below](data:image/jpeg;base64,{encoded})"]
        parts += ["Original above, stabilized below."]
    metrics = read_result_metrics(result)
    if metrics:
        parts.append(_metrics_table(metrics))
    if result.stages:
        parts.append(_stages_table(result))
    if result.folder is not None:
        parts.append(f"Results: {escape_markdown(str(result.folder))}")
    return "\n\n".join(part for part in parts if part)


def _metrics_table(metrics: dict[str, Any]) -> str:
    planned, before, units = metrics["planned"], metrics.get("before", {}), metrics.get("units", {})
    rows = [
        f"| {name} | {_rounded(before.get(name))} | {_rounded(planned[name])} | {unit} |"
        for name, unit in ((name, escape_markdown(str(units.get(name, "")))) for name in REPORT_METRICS)
        if planned.get(name) is not None
    ]
    return "\n".join(["| metric | before | after | unit |", "| --- | --- | --- | --- |", *rows])


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _stages_table(result: Result) -> str:
    rows = [f"| {stage.title} | {stage.status} | {stage.seconds:.1f} |" for stage in result.stages]
    return "\n".join(["| stage | this run | seconds |", "| --- | --- | --- |", *rows])


def find_contact_sheet(result: Result, cache: Path) -> Path | None:
    """The contact sheet of the stabilized video in the cache; None where nothing was rendered."""
    for stage in result.stages:
        if stage.output == "stabilized.mp4":
            path = cache / stage.stage / stage.key / "contact.jpg"
            return path if path.is_file() else None
    return None
