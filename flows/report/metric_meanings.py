"""What each metric means, in one sentence, and which direction is better: the texts of the reports."""

from dataclasses import dataclass
from typing import Any, Final

LOWER, HIGHER, NEITHER = "lower", "higher", ""


@dataclass(frozen=True)
class Meaning:
    """One metric as a reader meets it."""

    title: str
    sentence: str
    better: str  # LOWER, HIGHER or NEITHER


METRIC_GROUPS: Final[dict[str, dict[str, Meaning]]] = {
    "How still the person is held": {
        "lock_rms": Meaning("Distance to the target", "RMS distance of the anchor to its target.", LOWER),
        "lock_rms_of_diagonal": Meaning("… of the picture", "The same, in percent of the picture's diagonal.", LOWER),
        "lock_rms_of_height": Meaning("… of the person", "The same, in percent of the person's height.", LOWER),
        "lock_p95": Meaning(
            "Distance, 95 %", "In 95 % of the frames the anchor is closer to the target than this.", LOWER
        ),
        "lock_std_x": Meaning("Horizontal spread", "Standard deviation of the anchor's horizontal position.", LOWER),
        "lock_std_y": Meaning("Vertical spread", "Standard deviation of the anchor's vertical position.", LOWER),
        "sway": Meaning("Sway", "RMS movement without slow drift: the bobbing that is visible.", LOWER),
        "residual_accel": Meaning("Tremble", "RMS acceleration of the anchor from frame to frame.", LOWER),
        "lock_gain_x": Meaning("Horizontal gain", "Part of the horizontal spread that was removed.", HIGHER),
        "lock_gain_y": Meaning("Vertical gain", "Part of the vertical spread that was removed.", HIGHER),
    },
    "What it costs": {
        "visible_area_mean": Meaning("Picture shown", "Part of the output that shows picture, not border.", HIGHER),
        "visible_area_min": Meaning("Picture shown, least", "The same in the frame that shows least.", HIGHER),
        "subject_cut": Meaning(
            "Person cut", "Share of frames in which the output cuts off a part that the source shows.", LOWER
        ),
        "camera_accel": Meaning("Camera acceleration", "RMS acceleration of the picture; smoothing reduces it.", LOWER),
        "background_speed": Meaning("Background speed", "How fast the background moves; a matter of taste.", NEITHER),
        "ground_speed": Meaning(
            "Speed over the background",
            "How fast the person moves against the background; less than over the ground, if the camera travels along.",
            NEITHER,
        ),
        "head_cut": Meaning("Head cut", "Share of the frames in which a head is cut that the source shows.", LOWER),
    },
    "How well the person was seen": {
        "looked": Meaning("Pose frames", "Share of frames that the pose model analysed; set by pose.every.", NEITHER),
        "detection": Meaning("Detected", "Share of the analysed frames in which the model found the person.", HIGHER),
        "measured": Meaning("Measured", "Share of frames whose anchor comes from an accepted pose.", HIGHER),
        "bridged": Meaning("Bridged", "Share of frames whose anchor comes from the torso's motion.", NEITHER),
        "interpolated": Meaning("Interpolated", "Share of frames whose anchor is interpolated over a gap.", LOWER),
        "held": Meaning("Held", "Share of frames whose anchor is the nearest known position.", LOWER),
        "absent": Meaning("Absent", "Share of frames without a person, in gaps too long to bridge.", NEITHER),
        "longest_gap": Meaning("Longest gap", "Longest time without a measurement.", LOWER),
        "anchor_switches": Meaning("Anchor changes", "How often the anchor changes to another body part.", LOWER),
        "anchor_switch_jump": Meaning("Jump at a change", "Largest step at such a change.", LOWER),
    },
}
ORIGIN_METRICS: Final[dict[str, Meaning]] = {
    "own": Meaning("Own picture", "Part of the output that shows the frame itself.", HIGHER),
    "seen": Meaning("From other frames", "Part of the output that shows what another frame saw there.", NEITHER),
    "mirrored": Meaning("Mirrored", "Part of the output that no frame saw: it shows a mirror.", LOWER),
}
VERIFIED_METRICS: Final[dict[str, Meaning]] = {
    "residual_step": Meaning(
        "Torso step", "RMS movement of the torso's surface from frame to frame: the visible tremble.", LOWER
    ),
    "judged": Meaning("Judged", "Share of frames in which the second pose run found the person in place.", HIGHER),
}
SHARE_PREFIX: Final = "share of "  # such units are shown in percent
GAIN_PREFIX: Final = "1 is perfect"


@dataclass(frozen=True)
class MetricRow:
    """One metric with its values as text."""

    name: str
    meaning: Meaning
    before: str
    after: str
    unit: str
    change: str  # from before to after, in percent
    verdict: str  # good, bad, or empty where neither


def metric_tables(metrics: dict[str, Any]) -> list[tuple[str, list[MetricRow]]]:
    """Planned metrics by group, those without a group under their own names, the picture's origin, and the file's."""
    if not metrics:
        return []
    planned, before, units = metrics["planned"], metrics["before"], metrics["units"]
    known = {name for group in METRIC_GROUPS.values() for name in group}
    others = {name: Meaning(name, "", NEITHER) for name in planned if name not in known}
    groups = [
        (title, [_row(name, meaning, before.get(name), planned[name], units.get(name, "")) for name, meaning in group])
        for title, group in (
            (title, [(name, meaning) for name, meaning in group.items() if name in planned])
            for title, group in {**METRIC_GROUPS, "More": others}.items()
        )
        if group
    ]
    if origin := metrics.get("origin"):
        rows = [_row(name, meaning, None, origin[name], units[name]) for name, meaning in ORIGIN_METRICS.items()]
        groups.append(("Where the picture comes from", rows))
    if verified := metrics.get("verified"):
        groups.append(("Measured again in the rendered file", _verified_rows(verified, units)))
    return groups


def _verified_rows(verified: dict[str, Any], units: dict[str, str]) -> list[MetricRow]:
    known = VERIFIED_METRICS | {name: meaning for group in METRIC_GROUPS.values() for name, meaning in group.items()}
    order = [
        *VERIFIED_METRICS,
        *(name for name in verified if name not in VERIFIED_METRICS and not name.endswith("_before")),
    ]
    return [
        _row(
            name,
            known.get(name, Meaning(name, "", NEITHER)),
            verified.get(f"{name}_before"),
            verified[name],
            units.get(name, ""),
        )
        for name in order
        if name in verified
    ]


def _row(name: str, meaning: Meaning, before: float | None, after: float | None, unit: str) -> MetricRow:
    change, verdict = "", ""
    if before and after is not None:
        part = after / before - 1
        change = f"{part:+.{_digits(part)}%}".replace("-", "−").replace("%", " %")
        if meaning.better and abs(part) >= 0.005:
            verdict = "good" if (part < 0) == (meaning.better == LOWER) else "bad"
    shown = f"% of {unit.removeprefix(SHARE_PREFIX)}" if unit.startswith(SHARE_PREFIX) else unit
    shown = "%" if unit.startswith(GAIN_PREFIX) else shown.replace("^2", "²")
    percent = unit.startswith((SHARE_PREFIX, GAIN_PREFIX))
    return MetricRow(
        name,
        meaning,
        format_number(before, percent=percent),
        format_number(after, percent=percent),
        shown,
        change,
        verdict,
    )


def _digits(part: float) -> int:
    """Decimals of a change in percent, at most three, so that a small remaining value is not rounded to -100 %."""
    return next((digits for digits in range(3) if part == -1 or round(100 * part, digits) != -100), 3)


def format_number(value: float | None, *, percent: bool = False) -> str:
    """Three significant digits, never a zero with a minus; a dash for a missing value."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    scaled = 100 * value if percent else value
    size = abs(scaled)
    digits = 0 if size >= 100 else 1 if size >= 10 or percent else 2 if size >= 0.095 or size == 0 else 3
    return f"{scaled:z.{digits}f}".replace("-", "−")
