"""What Prefect's UI says of a run, as text: its name and tags, the table of its videos, the report of one."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from flows.results.result import Result
from tasks.untrusted.json_file import read_object
from tasks.untrusted.plain_text import escape_markdown, one_line

NAME_LENGTH: Final = 120
TAG_LENGTH: Final = 40
MOST_NAMED: Final = 3  # videos in a run's name
MOST_TAGGED: Final = 8
PICTURE_BYTES: Final = 75_000  # of a contact sheet; as a data URI a third more, below 100 KiB
UNSAID: Final = {"video", "output_dir", "cache_dir", "server", "workers"}  # in a run's name, they change no result
HEADLINES: Final = {"lock_rms": "lock px", "residual_accel": "tremble px/frame²", "visible_area_mean": "picture"}
TOLD: Final = ("lock_rms", "lock_p95", "lock_std_x", "lock_std_y", "sway", "residual_accel", "visible_area_mean")


def run_name(videos: Sequence[str], settings: Sequence[Sequence[str]], sweep: str = "") -> str:
    """``walk smoothing.window=9``; with several ``settings``, each a list of overrides, how many they are.

    Without brackets: Prefect's own commands take them for markup.
    """
    named = ", ".join(videos) if len(videos) <= MOST_NAMED else f"{len(videos)} videos {videos[0]} ... {videos[-1]}"
    if len(settings) > 1:
        said = f"sweep {sweep} of {len(settings)} settings" if sweep else f"sweep of {len(settings)} settings"
    else:
        said = " ".join(one for override in settings for one in override if one.partition("=")[0] not in UNSAID)
    whole = one_line(f"{named} {said}".strip()).replace("[", "(").replace("]", ")")
    return whole if len(whole) <= NAME_LENGTH else f"{whole[: NAME_LENGTH - 3]}..."


def tags(videos: Sequence[str], sweep: str = "") -> list[str]:
    """``stillwalk``, the sweep, and the videos where they are not too many."""
    few = [name for name in videos if len(name) <= TAG_LENGTH] if len(videos) <= MOST_TAGGED else []
    return list(dict.fromkeys(["stillwalk", *([sweep] if sweep else []), *few]))


def table(results: Sequence[Result]) -> list[dict[str, Any]]:
    """A row for each video, and each setting of a sweep; Prefect's pages read its texts as Markdown."""
    many = any(result.setting for result in results)
    return [_row(result, many) for result in results]


def _row(result: Result, many: bool) -> dict[str, Any]:
    metrics = metrics_of(result)
    planned = metrics.get("planned", {})
    ran = [stage.title for stage in result.stages if stage.status == "ran"]
    return {
        "video": escape_markdown(result.video.name),
        **({"setting": escape_markdown(result.setting)} if many else {}),
        "result": f"FAILED: {escape_markdown(result.error)}" if result.error else "done",
        **{title: _short(planned.get(name)) for name, title in HEADLINES.items()},
        "ran": ", ".join(ran) or "nothing",
        "cached": sum(stage.status == "cached" for stage in result.stages),
        "seconds": round(sum(stage.seconds for stage in result.stages), 1),
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def failures(results: Sequence[Result]) -> str:
    """How many failed and why the first did, in a line."""
    failed = [result for result in results if result.error]
    first = f"{failed[0].video.name}: {failed[0].error}" if failed else ""
    return f"{len(failed)} of {len(results)} failed; {first}"


def metrics_of(result: Result) -> dict[str, Any]:
    """The video's ``metrics.json``; empty where there is none that this run has written."""
    if result.error or result.folder is None:
        return {}
    try:
        found: dict[str, Any] = read_object(result.folder / "metrics.json")
    except (OSError, ValueError):
        return {}
    return found


def report(result: Result, picture: bytes) -> str:
    """The report of one video in Markdown; ``picture`` is a JPEG, or nothing. It needs no network."""
    names = [result.video.name, *([result.setting] if result.setting else [])]
    summary = escape_markdown("; ".join(result.summary))
    parts = [f"# {', '.join(map(escape_markdown, names))}"]
    parts.append(f"**Failed.** {escape_markdown(result.error)}" if result.error else summary)
    parts += [f"* {escape_markdown(warning)}" for warning in result.warnings]
    if picture:
        coded = base64.b64encode(picture).decode()
        parts += [f"![original above, stabilized below](data:image/jpeg;base64,{coded})"]
        parts += ["Original above, stabilized below."]
    metrics = metrics_of(result)
    if metrics:
        parts.append(_measured(metrics))
    if result.stages:
        parts.append(_stages(result))
    if result.folder is not None:
        parts.append(f"Results: {escape_markdown(str(result.folder))}")
    return "\n\n".join(part for part in parts if part)


def _measured(metrics: dict[str, Any]) -> str:
    planned, before, units = metrics["planned"], metrics.get("before", {}), metrics.get("units", {})
    rows = [
        f"| {name} | {_rounded(before.get(name))} | {_rounded(planned[name])} | {unit} |"
        for name, unit in ((name, escape_markdown(str(units.get(name, "")))) for name in TOLD)
        if planned.get(name) is not None
    ]
    return "\n".join(["| metric | before | after | unit |", "| --- | --- | --- | --- |", *rows])


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _stages(result: Result) -> str:
    rows = [f"| {stage.title} | {stage.status} | {stage.seconds:.1f} |" for stage in result.stages]
    return "\n".join(["| stage | this run | seconds |", "| --- | --- | --- |", *rows])


def sheet_of(result: Result, cache: Path) -> Path | None:
    """The contact sheet that lies beside the stabilized video in the cache; None where nothing was rendered."""
    for stage in result.stages:
        if stage.output == "stabilized.mp4":
            path = cache / stage.stage / stage.key / "contact.jpg"
            return path if path.is_file() else None
    return None
