"""What each metric means, in a sentence, and which way is better: for people who read the report."""

from dataclasses import dataclass
from typing import Any, Final

LOWER, HIGHER, NEITHER = "lower", "higher", ""


@dataclass(frozen=True)
class Meaning:
    """One metric as a reader meets it."""

    title: str
    sentence: str
    better: str  # lower, higher, or empty where neither is


GROUPS: Final[dict[str, dict[str, Meaning]]] = {
    "How still the person is held": {
        "lock_rms": Meaning(
            "Distance to the target", "Root mean square of how far the hips are from their place.", LOWER
        ),
        "lock_rms_of_diagonal": Meaning("… of the picture", "The same, in percent of the picture's diagonal.", LOWER),
        "lock_rms_of_height": Meaning("… of the person", "The same, in percent of the person's height.", LOWER),
        "lock_p95": Meaning(
            "Distance, 95 %", "In 95 of 100 frames the hips are nearer to the target than this.", LOWER
        ),
        "lock_std_x": Meaning("Spread across", "Standard deviation of the hips' place, left and right.", LOWER),
        "lock_std_y": Meaning("Spread up and down", "Standard deviation of the hips' place, up and down.", LOWER),
        "sway": Meaning("Sway", "What is left when slow drift is taken out: the bob that an eye sees.", LOWER),
        "residual_accel": Meaning("Tremble", "Root mean square change of the hips' step from frame to frame.", LOWER),
        "lock_gain_x": Meaning("Gain across", "Part of the spread that was taken away, left and right.", HIGHER),
        "lock_gain_y": Meaning("Gain up and down", "Part of the spread that was taken away, up and down.", HIGHER),
    },
    "What it costs": {
        "visible_area_mean": Meaning("Picture shown", "Share of the output that shows picture, not border.", HIGHER),
        "visible_area_min": Meaning("Picture shown, least", "The same in the frame that shows the least.", HIGHER),
        "subject_cut": Meaning(
            "Person cut", "Share of frames in which the source's edge or the output's cuts the person.", LOWER
        ),
        "camera_accel": Meaning("Camera's jerk", "How abruptly the picture is moved: what smoothing buys.", LOWER),
        "background_speed": Meaning("Background's speed", "How fast the world drifts by; a matter of taste.", NEITHER),
    },
    "How well the person was seen": {
        "looked": Meaning("Looked at", "Share of frames that the pose model looked at; pose.every sets it.", NEITHER),
        "detection": Meaning("Detected", "Share of the frames looked at in which the model found the person.", HIGHER),
        "measured": Meaning("Measured", "Share of frames whose anchor is a pose that was believed.", HIGHER),
        "bridged": Meaning("Bridged", "Share in which the torso's own motion carried the anchor.", NEITHER),
        "interpolated": Meaning("Interpolated", "Share in which a path over a gap stands in.", LOWER),
        "held": Meaning("Held", "Share in which the nearest known place stands in.", LOWER),
        "absent": Meaning("Away", "Share in which nobody was there for too long to guess.", NEITHER),
        "longest_gap": Meaning("Longest gap", "Longest time without a measurement.", LOWER),
        "anchor_switches": Meaning("Changes of source", "How often another part of the body became the anchor.", LOWER),
        "anchor_switch_jump": Meaning("Jump at a change", "The largest step that such a change made.", LOWER),
    },
}
JUDGED: Final[dict[str, Meaning]] = {
    "residual_step": Meaning(
        "Torso's step", "How far the torso's surface moves from frame to frame: the tremble seen.", LOWER
    ),
    "judged": Meaning("Judged", "Share of frames in which the fresh look found the person at the right place.", HIGHER),
}
SHARE: Final = "share of "
GAIN: Final = "1 is perfect"


@dataclass(frozen=True)
class Row:
    """One metric with its values as text."""

    name: str
    meaning: Meaning
    before: str
    after: str
    unit: str
    change: str  # from before to after, in percent
    verdict: str  # good or bad where that can be told


def tables(metrics: dict[str, Any]) -> list[tuple[str, list[Row]]]:
    """All planned metrics by group, those that no group knows last under their own names; then those of the file."""
    if not metrics:
        return []
    planned, before, units = metrics["planned"], metrics["before"], metrics["units"]
    known = {name for group in GROUPS.values() for name in group}
    others = {name: Meaning(name, "", NEITHER) for name in planned if name not in known}
    groups = [
        (title, [_row(name, meaning, before.get(name), planned[name], units.get(name, "")) for name, meaning in group])
        for title, group in (
            (title, [(name, meaning) for name, meaning in group.items() if name in planned])
            for title, group in {**GROUPS, "More": others}.items()
        )
        if group
    ]
    if verified := metrics.get("verified"):
        groups.append(("The same, measured again on the rendered file", _judged(verified, units)))
    return groups


def _judged(verified: dict[str, Any], units: dict[str, str]) -> list[Row]:
    known = JUDGED | {name: meaning for group in GROUPS.values() for name, meaning in group.items()}
    order = [*JUDGED, *(name for name in verified if name not in JUDGED and not name.endswith("_before"))]
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


def _row(name: str, meaning: Meaning, before: float | None, after: float | None, unit: str) -> Row:
    change, verdict = "", ""
    if before and after is not None:
        part = after / before - 1
        change = f"{part:+.{_digits(part)}%}".replace("-", "−").replace("%", " %")
        if meaning.better and abs(part) >= 0.005:
            verdict = "good" if (part < 0) == (meaning.better == LOWER) else "bad"
    shown = unit.removeprefix(SHARE).join(("% of ", "")) if unit.startswith(SHARE) else unit
    shown = "%" if unit.startswith(GAIN) else shown.replace("^2", "²")
    percent = unit.startswith((SHARE, GAIN))
    return Row(name, meaning, number(before, percent), number(after, percent), shown, change, verdict)


def _digits(part: float) -> int:
    """Digits behind the point of a change in percent, at most three: what is left of a value is not rounded away."""
    return next((digits for digits in range(3) if part == -1 or round(100 * part, digits) != -100), 3)


def number(value: float | None, percent: bool = False) -> str:
    """Three digits that count; a dash for what cannot be told."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    scaled = 100 * value if percent else value
    size = abs(scaled)
    digits = 0 if size >= 100 else 1 if size >= 10 or percent else 2 if size >= 0.095 or size == 0 else 3
    return f"{scaled:.{digits}f}".replace("-", "−")
