"""What has changed between two requests of one stage, as sentences that name settings, files, code and libraries."""

import json
from collections.abc import Iterator
from typing import Any

from flows.config.overrides import TYPED_NAMES
from tasks.errors import first_few

SECTIONS = {  # of the settings that a stage's request calls ``settings``
    "offsets": "anchor",
    "room": "smoothing",
    "trajectory": "smoothing",
    "verify": "pose",
}
NAMES = {  # of the fields of requests that have another name than their setting
    "matte": "masks",
    "min_confidence": "anchor.min_confidence",
    "min_seen_s": "subject.min_seen_s",
    "part": "clip",
    "time": "clip.time",
    "window_px": "the size of window that all videos share",
}
EXPORT = "export"  # the stage of all exports
FOLLOWS_BACKGROUND = {"matte", "masks"}
MOST_NAMED_FILES = 2  # that are named
UNKNOWN_SETTING = object()  # of a setting that a version of the program does not have


def differences(
    stage: str, new: dict[str, Any], old: dict[str, Any], unknown: set[str], picture: str | None = None
) -> list[str]:
    """Sentences on how ``new`` differs from ``old``, both as ``tasks.cache.keys.shaped_by`` makes them.

    ``unknown`` names fields of the new request that cannot be compared yet. ``picture`` is its ``background.image``, of
    which requests have only the digest.
    """
    asked, before = new["request"], old["request"]
    fields = [name for name in dict.fromkeys([*asked, *before]) if name not in unknown]
    found: list[str] = []
    for name in fields:
        if name == "image_digest":
            found += _picture(asked.get(name), before.get(name), picture)
        else:
            found += _field(stage, name, asked.get(name, UNKNOWN_SETTING), before.get(name, UNKNOWN_SETTING))
    return [*found, *_code(new["code"], old["code"]), *_libraries(new["libraries"], old["libraries"])]


def _field(stage: str, name: str, new: Any, old: Any) -> Iterator[str]:
    if new == old or (name in FOLLOWS_BACKGROUND and None in (new, old)):
        return
    if name == "digest" and old is not UNKNOWN_SETTING:
        yield "the file's content is new"
    elif name == "by_decoding":
        if old is not UNKNOWN_SETTING:
            yield f"its packets {'do not tell' if new else 'tell'} its frames"
    elif name == "model_digests" and UNKNOWN_SETTING in (new, old):
        yield "the models are compared now"
    elif taken := next((value["stage"] for value in (new, old) if _is_artifact(value)), ""):
        yield from _taken(taken, name, new, old)
    elif UNKNOWN_SETTING in (new, old):
        yield from _setting(NAMES.get(name, name), new, old)
    elif name == "target" and "" in (new, old):  # empty: what is shown depends on the offsets alone
        yield f"target={new or old} {'was not used' if new else 'is no longer used'}"
    elif name == "model_digests":
        for model in sorted(name for name in new if new[name] != old.get(name)):
            fact = "is another file" if model in old else "was not used"
            yield f"the model {model} {fact if new[model] else 'is not there yet'}"
    else:
        shown = SECTIONS.get(stage, stage) if name == "settings" else NAMES.get(name, name)
        yield from _setting(shown, new, old)


def _picture(new: str | None, old: str | None, picture: str | None) -> Iterator[str]:
    """A sentence on the background's picture, by its digests; empty where there is none."""
    if new and old and new != old:
        yield f"background.image: {picture} is another picture than before"
    elif bool(new) != bool(old):
        yield f"background.image: {'a picture' if old else 'null'} -> {picture if new else 'null'}"


def _taken(stage: str, field: str, new: Any, old: Any) -> Iterator[str]:
    """A sentence on what an earlier stage gave, at least once. The ``field`` of an export has the export's name."""
    if stage == EXPORT and not (_is_artifact(new) and _is_artifact(old)):
        yield f"it {'did not show' if _is_artifact(new) else 'no longer shows'} the export {field}"
    elif not _is_artifact(old):
        yield f"the result of {stage} was not used"
    elif not _is_artifact(new):
        yield f"the result of {stage} is no longer used"
    else:
        changed = [file for file in new["files"] if new["files"][file] != old["files"].get(file)]
        yield f"{stage} gave other bytes ({', '.join(changed)})"


def _is_artifact(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"stage", "files"}


def _setting(name: str, new: Any, old: Any) -> Iterator[str]:
    if new == old:
        return
    name = TYPED_NAMES.get(name, name)
    if isinstance(new, dict) and isinstance(old, dict):
        for part in dict.fromkeys([*new, *old]):
            if (name, part) == ("background", "image"):  # not its path: ``_picture`` compares the picture itself
                continue
            yield from _setting(f"{name}.{part}", new.get(part, UNKNOWN_SETTING), old.get(part, UNKNOWN_SETTING))
    elif new is UNKNOWN_SETTING:
        yield f"{name} is no longer known"
    elif old is UNKNOWN_SETTING:
        yield f"{name} is new" if isinstance(new, dict) else f"{name} is new: {_shown(new)}"
    elif isinstance(new, dict) or isinstance(old, dict):
        yield f"{name} was not used" if old is None else f"{name} is no longer used"
    else:
        yield f"{name}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, separators=(",", ":"))


def _code(new: dict[str, str], old: dict[str, str]) -> Iterator[str]:
    edited = [_path(name) for name in new if name in old and new[name] != old[name]]
    if edited:
        yield f"{first_few(edited, MOST_NAMED_FILES)} {'was' if len(edited) == 1 else 'were'} edited"
    for names, fact in ((new.keys() - old.keys(), "is used now"), (old.keys() - new.keys(), "is no longer used")):
        shown = sorted(_path(name) for name in names)
        if shown:
            are = fact if len(shown) == 1 else fact.replace("is ", "are ")
            yield f"{first_few(shown, 1)} {are}"


def _path(module: str) -> str:
    return module.replace(".", "/") + ".py"


def _libraries(new: dict[str, str], old: dict[str, str]) -> Iterator[str]:
    for name in new:
        if new[name] != old.get(name):
            yield f"{name} {old.get(name, 'was not used')} -> {new[name]}"
