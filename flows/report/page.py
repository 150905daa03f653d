"""The report of one video: one HTML file that opens without a network.

Nothing is drawn here: charts and pictures come from the artifacts of the stages, so a report costs next to nothing.
"""

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conf.config import Config
from flows.report.chart_svg import read_chart_svg
from flows.report.gait_table import gait_table
from flows.report.metric_meanings import format_number, metric_tables
from flows.results.result import REPORT_NAME, person_folder
from tasks.cache.keys import canonical
from tasks.records import AnyArtifact
from tasks.untrusted.corrections_file import COLUMNS, CORRECTIONS_NAME
from tasks.untrusted.json_file import read_object

MAX_KEPT_SETTINGS: Final = 256  # tables of settings, of about 20 KB each: one for each setting of a sweep
TEMPLATE_FOLDER: Final = Path(__file__).parents[1] / "templates"
RENDERS_WITH_PICTURES: Final = ("stabilized.mp4", "stabilized.mov", "comparison.mp4", "comparison.mov")
ANGLE_TITLES: Final = {"hip": "Hip", "knee": "Knee", "ankle": "Ankle", "trunk": "Lean of the trunk"}
CHART_NAMES: Final = (
    *("path_x", "path_y", "residual", "verified", "spectrum"),
    *(f"angle_{name}" for name in ANGLE_TITLES),
)
PLACE_SETTINGS: Final = {"video", "output_dir", "cache_dir"}  # never listed as differing from the defaults
SINGLE_VIDEOS: Final = ("overlay.mp4", "person.mp4", "person.webm")
UNPLAYABLE_SUFFIXES: Final = (".mov", ".zip")  # ProRes, and PNG pictures
PaneBox = tuple[float, float, float, float]  # x, y, width, height, as fractions of the video's picture
ORIGINAL: Final = "original"  # the label of its pane; report.js knows it
FULL_BOX: Final[PaneBox] = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Pane:
    """One picture of the player."""

    label: str
    video: int  # index of the player's video that it shows
    box: PaneBox
    size_px: tuple[int, int]


@dataclass(frozen=True)
class Player:
    """Videos, as links relative to the page, and the parts of them that are shown."""

    links: tuple[str, ...]
    panes: tuple[Pane, ...]


@dataclass(frozen=True)
class ShownPerson:
    """Somebody in the video, as the page shows them."""

    number: int
    place: str  # in the picture, in words
    seen: str  # share of the frames
    height_px: float
    why_not: str  # why it is probably no person; empty: a person
    picture: str | Markup  # a data URI; empty where there is none
    followed: bool
    link: str  # to the report of that person; empty where it has none


@cache  # a template is compiled once for all videos
def template_environment() -> Environment:
    """Jinja environment of the templates; all inserted values are escaped."""
    loader = FileSystemLoader(TEMPLATE_FOLDER)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, auto_reload=False)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals = {"link": relative_link, "number": format_number}
    return environment


@cache
def _defaults() -> dict[str, Any]:
    """The settings of a run to which none are given."""
    return dict(flat_settings(canonical(Config())))


def render_report(
    record: dict[str, Any], metrics: dict[str, Any], artifacts: dict[str, AnyArtifact], folder: Path
) -> bytes:
    """The page in ``folder`` for the ``record`` that ``run.json`` holds; for a failed video: why, and what to do."""
    fact, _, cure = record["error"].partition("; ")
    player, spans = choose_player(record, artifacts, folder), _spans(artifacts)
    parts = (
        template_environment()
        .get_template("report.html")
        .generate(
            run=record,
            fact=fact,
            cure=cure.partition(" (of a broken file")[0],  # a warning says that
            metrics=metrics,
            tables=metric_tables(metrics),
            player=player,
            played_from_s=_played_from_s(record, spans),
            by_hand=_by_hand(record, player, spans),
            corrections=record.get("corrections", {}),
            unplayable=unplayable_names(record["deliverables"]),
            charts=_charts(artifacts, record["run_id"]),
            angles=ANGLE_TITLES,
            gait=gait_table(artifacts),
            spans=spans,
            pictures=_pictures(artifacts),
            people=_people(record, artifacts),
            why=artifacts["subject"].facts["chosen"]["why"] if _chosen(artifacts) else "",
            settings=_settings_tables(json.dumps(record["config"])),
        )
    )
    return b"".join(map(str.encode, parts))  # one by one: most parts are ASCII, of which the text is the bytes


@lru_cache(MAX_KEPT_SETTINGS)  # those of all videos with a setting are the same
def _settings_tables(config: str) -> Markup:
    """The tables of settings: those that differ from the defaults, and all; ``config`` is a JSON object."""
    settings, defaults = flat_settings(json.loads(config)), _defaults()
    changed = [(name, value, defaults.get(name)) for name, value in settings if _changed(name, value, defaults)]
    return Markup(template_environment().get_template("settings.html").render(settings=settings, changed=changed))


def flat_settings(config: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings as pairs of dotted name and JSON value."""
    rows: list[tuple[str, str]] = []
    for name, value in config.items():
        nested = isinstance(value, dict)
        rows += (
            flat_settings(value, f"{prefix}{name}.")
            if nested
            else [(prefix + name, json.dumps(value, ensure_ascii=False))]
        )
    return rows


def _changed(name: str, value: str, defaults: dict[str, str]) -> bool:
    return name not in PLACE_SETTINGS and value != defaults.get(name)


def _charts(artifacts: dict[str, AnyArtifact], run_id: str) -> dict[str, str]:
    """SVG elements of the charts that were drawn, by name; what other runs than ``run_id`` drew is looked through."""
    drawn = artifacts.get("report.html")
    if drawn is None:
        return {}
    paths = {name: drawn.path(f"{name}.svg") for name in CHART_NAMES if f"{name}.svg" in drawn.files}
    if drawn.run_id == run_id:
        return {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    return {name: read_chart_svg(path) for name, path in paths.items()}


def _spans(artifacts: dict[str, AnyArtifact]) -> dict[str, Any]:
    drawn = artifacts.get("report.html")
    found: dict[str, Any] = {} if drawn is None else read_object(drawn.path("spans.json"))
    return found


def _pictures(artifacts: dict[str, AnyArtifact]) -> dict[str, Markup]:
    """Contact sheet and kymographs as data URIs, by name; empty where no render has them."""
    for name in RENDERS_WITH_PICTURES:
        if render := artifacts.get(name):
            pictures = [file for file in render.files if file.endswith(".jpg")]
            return {file.removesuffix(".jpg"): _data_uri(render.path(file)) for file in pictures}
    return {}


def _chosen(artifacts: dict[str, AnyArtifact]) -> int:
    """Number of the person who is followed; 0 where nobody is."""
    chosen = artifacts["subject"].facts.get("chosen", {}) if "subject" in artifacts else {}
    return int(chosen.get("person", 0))


def _people(record: dict[str, Any], artifacts: dict[str, AnyArtifact]) -> list[ShownPerson]:
    """Everybody in the video; with ``subject=all`` the others with links to their own reports."""
    numbered = artifacts.get("people")
    if numbered is None:
        return []
    followed = _chosen(artifacts)
    reported = numbered.facts["everybody"] if record.get("person") else []
    return [
        ShownPerson(
            number=number,
            place=one["place"],
            seen=f"{100 * one['share']:.0f} %",
            height_px=one["height_px"],
            why_not=one["why_not"],
            picture=_data_uri(numbered.path(name)) if (name := f"person-{number}.jpg") in numbered.files else "",
            followed=number == followed,
            link=f"../{person_folder(number)}/{REPORT_NAME}" if number in reported and number != followed else "",
        )
        for one in numbered.facts["people"]
        for number in (int(one["person"]),)
    ]


def _data_uri(picture: Path) -> Markup:  # Markup, as it holds nothing to escape, and is long
    return Markup("data:image/jpeg;base64,") + Markup(base64.b64encode(picture.read_bytes()).decode())


def _played_from_s(record: dict[str, Any], spans: dict[str, Any]) -> float:
    """The time at which a player shows the first frame: that of the file, but 0 for a part, or before zero."""
    clip = record["clip"]
    return 0.0 if clip is None or clip.get("trimmed") else max(float(spans.get("start_s", 0)), 0.0)


def _by_hand(record: dict[str, Any], player: Player | None, spans: dict[str, Any]) -> dict[str, Any] | None:
    """What the page needs to offer corrections; None where it does not play the original."""
    clip, panes = record["clip"], () if player is None else player.panes
    if clip is None or "runs" not in spans or all(pane.label != ORIGINAL for pane in panes):
        return None
    runs = json.dumps(spans["runs"], separators=(",", ":"))
    size_px = (clip["width_px"], clip["height_px"])
    return {
        "runs": runs,
        "frames": clip["frames"],
        "size_px": size_px,
        "columns": ",".join(COLUMNS),
        "file": CORRECTIONS_NAME,
    }


def choose_player(record: dict[str, Any], artifacts: dict[str, AnyArtifact], folder: Path) -> Player | None:
    """What the report plays: the comparison's halves, else original and stabilized video, else any other video."""
    names = record["deliverables"]
    if "comparison.mp4" in names:
        return _comparison_player(artifacts["comparison.mp4"])
    if "stabilized.mp4" in names:
        clip, facts = record["clip"], artifacts["stabilized.mp4"].facts
        pane = Pane("stabilized", 0, FULL_BOX, tuple(facts["size_px"]))
        source = Path(record["video"]["path"])
        # The drawn walker lies in the cache, and of a part of a file the original would begin elsewhere.
        if not source.is_absolute() or clip.get("trimmed"):
            return Player((relative_link("stabilized.mp4"),), (pane,))
        original = Pane(ORIGINAL, 1, FULL_BOX, (clip["width_px"], clip["height_px"]))
        links = (relative_link("stabilized.mp4"), relative_link(os.path.relpath(source, folder)))
        return Player(links, (original, pane))
    for name in SINGLE_VIDEOS:
        if name in names:
            size_px = tuple(artifacts[name].facts["size_px"])
            return Player((relative_link(name),), (Pane(name.partition(".")[0], 0, FULL_BOX, size_px),))
    return None


def _comparison_player(comparison: AnyArtifact) -> Player:
    width, height = comparison.facts["size_px"]
    panes = []
    for label, (x, y, pane_width, pane_height) in zip((ORIGINAL, "stabilized"), comparison.facts["panes"], strict=True):
        box = (x / width, y / height, pane_width / width, pane_height / height)
        panes.append(Pane(label, 0, box, (pane_width, pane_height)))
    return Player((relative_link("comparison.mp4"),), tuple(panes))


def unplayable_names(names: Iterable[str]) -> list[str]:
    """The deliverables that show the video but that browsers do not play."""
    return [name for name in names if name.endswith(UNPLAYABLE_SUFFIXES)]


def relative_link(path: str) -> str:
    """A path as a relative URL, with every special character of its name quoted."""
    return quote(path if path.startswith(("/", ".")) else f"./{path}", safe="/")
