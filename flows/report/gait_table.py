"""The figures of the gait as the report shows them: those of the export ``events``."""

from dataclasses import dataclass
from typing import Any, Final

from flows.report.metric_meanings import format_number
from tasks.records import AnyArtifact
from tasks.untrusted.json_file import read_object

EVENTS_EXPORT: Final = "exports/events"
MOST_BYTES: Final = 16 << 20  # an hour of strides has 1 MB
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
    exported = artifacts.get(EVENTS_EXPORT)
    if exported is None:
        return None
    path = exported.path("events.json")
    found = read_object(path, MOST_BYTES)
    figures, why_not = found.get("figures"), found.get("lengths_why_not")
    if not isinstance(figures, dict) or not isinstance(why_not, str):
        raise ValueError(f"{path}: holds no figures of a gait")  # noqa: TRY004  (one error)
    return GaitTable([_row(name, figure) for name, figure in figures.items()], why_not)


def _row(name: str, figure: dict[str, Any]) -> GaitRow:
    ending = next((end for end in UNITS if name.endswith(end)), "")
    return GaitRow(
        name=name,
        title=name.removesuffix(ending).replace("_", " ").capitalize(),
        unit=UNITS.get(ending, ""),
        mean=format_number(figure["mean"]),
        deviation=format_number(figure["deviation"]),
        count=format_number(figure["count"]),
        uncertainty=format_number(figure.get("uncertainty")),
    )
