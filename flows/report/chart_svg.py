"""Charts of the cache, looked through before a page holds them: somebody else may have written them."""

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tasks.untrusted.json_file import read_bytes

MOST_BYTES: Final = 8 << 20
NAMESPACE: Final = "{http://www.w3.org/2000/svg}"
ELEMENTS: Final = {"svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use", "circle", "line"}
ATTRIBUTES: Final = {
    *("id", "class", "style", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "dx", "dy"),
    *("transform", "viewBox", "version", "clip-path", "fill", "stroke", "opacity", "preserveAspectRatio", "tabindex"),
}
LINK: Final = "{http://www.w3.org/1999/xlink}href"
# What a style may not hold: it would load something, or place the chart over the rest of the page.
OUTWARD: Final = re.compile(r"url\s*\(\s*['\"]?\s*[^#'\"\s]|@|\\|expression|javascript:|position\s*:", re.IGNORECASE)


def read_chart_svg(path: Path) -> str:
    """The text of a chart; ``ValueError`` where it is no plain drawing, ``OSError`` where it cannot be read."""
    text = read_bytes(path, MOST_BYTES).decode()
    if re.search(r"<!|<\?", text):  # document types, entities, comments, CDATA: a parser and a browser differ in them
        raise ValueError(f"{path}: is no plain drawing: it holds a declaration")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, RecursionError) as error:
        raise ValueError(f"{path}: is no drawing: {error}") from error
    if root.tag != f"{NAMESPACE}svg":
        raise ValueError(f"{path}: is no drawing")
    for element in root.iter():
        name = element.tag.removeprefix(NAMESPACE)
        if name not in ELEMENTS or (element is not root and name == "svg"):
            raise ValueError(f"{path}: is no plain drawing: it holds <{name}>")
        for attribute, value in element.attrib.items():
            if not _is_plain(attribute, value):
                raise ValueError(f"{path}: is no plain drawing: it holds {attribute}")
    return text


def _is_plain(attribute: str, value: str) -> bool:
    if attribute == LINK:
        return value.startswith("#")
    return attribute in ATTRIBUTES and not OUTWARD.search(value)
