"""Read the finished mark of a cache entry, and check it: anybody may have written the file.

The types of the fields are checked. A file name may not lead out of the entry's folder. An entry that was renamed or
moved to another stage is not accepted. The store decides by what is read here, and by nothing else in the cache.
"""

import math
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tasks.records import AnyArtifact, Artifact, StoredFile
from tasks.untrusted.json_file import read_object

MOST_MARK_BYTES: Final = 8 << 20  # of a mark: one has some KB, and more with many people and modules
MOST_FILES: Final = 1000
UNUSABLE: Final = "unusable.json"
"""The mark's name once the entry's files have the stated digests but cannot be used: the entry is not fetched again."""
RECORDS: Final = "records"
"""Where older versions had Prefect keep its result records. None is written or handed to Prefect any more: they name
the code that reads them."""

RECORD_BYTES: Final = 64 << 10
RECORD_TYPE: Final = "stillwalk-artifact"  # the only one that older versions wrote
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_TEXT_FACTS: Final = {"why", "device_note", "broken", "fusion", "point", "model", "device", "source"}
_COUNT_FACTS: Final = {"frames", "looked", "detected", "detection_rate", "memory_mb"}


def read_fields(path: Path) -> dict[str, Any]:
    """All fields of a mark, unchecked; ``ValueError`` or ``OSError`` where it is not a JSON object."""
    return read_object(path, MOST_MARK_BYTES)


def artifact_of(mark: Mapping[str, Any], folder: Path) -> AnyArtifact:
    """The artifact that a mark describes in its ``folder``; ``ValueError`` if a field cannot be of this program."""
    stage, key = _names(mark, folder)
    files = _field(mark, "files", dict)
    _require(len(files) <= MOST_FILES, "files")
    stored = {_plain_name(name): _stored(file) for name, file in files.items()}
    facts = _field(mark, "facts", dict)
    _check_facts(facts)
    return Artifact(stage, key, str(folder), stored, facts, _field(mark, "run_id", str), _seconds(mark))


def about_of(mark: Mapping[str, Any]) -> dict[str, Any]:
    """What a mark keeps about its entry; ``ValueError`` if this program cannot have written it."""
    about: dict[str, Any] = _field(mark, "about", dict)
    for name, kind in (("video", str), ("sha256", str), ("shaped_by", dict)):
        _require(isinstance(about.get(name, kind()), kind), "about")
    return about


def looked_of(mark: Mapping[str, Any], folder: Path) -> AnyArtifact:
    """The mark of a finding, as an artifact without files. From older versions only stage and key are known."""
    stage, key = _names(mark, folder)
    whole = {"run_id": "", "seconds": 0.0, **mark}
    return Artifact(stage, key, str(folder), {}, {}, _field(whole, "run_id", str), _seconds(whole))


def is_foreign_record(cache: Path, key: str) -> bool:
    """Whether a result record lies beside an entry that no version of this program has written.

    Prefect would do what such a record says. Whoever put it there had their hands on the entry too.
    """
    path = cache / RECORDS / key
    try:
        path.lstat()
    except OSError:
        return False
    try:
        record = read_object(path, RECORD_BYTES)
        return bool(record["metadata"]["serializer"] != {"type": RECORD_TYPE})
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _names(mark: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    stage, key = _field(mark, "stage", str), _field(mark, "key", str)
    _require((stage, key) == (folder.parent.name, folder.name), "stage and key")
    return stage, key


def _plain_name(name: str) -> str:
    """``name``, if it is that of a plain file: no path, not hidden, no control characters; else ``ValueError``."""
    _require(bool(name) and "/" not in name and not name.startswith(".") and name.isprintable(), "files")
    return name


def _stored(file: object) -> StoredFile:
    _require(isinstance(file, dict) and set(file) == {"sha256", "size", "mtime_ns"}, "files")
    fields: dict[str, Any] = dict(file) if isinstance(file, dict) else {}
    digest, size, mtime_ns = fields["sha256"], fields["size"], fields["mtime_ns"]
    _require(isinstance(digest, str) and _SHA256.fullmatch(digest) is not None, "files")
    _require(_is_whole(size) and size >= 0 and _is_whole(mtime_ns), "files")
    return StoredFile(digest, size, mtime_ns)


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Check the facts that all stages have in common, which go into sentences; ``ValueError`` for a wrong type."""
    checks: dict[str, Callable[[Any], bool]] = {
        **dict.fromkeys(_TEXT_FACTS, lambda fact: fact is None or isinstance(fact, str)),
        **dict.fromkeys(_COUNT_FACTS, _is_number),
        "notes": lambda fact: isinstance(fact, list) and all(isinstance(note, str) for note in fact),
        "states": lambda fact: isinstance(fact, dict) and all(map(_is_number, fact.values())),
    }
    for name, fact in facts.items():
        _require(name not in checks or checks[name](fact), f"facts: {name}")


def _seconds(mark: Mapping[str, Any]) -> float:
    seconds = mark.get("seconds")
    _require(_is_number(seconds) and seconds is not None and seconds >= 0, "seconds")
    return float(seconds or 0.0)


def _field(mark: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = mark.get(name)
    _require(isinstance(value, kind), name)
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _require(holds: bool, field: str) -> None:
    if not holds:
        raise ValueError(f"the mark's {field} cannot be what this program wrote")


def clear_record(folder: Path) -> None:
    """Remove a result record beside the place of an entry: the entry would not be trusted with it."""
    record = folder.parents[1] / RECORDS / folder.name
    with suppress(FileNotFoundError, NotADirectoryError):
        remove(record)


def remove(path: Path) -> None:
    """Remove whatever lies in the place of an entry or a record. ``FileNotFoundError`` where nothing does."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
