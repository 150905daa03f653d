"""Numbers in the overlay: joint angles, events of the gait, speed and a scale bar, as the exports hold them.

Text has 2.4 % of the picture's shorter side, but at least nine pixels; a line that is too long for the picture is
broken at its words.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np

from conf.enums import OverlayNumber
from tasks.errors import OutputError
from tasks.maths.path import affine
from tasks.media.output.render_frame import Placement
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.drawing import Brush, Label, draw_label, make_label
from tasks.media.planes.layout import Planes
from tasks.records import Artifact, ExportedFiles
from tasks.requests import RenderRequest
from tasks.untrusted.json_file import read_object

CAPITAL_SHARE: Final = 0.024  # of the shorter side
SMALLEST_CAPITAL_PX: Final = 9.0  # letters of eight pixels can be told apart, of six they cannot
LINE_CAPITALS: Final = 1.9  # from line to line
EVENT_S: Final = 0.4  # for which an event is shown
BAR_SHARE: Final = 0.3  # of the picture's width, at most
BAR_STEPS: Final = (5.0, 2.0, 1.0)
PANEL: Final = 0.5  # share of the brightness that the panel behind the text removes
WHITE: Final = [255, 255, 255]
BLACK: Final = [0, 0, 0]


@dataclass(frozen=True)
class Numbers:
    """What is written on the frames of a clip."""

    shown: frozenset[OverlayNumber]
    angles: dict[int, dict[str, str]] = field(default_factory=dict)  # degrees by frame and name
    events: list[tuple[int, str]] = field(default_factory=list)  # frame, and what happens
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    px_per_m: float | None = None
    why_not: str = ""


def read_numbers(request: RenderRequest) -> Numbers | None:
    """The numbers that a request of the overlay shows; None for none."""
    if request.numbers is None:
        return None
    shown = frozenset(request.numbers.numbers)
    angles, events, found = {}, [], {}
    if request.angles is not None:
        rows = _rows(request.angles, "angles.csv")
        angles = {int(row["frame"]): {name: row[name] for name in row if name.endswith("_deg")} for row in rows}
    if request.events is not None:
        events = [(int(row["frame"]), f"{row['side']} {row['event']}") for row in _rows(request.events, "events.csv")]
        found = read_object(request.events.path("events.json"))
    return Numbers(shown, angles, events, found.get("figures", {}), found.get("px_per_m"), found.get("why_not", ""))


def draw_numbers(brush: Brush, planes: Planes, placement: Placement, numbers: Numbers, frame: int) -> None:
    """Write the lines into the upper left corner, and the scale bar into the lower right one."""
    capital_px = max(CAPITAL_SHARE * min(placement.size_px), SMALLEST_CAPITAL_PX)
    aspect = placement.clip.pixel_aspect_value
    lines = [
        _label(part, capital_px, aspect)
        for line in _lines(numbers, placement, frame)
        for part in broken(line, capital_px, placement.size_px[0], aspect)
    ]
    step_px = round(LINE_CAPITALS * capital_px)
    if lines:
        panel_px = (max(line.ink.shape[1] for line in lines), step_px * (len(lines) - 1) + lines[-1].ink.shape[0])
        _darken(planes, placement, panel_px)
    for number, line in enumerate(lines):
        _write(planes, placement, line, (0, number * step_px))
    if OverlayNumber.scale in numbers.shown:
        _draw_bar(brush, planes, placement, numbers.px_per_m, frame, capital_px)


def broken(line: str, capital_px: float, width_px: int, pixel_aspect: float = 1.0) -> Iterator[str]:
    """The parts of a line that are no wider than the picture, each of at least one word."""
    part = ""
    for word in line.split(" "):
        longer = f"{part} {word}" if part else word
        if part and _label(longer, capital_px, pixel_aspect).ink.shape[1] > width_px:
            yield part
            longer = word
        part = longer
    yield part


def bar_length(longest: float) -> float:
    """The longest of 1, 2, 5, 10, 20, ... and 0.5, 0.2, 0.1, ... that is no longer than ``longest``."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(next(step * power for step in BAR_STEPS if step * power <= longest * (1 + 1e-9)))


def _lines(numbers: Numbers, placement: Placement, frame: int) -> Iterator[str]:
    figures = numbers.figures
    if OverlayNumber.angles in numbers.shown:
        angles = numbers.angles.get(frame, {})
        for side in ("left", "right"):
            values = [degrees_text(angles.get(f"{side}_{joint}_deg", "")) for joint in ("hip", "knee", "ankle")]
            yield f"{side}: hip {values[0]}, knee {values[1]}, ankle {values[2]} deg"
        yield f"trunk {degrees_text(angles.get('trunk_lean_deg', ''))} deg"
    if OverlayNumber.events in numbers.shown:
        cadence = figures.get("cadence_steps_per_min")
        yield "cadence -" if cadence is None else f"{cadence['mean']:.0f} steps/min"
    if OverlayNumber.speed in numbers.shown:
        name = next((name for name in ("speed_m_per_s", "speed_px_per_s") if name in figures), "")
        digits, unit = (2, "m/s") if name == "speed_m_per_s" else (0, "px/s")
        speed = figures.get(name)
        yield "speed -" if speed is None else f"{speed['mean']:.{digits}f} {unit} +- {speed['uncertainty']:.{digits}f}"
    if OverlayNumber.events in numbers.shown:
        until_s = placement.time_s[frame]
        for at, what in numbers.events:
            if at <= frame and until_s - placement.time_s[at] < EVENT_S:
                yield what


def _darken(planes: Planes, placement: Placement, panel_px: tuple[int, int]) -> None:
    """Darken the upper left corner, so that text is readable before anything."""
    for index, (plane, black) in enumerate(zip(planes, placement.values(BLACK), strict=True)):
        step_x, step_y = sample_spacing(placement.layout, index)
        part = plane[: -(-panel_px[1] // step_y), : -(-panel_px[0] // step_x)]
        part[:] = np.rint(part + PANEL * (black - part.astype(np.float32))).astype(part.dtype)


def degrees_text(text: str) -> str:
    """A number of ``angles.csv`` in whole degrees; a dash where there is none."""
    return f"{float(text):z.0f}" if text else "-"  # z: no -0


def _draw_bar(
    brush: Brush, planes: Planes, placement: Placement, px_per_m: float | None, frame: int, capital_px: float
) -> None:
    """A bar of a round length, in metres at the person's distance, or in columns of the source."""
    (width, height), aspect = placement.size_px, placement.clip.pixel_aspect_value
    zoom = float(affine.length_scale(placement.to_output[frame]))
    unit_px, unit = (zoom, "px") if px_per_m is None else (zoom * px_per_m / aspect, "m")
    length = bar_length(BAR_SHARE * width / unit_px)
    label = _label(f"{length:g} {unit}", capital_px, aspect)
    right, y = width - 1.5 * capital_px, height - 1.5 * capital_px
    left, tick = right - length * unit_px, 0.5 * capital_px
    lines = [np.array([[left, y - tick], [left, y], [right, y], [right, y - tick]])]
    stroke_px = max(round(capital_px / 6), 1)
    brush.lines(planes, lines, placement.values(BLACK), stroke_px + 2)
    brush.lines(planes, lines, placement.values(WHITE), stroke_px)
    corner = (round((left + right - label.ink.shape[1]) / 2), round(y - tick - label.ink.shape[0] + 0.6 * capital_px))
    _write(planes, placement, label, (min(max(corner[0], 0), max(width - label.ink.shape[1], 0)), max(corner[1], 0)))


def _write(planes: Planes, placement: Placement, label: Label, corner: tuple[int, int]) -> None:
    draw_label(planes, label, corner, placement.layout, placement.values(WHITE), placement.values(BLACK))


@cache  # the same words stand on many frames
def _label(text: str, capital_px: float, pixel_aspect: float) -> Label:
    return make_label(text, capital_px, pixel_aspect)


def _rows(exported: Artifact[ExportedFiles], name: str) -> list[dict[str, str]]:
    path = exported.path(name)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise OutputError(f"{path}: cannot be read ({error.strerror}); run again") from error
