"""The index of a batch or a sweep: one page over all its videos and settings, which opens without a network."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from flows.report.metric_meanings import METRIC_GROUPS, SHARE_PREFIX, Meaning, format_number
from flows.report.page import relative_link, template_environment
from flows.results.result import REPORT_NAME
from tasks.maths.metrics.lock_metrics import METRIC_UNITS

INDEX_METRICS: Final = (
    "lock_rms",
    "residual_accel",
    "visible_area_mean",
    "camera_accel",
    "lock_p95",
    "lock_std_x",
    "lock_std_y",
    "sway",
    "subject_cut",
    "detection",
)
LOCK_METRIC: Final = "lock_rms"
AREA_METRIC: Final = "visible_area_mean"


@dataclass(frozen=True)
class MetricColumn:
    """A metric of the table."""

    name: str
    meaning: Meaning
    percent: bool
    unit: str


@dataclass(frozen=True)
class Summary:
    """The means of one setting over the videos that it finished."""

    setting: str
    overrides: list[str]  # that not all settings have
    videos: int
    best: int  # videos that it is the best setting of
    mean_rank: float | None
    chosen: bool  # best of all
    means: dict[str, float | None]


def render_index(index: dict[str, Any]) -> str:
    """The page for ``index``: ``name``, ``started``, ``rows``, and of a sweep ``settings``.

    A row has ``video``, which no other video is called, ``setting``, ``folder`` (relative to the page), ``error``,
    ``rendered``, ``rank``, ``pareto``, ``best``, ``ran``, ``cached`` and ``metrics``, the planned ones by name; one
    with an error need have no metrics. ``report`` says whether its folder has a report to lead to, and ``earlier``
    whether that is of an earlier run, where this one failed. A setting has its name as ``setting``, its ``overrides``,
    and may have ``mean_rank`` and ``best``.
    """
    rows = index["rows"]
    done = [row for row in rows if not row.get("error")]
    columns = [_column(name) for name in INDEX_METRICS if any(name in row["metrics"] for row in done)]
    settings = index.get("settings") or []
    videos = list(dict.fromkeys(row["video"] for row in rows))
    return (
        template_environment()
        .get_template("index.html")
        .render(
            index=index,
            rows=sorted(rows, key=lambda row: (bool(row.get("error")), videos.index(row["video"]), row["rank"])),
            failures=_failures(rows),
            shared=_shared(settings),
            done=done,
            columns=columns,
            swept=bool(settings),
            videos=videos,
            drawn=_drawn(done),
            best=[row for row in done if row.get("best")],
            summaries=[_summary(setting, done, columns, _shared(settings)) for setting in settings],
            ranked=any(setting.get("mean_rank") for setting in settings),
            scatter=Markup(_scatter(done, bool(settings))),
            wrapped=_wrapped,
            page=lambda folder: relative_link(f"{folder}/{REPORT_NAME}"),
        )
    )


def _wrapped(name: str) -> Markup:
    """A setting's name, which may go on in a new line between its overrides."""
    return Markup(str(escape(name)).replace(",", ",<wbr>"))


def _column(name: str) -> MetricColumn:
    meaning = next(group[name] for group in METRIC_GROUPS.values() if name in group)
    unit = METRIC_UNITS[name]
    percent = unit.startswith(SHARE_PREFIX)
    return MetricColumn(name, meaning, percent, "%" if percent else unit.replace("^2", "²"))


def _failures(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """The first row of each failure, and in how many rows the same video failed so."""
    same: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("error"):
            same.setdefault((row["video"], row["error"]), []).append(row)
    return [(found[0], len(found)) for found in same.values()]


def _shared(settings: list[dict[str, Any]]) -> list[str]:
    """The overrides that several settings have in common."""
    first = settings[0]["overrides"] if len(settings) > 1 else []
    return [one for one in first if all(one in setting["overrides"] for setting in settings)]


def _summary(
    setting: dict[str, Any], done: list[dict[str, Any]], columns: list[MetricColumn], shared: list[str]
) -> Summary:
    mine = [row for row in done if row["setting"] == setting["setting"]]
    means = {column.name: _mean(row["metrics"].get(column.name) for row in mine) for column in columns}
    best = sum(bool(row.get("best")) for row in mine)
    mean_rank = setting.get("mean_rank") or None  # 0 where no video could be ranked
    told = (best, mean_rank, bool(setting.get("best")))
    own = [one for one in setting["overrides"] if one not in shared]
    return Summary(setting["setting"], own, len(mine), *told, means)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _points(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in done if None not in (row["metrics"].get(LOCK_METRIC), row["metrics"].get(AREA_METRIC))]


def _drawn(done: list[dict[str, Any]]) -> list[str]:
    """The videos that the scatter shows, each in its own colour."""
    return list(dict.fromkeys(row["video"] for row in _points(done)))


def _scatter(done: list[dict[str, Any]], swept: bool) -> str:
    """Lock against visible area, a point a row with its name; empty where no row has both."""
    shown = _points(done)
    if not shown:
        return ""
    from tasks.media.report.scatter import ScatterPoint, sweep_scatter  # loads matplotlib

    points = []
    for row in shown:
        area, lock = 100 * row["metrics"][AREA_METRIC], row["metrics"][LOCK_METRIC]
        points.append(
            ScatterPoint(
                area, lock, row["video"], bool(row.get("pareto")) or not swept, swept and bool(row.get("best"))
            )
        )
    svg = sweep_scatter(points, _drawn(done))
    for number_of, row in enumerate(shown):
        svg = svg.replace(f'id="scatter-point-{number_of}"', _named(row, swept), 1)
    return svg


def _named(row: dict[str, Any], swept: bool) -> str:
    """Attributes of a point: what it is, for the eye and the keyboard."""
    metrics = row["metrics"]
    name = f"{row['video']} · {row['setting']}" if swept else row["video"]
    notes = [word for word in ("best", "pareto") if row.get(word)]
    lock, area = format_number(metrics[LOCK_METRIC]), format_number(metrics[AREA_METRIC], True)
    told = f"{name}: {lock} px from the target, {area} % shown"
    told += f" ({', '.join(notes).replace('pareto', 'on the Pareto front')})" if notes else ""
    return f'class="point" tabindex="0" role="img" aria-label="{escape(told)}" data-told="{escape(told)}"'
