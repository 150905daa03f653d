"""Charts as SVG elements of a page. Text takes the page's font, and colours are the page's CSS variables.

Figures are made without pyplot and its global state. Only matplotlib's styles and fonts are shared between threads, and
a lock guards them. The same numbers give the same bytes.
"""

import io
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tasks.errors import writing
from tasks.maths.arrays import Floats
from tasks.maths.metrics.decimation import CHART_BINS, merge_intervals

CHART_SIZE_IN: Final = (4.6, 2.5)  # width, height
FONT_PT: Final = 12.5  # sized for a telephone, where a point is a CSS pixel; page.css makes it smaller on wider charts
# Edges of the axes, as shares of the figure. They are the same in all charts, so that a page can point at a time.
AXES_LEFT, AXES_RIGHT, AXES_BOTTOM, AXES_TOP = (
    0.18,
    0.95,
    0.21,
    0.965,
)
AXIS_TITLE_X: Final = -0.17  # of the axes' width; leaves room for the longest tick labels
SOURCE_STRIP_HEIGHT: Final = 0.045  # of the axes' height; the coloured strip that shows the anchor's sources
# CSS variables and the placeholder colours that they replace. No other colour of a figure equals a placeholder.
CSS_COLORS: Final = {
    "ink": "#010203",
    "soft": "#010204",
    "line": "#010205",
    "before": "#010206",
    "after": "#010207",
    "x": "#010208",
    "y": "#010209",
    "verified": "#01020a",
    "bridged": "#01020b",
    "interpolated": "#01020c",
    "held": "#01020d",
    "absent": "#01020e",
    "hips": "#01020f",
    "one_hip": "#010215",
    "shoulders": "#010210",
    "head": "#010211",
    "torso": "#010212",
    "other": "#010213",
}
SOURCE_COLORS: Final = {name: name for name in ("hips", "shoulders", "head", "torso")} | dict.fromkeys(
    ("left_hip", "right_hip"), "one_hip"
)
STATE_OPACITY: Final = {"bridged": 0.25, "interpolated": 0.35, "held": 0.35, "absent": 0.3}
MATPLOTLIB_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": FONT_PT,
    "text.color": CSS_COLORS["ink"],
    "axes.labelcolor": CSS_COLORS["soft"],
    "axes.edgecolor": CSS_COLORS["line"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": FONT_PT,
    "axes.formatter.useoffset": False,
    "grid.color": CSS_COLORS["line"],
    "grid.linewidth": 0.5,
    "xtick.color": CSS_COLORS["line"],
    "xtick.labelcolor": CSS_COLORS["soft"],
    "ytick.color": CSS_COLORS["line"],
    "ytick.labelcolor": CSS_COLORS["soft"],
    "lines.linewidth": 1.1,
    "lines.solid_joinstyle": "round",
    "path.simplify": False,  # the data are already decimated, and jumps must stay
}
MATPLOTLIB_LOCK: Final = threading.Lock()  # styles and fonts belong to the process, not to a thread
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports the building of font caches on standard error


class Curve(NamedTuple):
    """Points of a line and the name of its colour in ``CSS_COLORS``."""

    x: Floats
    y: Floats
    color: str


class Band(NamedTuple):
    """A stretch of time and its state or source."""

    label: str
    start_s: float
    end_s: float


class Moment(NamedTuple):
    """A moment that a line marks, and the name of the line's colour in ``CSS_COLORS``."""

    at_s: float
    color: str


class StrideBand(NamedTuple):
    """An angle over the stride: mean and standard deviation (k,), and the name of its colour."""

    mean: Floats
    deviation: Floats
    color: str


def write_timeline(
    path: Path,
    curves: Sequence[Curve],
    span_s: tuple[float, float],
    states: Sequence[Band],
    sources: Sequence[Band] = (),
    reach: Sequence[Floats] = (),
    moments: Sequence[Moment] = (),
) -> None:
    """Write a chart of ``curves`` in px over seconds to ``path``, with an upright line at each of the ``moments``.

    Times in which the anchor was not measured are shaded by ``states``. A strip at the bottom shows the ``sources``.
    The vertical axis includes the curves and the values of ``reach``, so that charts to be compared have one scale.
    ``OutputError`` if ``path`` cannot be written.
    """
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        axes = _axes()
        axes.axhline(0, color=CSS_COLORS["soft"], linewidth=0.7)
        for label, alpha in STATE_OPACITY.items():
            _shade(axes, [band for band in states if band.label == label], span_s, CSS_COLORS[label], alpha)
        for curve in curves:
            axes.plot(curve.x, curve.y, color=CSS_COLORS[curve.color], **_point_markers(curve))
        for moment in moments:
            axes.axvline(moment.at_s, color=CSS_COLORS[moment.color], linewidth=1.3, linestyle=(0, (4, 2)))
        labels = sorted({band.label for band in sources})
        for label in labels if len(labels) > 1 else ():
            color = CSS_COLORS[SOURCE_COLORS.get(label, "other")]
            _shade(axes, [band for band in sources if band.label == label], span_s, color, 1, SOURCE_STRIP_HEIGHT)
        start_s, end_s = span_s
        axes.set_xlim(start_s, end_s if end_s > start_s else start_s + 1)
        _set_y_range(axes, [*reach, *(curve.y for curve in curves)])
        axes.set_xlabel("seconds")
        axes.set_ylabel("px")
        _write_svg(path, axes.figure)


def write_spectrum(path: Path, curves: Sequence[Curve]) -> None:
    """Write a chart of amplitude spectral densities in px per root Hz over Hz. Errors as in ``write_timeline``."""
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        axes = _axes()
        for curve in curves:
            axes.plot(curve.x, np.maximum(curve.y, 1e-4), color=CSS_COLORS[curve.color])
        axes.set_yscale("log")
        axes.minorticks_off()  # they are invisible here and take half of a chart's time
        axes.set_xlim(0, max(float(curve.x[-1]) for curve in curves))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("Hz")
        axes.set_ylabel("px/√Hz")
        _write_svg(path, axes.figure)


def write_stride_chart(path: Path, bands: Sequence[StrideBand]) -> None:
    """Write a chart of angles in degrees over the stride in per cent, each with its band. Errors as above."""
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        axes = _axes()
        axes.axhline(0, color=CSS_COLORS["soft"], linewidth=0.7)
        for band in bands:
            color, percent = CSS_COLORS[band.color], np.linspace(0, 100, len(band.mean))
            low, high = band.mean - band.deviation, band.mean + band.deviation
            axes.fill_between(percent, low, high, color=color, alpha=0.2, linewidth=0)
            axes.plot(percent, band.mean, color=color)
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of the stride")
        axes.set_ylabel("degrees")
        _write_svg(path, axes.figure)


def _axes() -> Axes:
    axes = Figure(CHART_SIZE_IN).add_axes((AXES_LEFT, AXES_BOTTOM, AXES_RIGHT - AXES_LEFT, AXES_TOP - AXES_BOTTOM))
    axes.tick_params(length=0)
    axes.yaxis.set_label_coords(AXIS_TITLE_X, 0.5)
    return axes


def _shade(
    axes: Axes, bands: Sequence[Band], span_s: tuple[float, float], color: str, alpha: float, height: float = 1
) -> None:
    """Colour stretches of time, from the bottom up to the share ``height``.

    The shortest ones are widened to stay visible.
    """
    joined = merge_intervals([(band.start_s, band.end_s) for band in bands], (span_s[1] - span_s[0]) / CHART_BINS)
    widths = [(start_s, end_s - start_s) for start_s, end_s in joined]
    place = axes.get_xaxis_transform()
    axes.broken_barh(widths, (0, height), transform=place, facecolor=color, alpha=alpha, linewidth=0)


def _point_markers(curve: Curve) -> dict[str, Any]:
    """Markers, if there are so few points that a line might be invisible."""
    return {"marker": "o", "markersize": 2.5} if np.isfinite(curve.y).sum() < 3 else {}


def _set_y_range(axes: Axes, values: Sequence[Floats]) -> None:
    """Include at least one pixel up and down, so that a residual of almost nothing looks like nothing."""
    known = np.concatenate([[-1.0, 1.0], *(part[np.isfinite(part)] for part in values)])
    low, high = known.min(), known.max()
    margin = 0.04 * (high - low)
    axes.set_ylim(low - margin, high + margin)


def _write_svg(path: Path, figure: Any) -> None:
    with writing(path):
        path.write_text(figure_to_svg(figure, path.stem), encoding="utf-8")


def figure_to_svg(figure: Figure, name: str) -> str:
    """The ``svg`` element of a figure. Its ids begin with ``name``, because a page holds many charts."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*pt"', r"\1", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    text = re.sub(
        r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, flags=re.DOTALL
    )  # matplotlib's style would apply to the whole page
    text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+|\n", r"\1", path[0]), text)
    for color, placeholder in CSS_COLORS.items():
        text = text.replace(placeholder, f"var(--{color})")
    return text
