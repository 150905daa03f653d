"""Scatter chart of an index: lock error against the share of the output that shows picture, as an SVG element.

It is written as text: a library for charts would take 30 MB of memory and half a second in every run of several videos,
most of which need nothing else of it. Text takes the page's font, and colours are the page's CSS variables.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT = 360.0, 252.0  # of the view; as the page's other charts, in CSS pixels of a telephone
LEFT, RIGHT, TOP, BOTTOM = 50.4, 349.2, 5.04, 210.42  # edges of the axes
FONT_PX: Final = 12.5  # page.css makes it smaller on wider charts
MARGIN: Final = 0.05  # of what the marks span, on either side
MIN_SPAN_PERCENT: Final = 4.0  # of the horizontal axis, so that small differences look small
MOST_STEPS: Final = 7  # between the round values beside an axis
TICK_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)  # times a power of ten
USUAL_RADIUS, BEST_RADIUS = 3.0, 4.5
VIDEO_COLORS: Final = tuple(f"v{number}" for number in range(7))
"""Names of colours that identify videos. If there are more videos, all share one colour and one mark."""
# The same for readers who cannot distinguish colours: corners of each mark, for a radius of 1. The first is a circle.
MARKS: Final[tuple[tuple[tuple[float, float], ...], ...]] = (
    (),
    ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    ((0, -1), (1, 1), (-1, 1)),
    ((0, -1.414), (1.414, 0), (0, 1.414), (-1.414, 0)),
    ((0, 1), (1, -1), (-1, -1)),
    (
        *((-0.33, -1), (0.33, -1), (0.33, -0.33), (1, -0.33), (1, 0.33), (0.33, 0.33)),
        *((0.33, 1), (-0.33, 1), (-0.33, 0.33), (-1, 0.33), (-1, -0.33), (-0.33, -0.33)),
    ),
    (
        *((-0.5, -1), (0, -0.5), (0.5, -1), (1, -0.5), (0.5, 0), (1, 0.5)),
        *((0.5, 1), (0, 0.5), (-0.5, 1), (-1, 0.5), (-0.5, 0), (-1, -0.5)),
    ),
)


class ScatterPoint(NamedTuple):
    """One setting of one video."""

    shown_percent: float  # of the output that shows picture
    lock_px: float  # distance to the target
    video: str
    pareto: bool  # on the video's Pareto front
    best: bool  # the best setting of the video
    label: str  # what a reader who points at it is told


class Axis(NamedTuple):
    """Where values lie in the view, and which of them are written beside the axis."""

    low: float
    high: float
    from_px: float  # of ``low``
    to_px: float

    def place_px(self, value: float) -> float:
        return self.from_px + (value - self.low) / (self.high - self.low) * (self.to_px - self.from_px)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts of round values."""
        step = _tick_step(self.high - self.low)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        digits += round(step * 10**digits, 6) % 1 > 0  # 2.5 needs one more than 2
        first = math.ceil(self.low / step - 1e-9)
        values = [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return [(self.place_px(value), f"{value + 0.0:.{digits}f}") for value in values]


def index_scatter(points: Sequence[ScatterPoint]) -> Markup:
    """The ``svg`` element; each mark is a group of the class ``point``. There must be a point.

    Filled marks and the line through them are each video's Pareto front. A large mark with a dark edge is its best
    setting.
    """
    numbers = {video: number for number, video in enumerate(dict.fromkeys(point.video for point in points))}
    if len(numbers) > len(VIDEO_COLORS):
        numbers = dict.fromkeys(numbers, -1)
    across, up = _axes(points)
    fronts: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        if point.pareto:
            fronts.setdefault(point.video, []).append((point.shown_percent, point.lock_px))
    parts = [
        Markup('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0f} {:.0f}">').format(WIDTH, HEIGHT),
        _marks({(max(numbers[point.video], 0), point.best) for point in points}),
        *_grid(across, up),
        *(_front([*sorted(front)], numbers[video], across, up) for video, front in fronts.items()),
        *(_mark(point, numbers[point.video], across, up) for point in points),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def _axes(points: Sequence[ScatterPoint]) -> tuple[Axis, Axis]:
    shown = [point.shown_percent for point in points]
    lock = [point.lock_px for point in points]
    middle, span = (min(shown) + max(shown)) / 2, (max(shown) - min(shown)) * (1 + 2 * MARGIN)
    high = min(middle + max(span, MIN_SPAN_PERCENT) / 2, max(100.0, *shown))
    low = min(min(shown) - MARGIN * (max(shown) - min(shown)), high - MIN_SPAN_PERCENT)
    bottom = min(0.0, *lock)
    top = bottom + ((max(lock) - bottom) * (1 + MARGIN) or 1.0)
    return Axis(low, high, LEFT, RIGHT), Axis(bottom, top, BOTTOM, TOP)


def _tick_step(span: float) -> float:
    power = 10.0 ** math.floor(math.log10(span / MOST_STEPS))
    return next(step * power for step in (*TICK_STEPS, 2 * TICK_STEPS[-1]) if span <= MOST_STEPS * step * power)


def _grid(across: Axis, up: Axis) -> list[Markup]:
    line = Markup('<path d="M {:.2f} {:.2f} L {:.2f} {:.2f}" style="stroke: var(--line); stroke-width: 0.5"/>')
    parts = [line.format(LEFT, BOTTOM, LEFT, TOP), line.format(LEFT, BOTTOM, RIGHT, BOTTOM)]
    for x, text in across.ticks():
        parts += [line.format(x, BOTTOM, x, TOP), _text(text, x, BOTTOM + 13)]
    for y, text in up.ticks():
        parts += [line.format(LEFT, y, RIGHT, y), _text(text, LEFT - 3.5, y + 4.7, "end")]
    parts.append(_text("% of the output that is picture: more is better", (LEFT + RIGHT) / 2, HEIGHT - 12))
    x, y = 13.0, (TOP + BOTTOM) / 2
    turn = Markup(' transform="rotate(-90 {} {:.2f})"').format(x, y)
    return [*parts, _text("px from the target: less is better", x, y, turn=turn)]


def _text(text: str, x: float, y: float, anchor: str = "middle", turn: str = "") -> Markup:
    style = Markup("font-size: {}px; text-anchor: {}; fill: var(--soft)").format(FONT_PX, anchor)
    return Markup('<text style="{}" x="{:.2f}" y="{:.2f}"{}>{}</text>').format(style, x, y, turn, text)


def _color(number: int) -> str:
    return VIDEO_COLORS[number] if number >= 0 else "after"


def _front(front: Sequence[tuple[float, float]], number: int, across: Axis, up: Axis) -> Markup:
    """The line through the marks of a Pareto front."""
    corners = " L ".join(f"{across.place_px(shown):.2f} {up.place_px(lock):.2f}" for shown, lock in front)
    line = Markup('<path d="M {}" style="fill: none; stroke: var(--{}); stroke-width: 1.1{}"/>')
    return line.format(corners, _color(number), "" if number >= 0 else "; opacity: 0.35")


def _marks(used: set[tuple[int, bool]]) -> Markup:
    """The shapes of the marks, each written once."""
    shapes = [
        Markup('<path id="{}" d="{}"/>').format(_mark_id(number, best=best), _outline(MARKS[number], best=best))
        for number, best in sorted(used)
    ]
    return Markup("<defs>{}</defs>").format(Markup("").join(shapes))


def _mark_id(number: int, *, best: bool) -> str:
    return f"scatter-mark-{number}{'-best' if best else ''}"


def _outline(corners: Sequence[tuple[float, float]], *, best: bool) -> str:
    radius = BEST_RADIUS if best else USUAL_RADIUS
    if corners:
        return "M " + " L ".join(f"{radius * x:g} {radius * y:g}" for x, y in corners) + " z"
    return f"M {radius} 0 A {radius} {radius} 0 1 1 -{radius} 0 A {radius} {radius} 0 1 1 {radius} 0 z"


def _mark(point: ScatterPoint, number: int, across: Axis, up: Axis) -> Markup:
    color = _color(number)
    group = Markup('<g class="point" tabindex="0" role="img" aria-label="{}" data-label="{}">{}</g>')
    use = Markup(
        '<use href="#{}" x="{:.2f}" y="{:.2f}" style="fill: var(--{}); stroke: var(--{}); stroke-width: {}"/>'
    ).format(
        _mark_id(max(number, 0), best=point.best),
        across.place_px(point.shown_percent),
        up.place_px(point.lock_px),
        color if point.pareto else "card",
        "ink" if point.best else color,
        1.6 if point.best else 1.1,
    )
    return group.format(point.label, point.label, use)
