"""What was found missing in a video is an entry of the cache like others: shown, kept, and pruned."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flows.cli import cache_commands
from tasks.cache import making, store
from tasks.errors import NobodyFound

DAY_S = 86_400
Run = Callable[..., tuple[int, str]]


def never() -> None: ...


def key(number: int) -> str:
    return f"pose-{number:024}"


def find_nobody(cache: Path, number: int, *, days: float = 0) -> Path:
    def look(_: Path) -> dict[str, Any]:
        raise NobodyFound("no person found in 9 frames; check the video")

    about = {"video": "empty", "sha256": "e0", "shaped_by": {}}
    with suppress(NobodyFound):
        making.make(cache, "pose", key(number), "run", look, waiting=never, about=about)
    mark = cache / "pose" / key(number) / store.MARK
    then = time.time() - days * DAY_S
    os.utime(mark, (then, then))
    return mark


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a folder whose only ``run.json`` refers to the finding 2."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs" / "empty"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"stages": [], "findings": [key(2)]}))
    return tmp_path / "outputs" / ".cache"


@pytest.fixture
def cache_command(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        status = cache_commands.run_cache_command(list(arguments))
        return status, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--older-than", "30d"], {1}),
        (["--older-than", "36d"], {1, 2}),
        (["--larger-than", "10MB"], {1, 2, 3}),
        (["--larger-than", "0MB"], set()),
        (["--unused"], {2}),
    ],
)
def test_what_was_found_missing_is_an_entry_like_others(
    cache: Path, cache_command: Run, options: list[str], kept: set[int]
) -> None:
    for number, days in ((1, 1), (2, 35), (3, 40)):
        find_nobody(cache, number, days=days)
    words = [line.split()[:2] for line in cache_command()[1].splitlines()]
    assert ["pose", "3"] in words and ["empty", "3"] in words
    _, foretold = cache_command("prune", *options, "--dry-run")
    status, out = cache_command("prune", *options)
    assert (status, out) == (0, foretold.replace("would be removed", "removed"))
    assert {number for number in (1, 2, 3) if store.finding(cache, "pose", key(number))} == kept
    assert out.count("pose of empty, used ") == 3 - len(kept)


def test_a_finding_of_an_older_version_is_kept_too(cache: Path, cache_command: Run) -> None:
    mark = find_nobody(cache, 1)
    then = json.loads(mark.read_text())
    mark.write_text(json.dumps({name: then[name] for name in ("schema", "stage", "key", "files", "finding")}))
    assert ["an", "unknown", "video", "1"] in [line.split()[:4] for line in cache_command()[1].splitlines()]
    assert cache_command("prune", "--older-than", "30d")[0] == 0
    assert store.finding(cache, "pose", key(1)) is not None
    assert "pose of an unknown video, used just now" in cache_command("prune", "--larger-than", "0MB")[1]
    assert store.finding(cache, "pose", key(1)) is None
