"""Charts as SVG to be set into a page: its text takes the page's font, its colours are the page's CSS variables.

Figures are drawn without pyplot and without its state, so threads do not meet in them but for the fonts, which a lock
guards. The same numbers give the same bytes.
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
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.maths.metrics.decimation import CHART_BINS, merge_intervals

Floats = NDArray[np.float64]

CHART_SIZE_IN: Final = (4.6, 2.5)
FONT_PT: Final = 12.5  # for a telephone, where a point is a CSS pixel; page.css has less where the chart is wider
AXES_LEFT, AXES_RIGHT, AXES_BOTTOM, AXES_TOP = (
    0.18,
    0.95,
    0.21,
    0.965,
)  # of the figure: the same for all, so a page can point at a time
AXIS_TITLE_X: Final = -0.17  # of the axes' width: the upright title of the axis, clear of the longest numbers
SOURCE_STRIP_HEIGHT: Final = 0.045  # of the axes' height: the coloured strip of the anchor's sources
# Placeholders that no other colour of a figure has, and the CSS variables that they stand for.
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
    "card": "#010214",
    **{f"v{number}": f"#01022{number}" for number in range(7)},
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
    "path.simplify": False,  # what may be left out has been left out, jumps never
}
MATPLOTLIB_LOCK: Final = threading.Lock()  # matplotlib's styles and fonts are the process's, not the thread's
logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of font caches that it builds, on standard error


class Curve(NamedTuple):
    """Points of a line and the name of its colour."""

    x: Floats
    y: Floats
    color: str


class Band(NamedTuple):
    """A stretch of time and what holds in it."""

    label: str
    start_s: float
    end_s: float


def write_timeline(
    path: Path,
    curves: Sequence[Curve],
    span_s: tuple[float, float],
    states: Sequence[Band],
    sources: Sequence[Band] = (),
    reach: Sequence[Floats] = (),
) -> None:
    """Write curves in px over seconds, with what was not simply measured shaded, and a strip of the sources below.

    The axis holds the curves and ``reach``, so charts that are to be compared have one scale.
    """
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        axes = _axes()
        axes.axhline(0, color=CSS_COLORS["soft"], linewidth=0.7)
        for label, alpha in STATE_OPACITY.items():
            _shade(axes, [band for band in states if band.label == label], span_s, CSS_COLORS[label], alpha)
        for curve in curves:
            axes.plot(curve.x, curve.y, color=CSS_COLORS[curve.color], **_point_markers(curve))
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
    """Write amplitude spectral densities in px per root Hz over Hz."""
    with MATPLOTLIB_LOCK, mpl.rc_context(MATPLOTLIB_STYLE):
        axes = _axes()
        for curve in curves:
            axes.plot(curve.x, np.maximum(curve.y, 1e-4), color=CSS_COLORS[curve.color])
        axes.set_yscale("log")
        axes.minorticks_off()  # they have no length, and took half of the time that a chart takes
        axes.set_xlim(0, max(float(curve.x[-1]) for curve in curves))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("Hz")
        axes.set_ylabel("px/√Hz")
        _write_svg(path, axes.figure)


def _axes() -> Axes:
    axes = Figure(CHART_SIZE_IN).add_axes((AXES_LEFT, AXES_BOTTOM, AXES_RIGHT - AXES_LEFT, AXES_TOP - AXES_BOTTOM))
    axes.tick_params(length=0)
    axes.yaxis.set_label_coords(AXIS_TITLE_X, 0.5)
    return axes


def _shade(
    axes: Axes, bands: Sequence[Band], span_s: tuple[float, float], color: str, alpha: float, height: float = 1
) -> None:
    """Colour stretches of time, the shortest as broad as can be seen, from the bottom to a share of the height."""
    joined = merge_intervals([(band.start_s, band.end_s) for band in bands], (span_s[1] - span_s[0]) / CHART_BINS)
    widths = [(start_s, end_s - start_s) for start_s, end_s in joined]
    place = axes.get_xaxis_transform()
    axes.broken_barh(widths, (0, height), transform=place, facecolor=color, alpha=alpha, linewidth=0)


def _point_markers(curve: Curve) -> dict[str, Any]:
    """A mark for each point where there are so few that a line may not show."""
    return {"marker": "o", "markersize": 2.5} if np.isfinite(curve.y).sum() < 3 else {}


def _set_y_range(axes: Axes, values: Sequence[Floats]) -> None:
    """At least a pixel up and down: a residual of nothing should look like nothing."""
    known = np.concatenate([[-1.0, 1.0], *(part[np.isfinite(part)] for part in values)])
    low, high = known.min(), known.max()
    margin = 0.04 * (high - low)
    axes.set_ylim(low - margin, high + margin)


def _write_svg(path: Path, figure: Any) -> None:
    try:
        path.write_text(figure_to_svg(figure, path.stem), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); check space and permissions") from error


def figure_to_svg(figure: Figure, name: str) -> str:
    """The ``svg`` element of a figure; names inside it begin with ``name``, for many stand in one page."""
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
    )  # of matplotlib's, for all of a page
    text = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+|\n", r"\1", path[0]), text)
    for color, placeholder in CSS_COLORS.items():
        text = text.replace(placeholder, f"var(--{color})")
    return text
