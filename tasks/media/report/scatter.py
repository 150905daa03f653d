"""The scatter of a sweep: how far from the target against how much of the picture is shown, with the best of both."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.media.report.charts import COLORS, LOCK, STYLE, as_svg

INCHES: Final = (5.0, 3.5)
LEAST_SPAN: Final = 4.0  # percent
HUES: Final = ("v0", "v1", "v2", "v3", "v4", "v5", "v6")
"""Names of colours that tell videos apart; more videos than these share one, and one mark."""
MARKS: Final = ("o", "s", "^", "D", "v", "P", "X")
"""The same for those who see no colours."""


class Point(NamedTuple):
    """One setting of one video."""

    shown: float  # percent of the output
    lock: float  # px
    video: str
    pareto: bool
    best: bool


def scatter(points: Sequence[Point], videos: Sequence[str]) -> str:
    """The ``svg`` element; the group of each point has the id ``scatter-point-<index>``.

    Full marks and the line through them are each video's Pareto front; a ring is about its best.
    """
    with LOCK, mpl.rc_context(STYLE):
        figure = Figure(INCHES)
        axes = figure.add_axes((0.14, 0.165, 0.83, 0.815))
        axes.tick_params(length=0)
        for number, video in enumerate(videos):
            front = sorted(point for point in points if point.video == video and point.pareto)
            path = [point.shown for point in front], [point.lock for point in front]
            axes.plot(*path, color=_hue(number, videos), alpha=1 if _told_apart(videos) else 0.35)
        for index, point in enumerate(points):
            number = videos.index(point.video)
            color = _hue(number, videos)
            axes.plot(
                point.shown,
                point.lock,
                linestyle="none",
                marker=MARKS[number] if _told_apart(videos) else "o",
                markersize=9 if point.best else 6,
                markerfacecolor=color if point.pareto else COLORS["card"],
                markeredgecolor=COLORS["ink"] if point.best else color,
                markeredgewidth=1.6 if point.best else 1.1,
                gid=f"point-{index}",
                clip_on=False,
            )
        _widen(axes)
        low = min(point.lock for point in points)
        axes.set_ylim(bottom=min(0.0, low))
        axes.set_xlabel("% of the output that is picture: more is better")
        axes.set_ylabel("px from the target: less is better")
        return as_svg(figure, "scatter")


def _widen(axes: Axes) -> None:
    """Differences of less than a few percent of the picture look as small as they are."""
    low, high = axes.get_xlim()
    missing = max(LEAST_SPAN - (high - low), 0.0)
    high = min(high + missing / 2, max(100.0, high))
    axes.set_xlim(min(low, high - LEAST_SPAN), high)


def _told_apart(videos: Sequence[str]) -> bool:
    return len(videos) <= len(HUES)


def _hue(number: int, videos: Sequence[str]) -> str:
    return COLORS[HUES[number] if _told_apart(videos) else "after"]
