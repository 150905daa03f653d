"""``index.html``: the page of a batch or a sweep. A thin table, until the page with charts takes its place."""

from html import escape
from typing import Any


def render_index(index: dict[str, Any]) -> str:
    """The page for the index that ``flows.index`` writes beside it."""
    rows = "".join(
        f"<tr><td>{escape(row['video'])}<td>{escape(row['setting'])}<td>{row['rank']}<td>{escape(row['error'])}</tr>"
        for row in index["rows"]
    )
    head = f'<!doctype html><meta charset="utf-8"><title>{escape(index["name"])}</title>'
    return f"{head}<table><tr><th>video<th>setting<th>rank<th>error</tr>{rows}</table>\n"
