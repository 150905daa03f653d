"""The charts stage: draw the charts of the report, which show by frame what ``metrics.json`` sums up in numbers."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tasks.maths.anchor.anchor_point import SOURCE_NONE
from tasks.maths.anchor.states import ABSENT, BRIDGED, HELD, INTERPOLATED
from tasks.maths.arrays import Floats, Labels, equal_slices, label_runs
from tasks.maths.frame_times import even_runs
from tasks.maths.metrics.decimation import chart_indices
from tasks.maths.metrics.residual import amplitude_density, only_seen, without_absent
from tasks.maths.path import affine
from tasks.media.files.tables import matrices_of, points_of, read_json, read_table, write_json
from tasks.media.report.charts import (
    Band,
    Curve,
    Moment,
    StrideBand,
    write_spectrum,
    write_stride_chart,
    write_timeline,
)
from tasks.records import Tick, read_clip
from tasks.requests import ChartsRequest

AXIS_NAMES: Final = ("x", "y")
ANGLE_CHARTS: Final = {  # curves of each chart by the name of their colour
    **{joint: {"x": f"left_{joint}", "y": f"right_{joint}"} for joint in ("hip", "knee", "ankle")},
    "trunk": {"after": "trunk_lean"},
}
CUT_COLOR: Final = "soft"
SWITCH_COLOR: Final = "absent"
MOST_LISTED_SPANS: Final = 40  # longest spans in the list; all are drawn
GUESSED_STATES: Final = (BRIDGED, INTERPOLATED, HELD, ABSENT)


class ChartPaths(NamedTuple):
    """The subject relative to its target over time, (n, 2): px of the output, as which the source's are shown too."""

    time_s: Floats
    end_s: float
    states: Labels
    sources: Labels
    before: Floats
    after: Floats
    cuts_s: list[float]  # scene cuts
    switches_s: list[float]  # from these moments on somebody else may be followed

    @property
    def moments(self) -> list[Moment]:
        """The lines of the charts."""
        switches = [Moment(at_s, SWITCH_COLOR) for at_s in self.switches_s]
        return [*(Moment(at_s, CUT_COLOR) for at_s in self.cuts_s), *switches]


def draw_charts(request: ChartsRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``path_x.svg``, ``path_y.svg``, ``residual.svg``, ``spectrum.svg`` and ``spans.json``; no facts.

    Also ``verified.svg`` if the rendered file was verified, and ``angle_hip.svg`` to ``angle_trunk.svg`` if the joint
    angles are exported and there are whole strides. Without a spectrum if the clip is too short for one.
    ``spans.json`` has the times of the charts, and the spans in which the subject was not measured by the pose model.
    """
    paths = read_paths(request)
    span_s = (float(paths.time_s[0]), paths.end_s)
    states, moments = _bands(paths, paths.states), paths.moments
    sources = [band for band in _bands(paths, paths.sources) if band.label != SOURCE_NONE]
    for axis, name in enumerate(AXIS_NAMES):
        pair = [
            _curve(paths.time_s, without_absent(path, paths.states)[:, axis], color) for path, color in _colored(paths)
        ]
        write_timeline(folder / f"path_{name}.svg", pair, span_s, states, sources, moments=moments)
    residual = only_seen(paths.after, paths.states)
    spectra = [(only_seen(paths.before, paths.states), "before"), (residual, "after")]
    verified = read_verified(request)
    reach = [residual, *([] if verified is None else [verified])]
    write_timeline(
        folder / "residual.svg", _per_axis(paths.time_s, residual), span_s, states, reach=reach, moments=moments
    )
    if verified is not None:
        write_timeline(
            folder / "verified.svg", _per_axis(paths.time_s, verified), span_s, states, reach=reach, moments=moments
        )
        spectra.append((verified, "verified"))
    curves = [Curve(*amplitude_density(paths.time_s, path), color) for path, color in spectra]
    if any(len(curve.x) for curve in curves):
        write_spectrum(folder / "spectrum.svg", [curve for curve in curves if len(curve.x)])
    events = {"cuts_s": paths.cuts_s, "switches_s": paths.switches_s}
    runs = [(frame, round(start_s, 6), round(step_s, 9)) for frame, start_s, step_s in even_runs(paths.time_s)]
    spans = {"start_s": span_s[0], "end_s": span_s[1], "runs": runs, **events, **_span_list(states, sources)}
    write_json(folder / "spans.json", spans)
    _draw_angles(request, folder)
    tick(len(paths.time_s))
    return {}


def _draw_angles(request: ChartsRequest, folder: Path) -> None:
    """Draw the joint angles over the stride, if they are exported and there are whole strides."""
    cycles = {} if request.angles is None else read_json(request.angles.path("angles.json"))["cycles"]
    for chart, names in ANGLE_CHARTS.items():
        bands = [
            StrideBand(np.array(cycles[name]["mean_deg"]), np.array(cycles[name]["deviation_deg"]), color)
            for color, name in names.items()
            if name in cycles
        ]
        if bands:
            write_stride_chart(folder / f"angle_{chart}.svg", bands)


def read_paths(request: ChartsRequest) -> ChartPaths:
    """The paths of the charts, from the earlier stages."""
    clip = read_clip(request.clip)
    path = read_table(request.trajectory.path("trajectory.parquet"))
    frame = read_json(request.trajectory.path("framing.json"))
    target_xy, source_target_xy = (np.array(frame[name])[path["shot"]] for name in ("targets_px", "source_targets_px"))
    anchor = points_of(path, "anchor")
    time_s = path["time_s"]
    switches_s = read_json(request.subject.path("subject.json"))["switches_s"]
    return ChartPaths(
        time_s=time_s,
        end_s=max(clip.start_s + clip.duration_s, float(path["time_s"][-1])),
        states=path["state"].astype(str),
        sources=read_table(request.offsets.path("offsets.parquet"))["source"].astype(str),
        before=frame["zoom"] * (anchor - source_target_xy),
        after=affine.apply(matrices_of(path, "to_output"), anchor) - target_xy,
        cuts_s=[float(time_s[shot.start]) for shot in equal_slices(path["shot"])[1:]],
        switches_s=[float(time_s[0]) + after_s for after_s in switches_s],
    )


def read_verified(request: ChartsRequest) -> Floats | None:
    """The anchor minus the target (n, 2) as measured in the rendered file; None if it was not verified."""
    if request.verified is None:
        return None
    return points_of(read_table(request.verified.path("verified.parquet")), "residual")


def _colored(paths: ChartPaths) -> tuple[tuple[Floats, str], ...]:
    """The paths with the names of their colours."""
    return (paths.before, "before"), (paths.after, "after")


def _per_axis(time_s: Floats, path: Floats) -> list[Curve]:
    """One curve for each axis of ``path``."""
    return [_curve(time_s, path[:, axis], name) for axis, name in enumerate(AXIS_NAMES)]


def _curve(time_s: Floats, values: Floats, color: str) -> Curve:
    """A curve, reduced to what the chart can show."""
    chosen = chart_indices(values)
    return Curve(time_s[chosen], values[chosen], color)


def _bands(paths: ChartPaths, labels: Labels) -> list[Band]:
    """Each run of equal labels, until the next one begins."""
    ends_s = np.append(paths.time_s[1:], paths.end_s)
    return [Band(label, float(paths.time_s[first]), float(ends_s[last])) for label, first, last in label_runs(labels)]


def _span_list(states: list[Band], sources: list[Band]) -> dict[str, Any]:
    """The longest guessed spans, in order of time, and the labels and sources that occur."""
    guessed = [band for band in states if band.label in GUESSED_STATES]
    longest = sorted(guessed, key=lambda band: band.start_s - band.end_s)[:MOST_LISTED_SPANS]
    return {
        "spans": [band._asdict() for band in sorted(longest, key=lambda band: band.start_s)],
        "more": len(guessed) - len(longest),
        "labels": sorted({band.label for band in guessed}),
        "sources": sorted({band.label for band in sources}),
    }
