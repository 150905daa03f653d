"""The page of one video: what a person wants to know of it, in one file that opens without a network.

Nothing is drawn here: charts and pictures come from the artifacts of the stages, so a page costs next to nothing.
"""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conf.schema import Config
from flows.report.metric_meanings import number, tables
from flows.report.player import choose_player, link, unplayable
from tasks.cache.keys import canonical
from tasks.records import Artifact

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
WATCHED: Final = ("stabilized.mp4", "stabilized.mov", "comparison.mp4", "comparison.mov")  # renders that keep pictures
CHARTS: Final = ("path_x", "path_y", "residual", "verified", "spectrum")
OWN: Final = {"video", "output_dir", "cache_dir"}  # settings that are no matter of taste


@cache  # a template is compiled once for all videos
def pages() -> Environment:
    """Where the templates are found; all that is put into them is escaped."""
    found = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    found.trim_blocks = found.lstrip_blocks = True
    found.globals = {"link": link, "number": number}
    return found


def render_report(record: dict[str, Any], metrics: dict[str, Any], artifacts: dict[str, Artifact], folder: Path) -> str:
    """The page in ``folder`` for ``run.json``'s ``record``; of a video that failed: why, and what to do."""
    fact, _, cure = record["error"].partition("; ")
    settings = flat(record["config"])
    usual = dict(flat(canonical(Config())))
    return (
        pages()
        .get_template("report.html")
        .render(
            run=record,
            fact=fact,
            cure=cure.partition(" (of a broken file")[0],  # which a warning tells
            metrics=metrics,
            tables=tables(metrics),
            player=choose_player(record, artifacts, folder),
            unplayable=unplayable(record["deliverables"]),
            charts=_charts(artifacts),
            spans=_spans(artifacts),
            pictures=_pictures(artifacts),
            settings=settings,
            changed=[(name, value, usual.get(name)) for name, value in settings if _changed(name, value, usual)],
        )
    )


def flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings by their dotted names, values as JSON."""
    rows: list[tuple[str, str]] = []
    for name, value in config.items():
        nested = isinstance(value, dict)
        rows += flat(value, f"{prefix}{name}.") if nested else [(prefix + name, json.dumps(value, ensure_ascii=False))]
    return rows


def _changed(name: str, value: str, usual: dict[str, str]) -> bool:
    return name not in OWN and value != usual.get(name)


def _charts(artifacts: dict[str, Artifact]) -> dict[str, str]:
    """``svg`` elements by the name of the chart, of those that were drawn."""
    drawn = artifacts.get("report.html")
    if drawn is None:
        return {}
    return {name: drawn.path(f"{name}.svg").read_text() for name in CHARTS if f"{name}.svg" in drawn.files}


def _spans(artifacts: dict[str, Artifact]) -> dict[str, Any]:
    drawn = artifacts.get("report.html")
    found: dict[str, Any] = {} if drawn is None else json.loads(drawn.path("spans.json").read_text())
    return found


def _pictures(artifacts: dict[str, Artifact]) -> dict[str, str]:
    """The contact sheet and the kymographs as data URIs, by name; none where nothing was rendered that keeps them."""
    for name in WATCHED:
        if held := artifacts.get(name):
            shown = [file for file in held.files if file.endswith(".jpg")]
            return {file.removesuffix(".jpg"): _inline(held.path(file)) for file in shown}
    return {}


def _inline(picture: Path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture.read_bytes()).decode()
