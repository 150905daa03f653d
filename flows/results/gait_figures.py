"""The figures of the gait that the export ``events`` found, as the summary and the report read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tasks.errors import counted
from tasks.records import AnyArtifact
from tasks.untrusted.json_file import read_object

EVENTS_EXPORT: Final = "exports/events"
MOST_BYTES: Final = 16 << 20  # an hour of strides has 1 MB
STRIDE: Final = "stride_s"
SHOWN: Final = {  # a clip has one of the speeds at most
    "cadence_steps_per_min": ("{:.1f}", "steps/min"),
    STRIDE: ("{:.2f}", "s per stride"),
    "speed_m_per_s": ("{:.2f}", "m/s"),
    "speed_px_per_s": ("{:.0f}", "px/s"),
}


@dataclass(frozen=True)
class GaitFigures:
    """The figures of a clip by name, and why some or all are missing; empty where none are."""

    figures: dict[str, dict[str, Any]]
    why_not: str


def gait_figures(artifacts: Mapping[str, AnyArtifact]) -> GaitFigures | None:
    """What the export ``events`` found; None without it, ``ValueError`` for a file that is none of ours."""
    exported = artifacts.get(EVENTS_EXPORT)
    if exported is None:
        return None
    path = exported.path("events.json")
    found = read_object(path, MOST_BYTES)
    figures, why_not = found.get("figures"), found.get("lengths_why_not")
    if not isinstance(figures, dict) or not isinstance(why_not, str):
        raise ValueError(f"{path}: holds no figures of a gait")  # noqa: TRY004  (one error)
    return GaitFigures(figures, why_not)


def gait_lines(artifacts: Mapping[str, AnyArtifact]) -> Iterator[str]:
    """One line with the main figures; none where there are none: a warning then says why."""
    found = gait_figures(artifacts)
    if found is None or STRIDE not in found.figures:
        return
    parts = [_mean_text(found.figures[name], *shown) for name, shown in SHOWN.items() if name in found.figures]
    strides = counted(found.figures[STRIDE]["count"], "stride")
    yield f"gait: {', '.join(parts)} (mean ± standard deviation of {strides})"


def _mean_text(figure: Mapping[str, Any], digits: str, unit: str) -> str:
    spread = figure["deviation"]
    return f"{digits.format(figure['mean'])}{'' if spread is None else f' ± {digits.format(spread)}'} {unit}"
