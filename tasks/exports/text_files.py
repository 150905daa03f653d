"""Text and CSV files of exports."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tasks.errors import writing


def write_text(path: Path, text: str) -> None:
    """Write a text file; ``OutputError`` where it cannot be written."""
    with writing(path):
        path.write_text(text, encoding="utf-8", newline="")


def write_rows(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file with ``names`` in its first line; ``OutputError`` where it cannot be written."""
    with writing(path), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
