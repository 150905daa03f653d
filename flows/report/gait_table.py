"""The figures of the gait as the report shows them: those of the export ``events``."""

from dataclasses import dataclass
from typing import Any, Final

from flows.report.metric_meanings import format_number
from flows.results.gait_figures import gait_figures
from tasks.records import AnyArtifact

UNITS: Final = {  # by the end of a figure's name; the first that fits counts
    "_steps_per_min": "steps/min",
    "_percent": "%",
    "_px_per_s": "px/s",
    "_m_per_s": "m/s",
    "_px": "px",
    "_m": "m",
    "_s": "s",
}


@dataclass(frozen=True)
class GaitRow:
    """One figure over several steps or strides, as text; a dash where a value is not known."""

    name: str  # in events.json
    title: str
    unit: str
    mean: str
    deviation: str
    count: str
    uncertainty: str


@dataclass(frozen=True)
class GaitTable:
    """All figures of a clip, and why some or all are missing; empty where none are."""

    rows: list[GaitRow]
    why_not: str


def gait_table(artifacts: dict[str, AnyArtifact]) -> GaitTable | None:
    """The figures that the export ``events`` found; None without it, ``ValueError`` for a file that is none of ours."""
    found = gait_figures(artifacts)
    if found is None:
        return None
    return GaitTable([_row(name, figure) for name, figure in found.figures.items()], found.why_not)


def _row(name: str, figure: dict[str, Any]) -> GaitRow:
    ending = next((end for end in UNITS if name.endswith(end)), "")
    return GaitRow(
        name=name,
        title=_title(name.removesuffix(ending).replace("_", " "), is_time=ending == "_s"),
        unit=UNITS.get(ending, ""),
        mean=format_number(figure["mean"]),
        deviation=format_number(figure["deviation"]),
        count=format_number(figure["count"]),
        uncertainty=format_number(figure.get("uncertainty")),
    )


def _title(words: str, *, is_time: bool) -> str:
    part = words.removeprefix("symmetry ")
    if part != words:
        return f"Symmetry of the {part} times"
    return f"{words} time".capitalize() if is_time else words.capitalize()
