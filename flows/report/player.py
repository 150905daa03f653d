"""Which videos a report plays: two pictures in step, by whatever lies beside the page."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.records import Artifact

ALONE = ("overlay.mp4", "person.mp4", "person.webm")
UNPLAYED = (".mov", ".zip")  # ProRes, and PNG pictures
Box = tuple[float, float, float, float]  # x, y, width, height, as shares of the video's picture
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Pane:
    """One picture of the player."""

    label: str
    video: int  # which of the player's videos it shows
    box: Box
    size_px: tuple[int, int]


@dataclass(frozen=True)
class Player:
    """Videos, as links relative to the page, and what is shown of them."""

    links: tuple[str, ...]
    panes: tuple[Pane, ...]


def choose_player(record: dict[str, Any], artifacts: dict[str, Artifact], folder: Path) -> Player | None:
    """The comparison's halves; else the original, where it lies, beside the stabilized video; else what there is."""
    names = record["deliverables"]
    if "comparison.mp4" in names:
        return _halves(artifacts["comparison.mp4"])
    if "stabilized.mp4" in names:
        clip, facts = record["clip"], artifacts["stabilized.mp4"].facts
        pane = Pane("stabilized", 0, WHOLE, tuple(facts["size_px"]))
        source = Path(record["video"]["path"])
        if not source.is_absolute():  # the drawn walker: it lies in the cache
            return Player((link("stabilized.mp4"),), (pane,))
        original = Pane("original", 1, WHOLE, (clip["width_px"], clip["height_px"]))
        return Player((link("stabilized.mp4"), link(os.path.relpath(source, folder))), (original, pane))
    for name in ALONE:
        if name in names:
            size_px = tuple(artifacts[name].facts["size_px"])
            return Player((link(name),), (Pane(name.partition(".")[0], 0, WHOLE, size_px),))
    return None


def unplayable(names: Iterable[str]) -> list[str]:
    """Those of the deliverables that are videos, or the pictures of one, which browsers do not play."""
    return [name for name in names if name.endswith(UNPLAYED)]


def _halves(comparison: Artifact) -> Player:
    width, height = comparison.facts["size_px"]
    panes = []
    for label, (x, y, pane_width, pane_height) in zip(
        ("original", "stabilized"), comparison.facts["panes"], strict=True
    ):
        box = (x / width, y / height, pane_width / width, pane_height / height)
        panes.append(Pane(label, 0, box, (pane_width, pane_height)))
    return Player((link("comparison.mp4"),), tuple(panes))


def link(path: str) -> str:
    """A path as a relative address: whatever is in a name, it is part of the name."""
    return quote(path if path.startswith(("/", ".")) else f"./{path}", safe="/")
