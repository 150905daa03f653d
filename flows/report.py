"""``report.html``: one file that opens without a network, with what a person wants to know of one video."""

import base64
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.records import Artifact

TEMPLATES = Path(__file__).parent / "templates"


def render_report(record: dict[str, Any], metrics: dict[str, Any], artifacts: dict[str, Artifact]) -> str:
    """The page for ``run.json``'s ``record``; pictures and metrics come from the artifacts that hold them."""
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return pages.get_template("report.html").render(
        run=record, contact=_contact(artifacts), metrics=metrics, settings=_flat(record["config"])
    )


def _contact(artifacts: dict[str, Artifact]) -> str:
    """The contact sheet as a data URI, or "" where none was rendered."""
    held = artifacts.get("stabilized.mp4") or artifacts.get("stabilized.mov")
    if held is None:
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(held.path("contact.jpg").read_bytes()).decode()


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in config.items():
        rows += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, json.dumps(value))]
    return rows
