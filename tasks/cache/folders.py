"""Which folders of deliverables have used a cache: what their records refer to is not unused."""

import hashlib
from contextlib import suppress
from pathlib import Path

from tasks.cache.store import FOLDERS


def register(cache: Path, output_dir: Path) -> None:
    """Have the cache know a folder; where that cannot be written, a run will say so for itself."""
    place = str(output_dir.resolve())
    note = cache / FOLDERS / hashlib.sha256(place.encode()).hexdigest()[:16]
    if not note.exists():
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(place)


def registered(cache: Path) -> list[Path]:
    """The folders that have used the cache; some may be no more."""
    notes = sorted((cache / FOLDERS).glob("*"))
    return sorted(Path(place) for note in notes if (place := note.read_text()))
