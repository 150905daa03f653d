"""The index page of a batch or a sweep: one HTML file about all its videos and settings."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from flows.report.metric_meanings import METRIC_GROUPS, SHARE_PREFIX, VERIFIED_METRICS, Meaning, format_number
from flows.report.page import relative_link, template_environment
from flows.report.scatter import ScatterPoint, index_scatter
from flows.results.result import REPORT_NAME
from tasks.maths.metrics.lock_metrics import FILE_METRIC_UNITS, METRIC_UNITS
from tasks.maths.metrics.ranking import IN_FILE, JUDGED_METRICS, PLANNED

INDEX_METRICS: Final = (
    *JUDGED_METRICS[IN_FILE],
    *JUDGED_METRICS[PLANNED],
    "visible_area_mean",
    "camera_accel",
    "lock_p95",
    "lock_std_x",
    "lock_std_y",
    "sway",
    "subject_cut",
    "detection",
)
AREA_METRIC: Final = "visible_area_mean"
PLANNED_SWEEP_NOTE: Final = (
    "judged by the planned path: less smoothing looks better there than in the files, because the path follows the "
    "same measurements that judge it; add verify=true sweep.render=all to judge the rendered files"
)


@dataclass(frozen=True)
class MetricColumn:
    """A metric of the table."""

    name: str
    title: str  # with the judge, where there are two
    meaning: Meaning
    percent: bool
    unit: str


@dataclass(frozen=True)
class Summary:
    """The means of one setting over its finished videos."""

    setting: str
    overrides: list[str]  # without those that all settings have
    videos: int
    times_best: int  # number of videos for which it is the best setting
    mean_rank: float | None
    chosen: bool  # best of all settings
    means: dict[str, float | None]  # by metric


def render_index(index: dict[str, Any]) -> str:
    """The page for ``index``: ``name``, ``started``, ``rows``, and for a sweep ``settings``.

    A row has ``video`` (unique), ``setting``, ``folder`` (relative to the page), ``error``, ``rendered``, ``rank``,
    ``pareto``, ``best``, ``ran``, ``cached`` and ``metrics`` (planned, by name; may be missing in a failed row).
    ``report`` says whether its folder holds a report, and ``earlier`` whether that is of an earlier successful run. A
    setting has its name as ``setting``, its ``overrides``, and may have ``mean_rank`` and ``best``.
    """
    rows = index["rows"]
    done = [row for row in rows if not row.get("error")]
    columns = [_column(name) for name in INDEX_METRICS if any(name in row["metrics"] for row in done)]
    settings = index.get("settings") or []
    videos = {video: place for place, video in enumerate(dict.fromkeys(row["video"] for row in rows))}
    return (
        template_environment()
        .get_template("index.html")
        .render(
            index=index,
            rows=sorted(rows, key=lambda row: (bool(row.get("error")), videos[row["video"]], row["rank"])),
            failures=_failures(rows),
            shared=_shared_overrides(settings),
            done=done,
            columns=columns,
            swept=bool(settings),
            videos=[*videos],
            drawn=_scatter_videos(done),
            best=[row for row in done if row.get("best")],
            best_columns=_best_columns(done, columns),
            planned_note=PLANNED_SWEEP_NOTE if any(_judge(row) == PLANNED for row in done) else "",
            summaries=_summaries(settings, done, columns) if settings else [],
            ranked=any(setting.get("mean_rank") for setting in settings),
            scatter=_scatter(done, swept=bool(settings)),
            wrapped=_wrapped,
            page=lambda folder: relative_link(f"{folder}/{REPORT_NAME}"),
        )
    )


def _wrapped(name: str) -> Markup:
    """A setting's name, with possible line breaks between its overrides."""
    return Markup(str(escape(name)).replace(",", ",<wbr>"))


def _judge(row: dict[str, Any]) -> str:
    """Where the lock that a row is ranked by comes from; older rows do not say it."""
    judge = row.get("judge")
    return judge if judge in JUDGED_METRICS else PLANNED


def _best_columns(done: list[dict[str, Any]], columns: list[MetricColumn]) -> list[MetricColumn]:
    """Lock and tremble of the judges that ranked, and the visible area."""
    names = {AREA_METRIC, *(name for row in done for name in JUDGED_METRICS[_judge(row)])}
    return [column for column in columns if column.name in names]


def _column(name: str) -> MetricColumn:
    plain = name.removeprefix("verified_")
    meaning = next(group[plain] for group in (*METRIC_GROUPS.values(), VERIFIED_METRICS) if plain in group)
    judge = next((judge for judge, names in JUDGED_METRICS.items() if name in names), "")
    unit = (METRIC_UNITS | FILE_METRIC_UNITS)[plain]
    percent = unit.startswith(SHARE_PREFIX)
    title = f"{meaning.title}, {judge}" if judge else meaning.title
    return MetricColumn(name, title, meaning, percent, "%" if percent else unit.replace("^2", "²"))


def _failures(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """The first row of each failure, and the number of rows with the same video and error."""
    same: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("error"):
            same.setdefault((row["video"], row["error"]), []).append(row)
    return [(found[0], len(found)) for found in same.values()]


def _shared_overrides(settings: list[dict[str, Any]]) -> list[str]:
    """The overrides that all of several settings have."""
    first = settings[0]["overrides"] if len(settings) > 1 else []
    return [one for one in first if all(one in setting["overrides"] for setting in settings)]


def _summaries(
    settings: list[dict[str, Any]], done: list[dict[str, Any]], columns: list[MetricColumn]
) -> list[Summary]:
    """A line for each setting: by the mean rank, then in the order given; settings without a rank come last."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in done:
        groups.setdefault(row["setting"], []).append(row)
    shared = _shared_overrides(settings)
    summaries = []
    for setting in settings:
        name, overrides = setting["setting"], [one for one in setting["overrides"] if one not in shared]
        own = groups.get(name, [])
        mean_rank = setting.get("mean_rank") or None  # 0 where no video could be ranked
        summaries.append(
            Summary(
                name,
                overrides,
                len(own),
                sum(bool(row.get("best")) for row in own),
                mean_rank,
                chosen=bool(setting.get("best")),
                means={column.name: _mean(row["metrics"].get(column.name) for row in own) for column in columns},
            )
        )
    return sorted(summaries, key=lambda one: one.mean_rank or math.inf)


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _rows_with_both(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with both lock and visible area."""
    return [row for row in done if None not in (_lock(row), row["metrics"].get(AREA_METRIC))]


def _lock(row: dict[str, Any]) -> float | None:
    """The lock that the row is ranked by, px."""
    name, _ = JUDGED_METRICS[_judge(row)]
    lock: float | None = row["metrics"].get(name)
    return lock


def _scatter_videos(done: list[dict[str, Any]]) -> list[str]:
    """The videos in the scatter plot, each in its own colour."""
    return list(dict.fromkeys(row["video"] for row in _rows_with_both(done)))


def _scatter(done: list[dict[str, Any]], *, swept: bool) -> Markup:
    """Plot of lock against visible area, one named point for each row; empty where no row has both."""
    points = [
        ScatterPoint(
            100 * row["metrics"][AREA_METRIC],
            _lock(row) or 0.0,
            row["video"],
            pareto=bool(row.get("pareto")) or not swept,
            best=swept and bool(row.get("best")),
            label=_point_label(row, swept=swept),
        )
        for row in _rows_with_both(done)
    ]
    return index_scatter(points) if points else Markup()


def _point_label(row: dict[str, Any], *, swept: bool) -> str:
    """What mouse, keyboard and screen readers tell of a point."""
    metrics = row["metrics"]
    name = f"{row['video']} · {row['setting']}" if swept else row["video"]
    notes = [word for word in ("best", "pareto") if row.get(word)]
    lock, area = format_number(_lock(row)), format_number(metrics[AREA_METRIC], percent=True)
    told = f"{name}: {lock} px from the target ({_judge(row)}), {area} % shown"
    return told + (f" ({', '.join(notes).replace('pareto', 'on the Pareto front')})" if notes else "")
