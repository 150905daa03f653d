"""Earlier work in the cache: the nearest to a request, and how long such work takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.cache.entries import Entry, entries


class History:
    """The finished entries of a cache, read once a stage."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._by_stage: dict[str, list[Entry]] = {}

    def nearest(
        self, stage: str, compute: str, video: str, digest: str, count: Callable[[dict[str, Any]], int]
    ) -> Entry | None:
        """The entry of the same content, else of the same name, from which the fewest things changed; then the newest.

        ``count`` tells how many, from what shaped an entry.
        """
        own = [entry for entry in self._all(stage) if entry.compute == compute]
        same = [entry for entry in own if entry.digest == digest] or [entry for entry in own if entry.video == video]
        return min(same, key=lambda entry: (count(entry.shaped_by), -entry.used_s), default=None)

    def frames(self, digest: str, part: Any) -> int:
        """Frames of a part of a video, where that part of one of that content was decoded; else 0."""
        decoded = (entry for entry in self._all("decode") if entry.digest == digest)
        return next((_frames(entry) for entry in decoded if _request(entry).get("part") == part), 0)

    def _frames_of(self, entry: Entry) -> int:
        """Frames of the clip that an entry was made from, or of a part of it; else 0."""
        clip = _request(entry).get("clip")
        clip_files = clip.get("files", {}) if isinstance(clip, dict) else {}
        for decoded in self._all("decode"):
            made = {name: file.sha256 for name, file in decoded.artifact.files.items()}
            if decoded is entry or (made and made == clip_files):
                return _frames(decoded)
        return _frames(entry)

    def seconds(self, stage: str, compute: str, digest: str, frames: int, nearest: Entry | None) -> float | None:
        """How long computing will take: as the nearest of this video, else as another clip, scaled by its frames.

        ``frames`` is 0 where the time does not depend on them, or they are not known.
        """
        if nearest is not None and nearest.digest == digest:
            entry = nearest
        else:
            others = [entry for entry in self._all(stage) if entry.compute == compute]
            if not others:
                return None
            known = [(abs(self._frames_of(entry) - frames), -entry.used_s, entry) for entry in others]
            entry = min(known, key=lambda one: one[:2])[2]
        their_frames = self._frames_of(entry)
        scale = frames / their_frames if frames and their_frames else 1.0
        return entry.artifact.seconds * scale

    def _all(self, stage: str) -> list[Entry]:
        if stage not in self._by_stage:
            self._by_stage[stage] = list(entries(self._cache, stage))
        return self._by_stage[stage]


def _request(entry: Entry) -> dict[str, Any]:
    asked: dict[str, Any] = entry.shaped_by.get("request", {})
    return asked


def _frames(entry: Entry) -> int:
    return int(entry.artifact.facts.get("frames", 0))
