"""What the stages of one video have to say about it: damage of the file, and notes of single stages."""

from collections.abc import Mapping
from typing import cast

from tasks.records import AnyArtifact, Artifact, Clip, DecodedClip, read_clip


def clip_of(artifacts: Mapping[str, AnyArtifact]) -> Clip | None:
    """What decoding has shown, from the artifacts of a video by the titles of its stages; None before that."""
    decoded = cast(Artifact[DecodedClip] | None, artifacts.get("decode"))
    return None if decoded is None else read_clip(decoded)


def stage_warnings(artifacts: Mapping[str, AnyArtifact]) -> list[str]:
    """The warnings of a video's stages, each once."""
    clip = clip_of(artifacts)
    broken = [clip.broken] if clip and clip.broken else []
    facts = [artifact.facts for artifact in artifacts.values()]
    notes = [note for one in facts for note in [*one.get("notes", []), one.get("device_note"), one.get("why")]]
    return list(dict.fromkeys(note for note in broken + notes if note))


def with_damage(error: str, artifacts: Mapping[str, AnyArtifact]) -> str:
    """An error of a video, and what is wrong with its file where that may be the cause."""
    clip = clip_of(artifacts)
    return f"{error} (of a broken file: {clip.broken})" if clip and clip.broken else error
