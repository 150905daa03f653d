"""The dry run of what videos share, of what is known to fail, and of a model that is not there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import preflight
from flows.config import settings
from flows.dry_run import dry_run
from tasks.errors import ModelError
from tests.flows.config.composing import compose_once
from tests.support.done import DIGESTS, NOBODY, do_all, done_job

Lines = dict[str, dict[str, str]]
Plan = Callable[..., tuple[int, Lines, list[str]]]
Size = tuple[int, int]
AUTO = ("crop=auto", "crop.shared=true")
SQUARE = ("crop.aspect=1:1", "crop.shared=true")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    """Plan clips; the exit status, the fates by video and stage, and the lines at the end."""
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    monkeypatch.setattr("tasks.media.input.probe.probe_length", lambda _: (100, 30.0))

    def planned(*overrides: str) -> tuple[int, Lines, list[str]]:
        before = sorted((tmp_path / "cache").rglob("*"))
        status = dry_run.dry_run([("", settings.load([f"video={tmp_path}", *overrides]))], tmp_path / "cache")
        assert sorted((tmp_path / "cache").rglob("*")) == before
        fates: Lines = {}
        ends = []
        for line in capsys.readouterr().out.splitlines():
            words = line.split()
            if line.endswith(".mp4"):
                own = fates.setdefault(words[0].rstrip(":"), {})
            elif words[0] == "all" and words[2:] == ["stages", "are", "cached"]:
                own["all"] = "cached"
            elif line.startswith("  "):
                own[words[0]] = " ".join(words[1:])
            else:
                ends.append(line)
        return status, fates, ends

    return planned


def do(folder: Path, sizes: dict[str, tuple[int, int]], *overrides: str, blind: dict[str, str] | None = None) -> None:
    """Do all stages of clips of these sizes as one run; ``blind`` names the stage that finds nobody."""
    for name in sizes:
        (folder / f"{name}.mp4").write_bytes(name.encode())
    config = settings.load([f"video={folder}", *overrides])
    at = {name: (blind or {}).get(name, "") for name in sizes}
    do_all(
        folder / "cache",
        [done_job(folder / f"{name}.mp4", config, size, at[name]) for name, size in sizes.items()],
    )


def cached(fates: dict[str, str]) -> bool:
    return set(fates.values()) == {"cached"}


@pytest.mark.parametrize("crop", [AUTO, SQUARE])
def test_a_size_that_videos_share_is_taken_from_the_cache(tmp_path: Path, plan: Plan, crop: tuple[str, ...]) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *crop)
    status, fates, ends = plan(*crop)
    assert status == 0
    assert cached(fates["a"]) and cached(fates["b"])
    assert ends == ["no stage of 2 videos would run; nothing was done"]


def test_a_room_that_would_be_looked_for_again_leaves_all_paths_open(tmp_path: Path, plan: Plan) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *AUTO)
    _, fates, _ = plan(*AUTO, "smoothing.window=9")
    assert fates["a"]["offsets"] == "cached"
    assert fates["a"]["room"].endswith("smoothing.window: 5 -> 9")
    assert fates["a"]["trajectory"].endswith("smoothing.window: 5 -> 9; because room and room of b run")


@pytest.mark.parametrize(("crop", "first", "of"), [(AUTO, "trajectory", "room"), (SQUARE, "offsets", "subject")])
def test_a_video_that_is_new_leaves_the_size_of_the_others_open(
    tmp_path: Path, plan: Plan, crop: tuple[str, ...], first: str, of: str
) -> None:
    do(tmp_path, {"a": (640, 480)}, *crop)
    for name in "bc":
        (tmp_path / f"{name}.mp4").write_bytes(name.encode())
        _, fates, _ = plan(*crop)
        others = "b" if name == "b" else "2 other videos"
        assert fates["a"]["pose"] == "cached"
        assert fates["a"][first].endswith(f"unless {of} of {others} gives the same as before")


def test_a_damaged_file_elsewhere_may_leave_the_path_cached(tmp_path: Path, plan: Plan) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *AUTO)
    (pose,) = (path for path in (tmp_path / "cache" / "pose").iterdir() if '"b"' in (path / "done.json").read_text())
    (pose / "pose.json").unlink()
    _, fates, _ = plan(*AUTO)
    assert fates["b"]["room"] == "stays cached if the stages before it give the same as before"
    assert fates["a"]["trajectory"] == "stays cached if room of b gives the same as before"


def test_a_damaged_clip_elsewhere_leaves_the_size_open_that_it_would_decide(tmp_path: Path, plan: Plan) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *SQUARE)
    (clip,) = (path for path in (tmp_path / "cache" / "decode").iterdir() if '"b"' in (path / "done.json").read_text())
    (clip / "clip.json").unlink()
    _, fates, _ = plan(*SQUARE)
    assert fates["b"]["subject"] == "stays cached if decode and pose give the same as before"
    assert fates["a"]["offsets"].endswith("unless subject of b gives the same as before")


@pytest.mark.parametrize(
    ("crop", "of_both", "of_one"), [(AUTO, (320, 400), (640, 480)), (SQUARE, (320, 320), (480, 480))]
)
@pytest.mark.parametrize("stage", ["", "pose", "subject"])
def test_a_video_in_which_nobody_is_followed_decides_no_size(
    tmp_path: Path, plan: Plan, crop: tuple[str, ...], of_both: Size, of_one: Size, stage: str
) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *crop, blind={"b": stage})
    marks = [json.loads(path.read_text())["about"] for path in (tmp_path / "cache" / "trajectory").glob("*/done.json")]
    (size_px,) = (mark["shaped_by"]["request"]["window_px"] for mark in marks if mark["video"] == "a")
    assert tuple(size_px) == (of_one if stage else of_both)
    status, fates, _ = plan(*crop)
    assert (status, cached(fates["a"])) == (int(bool(stage)), True)


@pytest.mark.parametrize("crop", [AUTO, SQUARE])
@pytest.mark.parametrize(
    ("stage", "shown"), [("pose", ["decode"]), ("offsets", ["decode", "pose", "people", "subject", "masks", "scene"])]
)
def test_a_video_that_is_known_to_show_nobody_would_fail_and_no_other(
    tmp_path: Path, plan: Plan, crop: tuple[str, ...], stage: str, shown: list[str]
) -> None:
    do(tmp_path, {"a": (640, 480), "b": (320, 400)}, *crop, blind={"b": stage})
    status, fates, ends = plan(*crop)
    assert status == 1
    assert cached(fates["a"])
    assert fates["b"] == {**dict.fromkeys(shown, "cached"), "would": f"fail: {NOBODY}"}
    assert ends == ["no stage of 2 videos would run; nothing was done"]
    status, fates, _ = plan(*crop, "pose.min_detection=0.3")
    assert (status, "would" in fates["b"]) == (0, False)


def test_behind_a_stage_that_would_run_a_known_failure_is_none_yet(tmp_path: Path, plan: Plan) -> None:
    do(tmp_path, {"a": (640, 480)}, blind={"a": "pose"})
    (decoded,) = (tmp_path / "cache" / "decode").iterdir()
    (decoded / "clip.json").unlink()
    status, fates, _ = plan()
    assert status == 0
    assert fates["a"]["pose"] == f"fails if decode gives the same as before: {NOBODY}"


def test_a_plan_with_a_model_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ModelError, match=r"the model 'heavy' is not installed; type `stillwalk models --extra`"):
        preflight.check_run(settings.load(["video=demo", "pose.model=heavy", "plan=true"]), [])
