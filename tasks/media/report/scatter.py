"""Scatter chart of a sweep: lock error against the share of the output that shows picture."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.media.report.charts import CSS_COLORS, MATPLOTLIB_LOCK, MATPLOTLIB_STYLE, figure_to_svg

SCATTER_SIZE_IN: Final = (5.0, 3.5)  # width, height
MIN_SPAN_PERCENT: Final = 4.0  # of the horizontal axis
VIDEO_COLORS: Final = ("v0", "v1", "v2", "v3", "v4", "v5", "v6")
"""Names of colours that identify videos. If there are more videos, all share one colour and one marker."""
VIDEO_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
"""The same for readers who cannot distinguish colours."""


class ScatterPoint(NamedTuple):
    """One setting of one video."""

    shown: float  # percent of the output that shows picture
    lock: float  # error in px
    video: str
    pareto: bool  # on the video's Pareto front
    best: bool  # the best setting of the video


def sweep_scatter(points: Sequence[ScatterPoint], videos: Sequence[str]) -> str:
    """The ``svg`` element. The group of each point has the id ``scatter-point-<index>``.

    Filled markers and the line through them are each video's Pareto front. A ring marks its best setting.
    """
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        figure = Figure(SCATTER_SIZE_IN)
        axes = figure.add_axes((0.14, 0.165, 0.83, 0.815))
        axes.tick_params(length=0)
        for number, video in enumerate(videos):
            front = sorted(point for point in points if point.video == video and point.pareto)
            path = [point.shown for point in front], [point.lock for point in front]
            axes.plot(*path, color=_video_color(number, videos), alpha=1 if _are_distinguishable(videos) else 0.35)
        for index, point in enumerate(points):
            number = videos.index(point.video)
            color = _video_color(number, videos)
            axes.plot(
                point.shown,
                point.lock,
                linestyle="none",
                marker=VIDEO_MARKERS[number] if _are_distinguishable(videos) else "o",
                markersize=9 if point.best else 6,
                markerfacecolor=color if point.pareto else CSS_COLORS["card"],
                markeredgecolor=CSS_COLORS["ink"] if point.best else color,
                markeredgewidth=1.6 if point.best else 1.1,
                gid=f"point-{index}",
                clip_on=False,
            )
        _widen(axes)
        low = min(point.lock for point in points)
        axes.set_ylim(bottom=min(0.0, low))
        axes.set_xlabel("% of the output that is picture: more is better")
        axes.set_ylabel("px from the target: less is better")
        return figure_to_svg(figure, "scatter")


def _widen(axes: Axes) -> None:
    """Widen the horizontal axis to ``MIN_SPAN_PERCENT``, so that small differences look small."""
    low, high = axes.get_xlim()
    missing = max(MIN_SPAN_PERCENT - (high - low), 0.0)
    high = min(high + missing / 2, max(100.0, high))
    axes.set_xlim(min(low, high - MIN_SPAN_PERCENT), high)


def _are_distinguishable(videos: Sequence[str]) -> bool:
    return len(videos) <= len(VIDEO_COLORS)


def _video_color(number: int, videos: Sequence[str]) -> str:
    return CSS_COLORS[VIDEO_COLORS[number] if _are_distinguishable(videos) else "after"]
