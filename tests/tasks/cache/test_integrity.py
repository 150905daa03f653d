"""Files of the cache whose bytes have changed without a trace: nothing new is made of them."""

import os
from pathlib import Path
from typing import Any

import pytest

from conf.input import SubjectConf
from tasks.cache import making, store
from tasks.cache.integrity import require_proven
from tasks.errors import OutputError
from tasks.execution.task import Call, Slots, outcomes
from tasks.records import Artifact
from tasks.requests import SubjectRequest


def never() -> None: ...


def made(cache: Path, run_id: str = "before") -> Artifact[Any]:
    def compute(folder: Path) -> dict[str, Any]:
        (folder / "frames.parquet").write_text("frames")
        return {}

    return making.make(cache, "decode", "decode-1", run_id, compute, waiting=never)


def rot(path: Path) -> None:
    """Change a byte, and neither size nor time."""
    before = path.stat()
    path.write_bytes(b"F" + path.read_bytes()[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_has_changed_without_a_trace_is_forgotten(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    rot(artifact.path("frames.parquet"))
    assert store.find(tmp_path, "decode", "decode-1") is not None  # nobody has read it
    with pytest.raises(OutputError, match=r"frames.parquet: it was damaged in the cache; run the same command again"):
        require_proven(artifact, artifact.files)
    assert store.find(tmp_path, "decode", "decode-1") is None


def test_what_is_read_once_is_not_read_again(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    require_proven(artifact, artifact.files)
    rot(artifact.path("frames.parquet"))
    require_proven(artifact, artifact.files)


@pytest.mark.parametrize("run_id", ["before", "now"])
def test_a_stage_takes_only_what_is_proven_or_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_id: str
) -> None:
    artifact = made(tmp_path, run_id)
    rot(artifact.path("frames.parquet"))
    request = SubjectRequest(artifact, artifact, SubjectConf())
    call = Call("subject", "a", "a", lambda _: [request], tmp_path, "now", Slots(1), lambda _, __, tell: tell(0, {}))
    monkeypatch.setattr("tasks.execution.task.clip_of", lambda _: None)
    if run_id == "now":
        (outcome,) = outcomes(call, [])
        assert not isinstance(outcome, Exception)
    else:
        with pytest.raises(OutputError, match="damaged in the cache"):
            outcomes(call, [])
