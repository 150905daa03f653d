"""The dry run against a cache that was filled by hand: no model, no server, and the real requests and keys."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from flows.config import settings
from flows.dry_run import dry_run
from flows.dry_run.differences import differences
from tasks.cache import store
from tests.flows.config.composing import compose_once
from tests.support.clips import Made, make
from tests.support.done import DIGESTS, NOBODY, PLAIN, do_all, done_job

Plan = Callable[..., dict[str, str]]
VIDEOS = ["stabilized.mp4", "comparison.mp4", "person.mp4", "preview.webp"]
ALL = ["decode", "pose", "people", "subject", "masks", "scene", "offsets", "trajectory", *VIDEOS, "report.html"]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    """Do all stages of a clip, then plan it with other settings; the fate of each stage by title, and ``sum``."""
    compose_once(monkeypatch)
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    clip, cache = tmp_path / "walk.mp4", tmp_path / "cache"
    clip.write_bytes(b"a walk")
    do_all(cache, [done_job(clip, settings.load(["video=walk.mp4"]))])

    def planned(*overrides: str) -> dict[str, str]:
        before = sorted(cache.rglob("*"))
        dry_run.dry_run([("", settings.load([f"video={clip}", *overrides]))], cache)
        assert sorted(cache.rglob("*")) == before
        _, *lines, last = capsys.readouterr().out.splitlines()
        return {line.split()[0]: " ".join(line.split()[1:]) for line in lines} | {"sum": last}

    return planned


def entry(cache: Path, stage: str) -> Path:
    (folder,) = (cache / stage).iterdir()
    return folder


def rewrite(cache: Path, stage: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Make the entry of a stage look as if it had been shaped by something else: it goes to another key."""
    folder = entry(cache, stage)
    mark = json.loads((folder / store.MARK).read_text())
    change(mark["about"]["shaped_by"])
    (folder / store.MARK).write_text(json.dumps(mark | {"key": f"{stage}-before"}))
    folder.rename(folder.with_name(f"{stage}-before"))


def test_what_is_there_is_cached(plan: Plan) -> None:
    fates = plan()
    assert fates["all"] == f"{len(ALL)} stages are cached"
    assert fates["sum"] == "no stage of 1 video would run; nothing was done"


def test_a_setting_is_named_with_both_values_and_what_follows_with_its_cause(plan: Plan) -> None:
    fates = plan("smoothing.window=9", "background.color=[1,2,3]")
    assert [name for name in fates if name != "sum"] == ALL
    assert fates["offsets"] == "cached"
    assert fates["trajectory"].endswith("smoothing.window: 5 -> 9")
    maybe = "unless trajectory gives the same as before"
    assert fates["stabilized.mp4"].endswith(maybe)
    assert fates["person.mp4"].endswith("background.color: [0,177,64] -> [1,2,3]; because trajectory runs")
    assert fates["sum"].startswith("6 stages of 1 video would run: about ")


def test_a_picture_as_the_background_makes_the_cut_out_again(plan: Plan, tmp_path: Path) -> None:
    picture = tmp_path / "beach.png"
    cv2.imwrite(str(picture), np.zeros((4, 6, 3), np.uint8))
    fates = plan("background=image", f"background.image={picture}")
    assert fates["stabilized.mp4"] == "cached"
    assert fates["person.mp4"].endswith(f"background.mode: color -> image; background.image: null -> {picture}")


@pytest.mark.parametrize("blind", ["", "pose"])
def test_damage_that_an_earlier_run_found_is_told_again(
    blind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compose_once(monkeypatch)
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    monkeypatch.setitem(PLAIN, "broken", "28 of 50 frames could be decoded")
    clip, cache = tmp_path / "walk.mp4", tmp_path / "cache"
    clip.write_bytes(b"a walk")
    config = settings.load([f"video={clip}"])
    do_all(cache, [done_job(clip, config, blind=blind)])
    assert dry_run.dry_run([("", config)], cache) == bool(blind)
    lines = capsys.readouterr().out.splitlines()
    if blind:
        assert f"  would fail: {NOBODY} (of a broken file: 28 of 50 frames could be decoded)" in lines
    else:
        assert lines[1] == "  warning: 28 of 50 frames could be decoded"


def test_for_all_people_each_has_the_stages_that_are_not_shared(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan()
    dry_run.dry_run([("", settings.load([f"video={tmp_path / 'walk.mp4'}", "subject=all"]))], tmp_path / "cache")
    words = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    second = words.index(["walk", "person"], 1)
    for rows in (words[:second], words[second:]):
        assert rows[0] == ["walk", "person"] and ["people", "cached"] in rows and ["subject", "runs"] in rows
    monkeypatch.setattr("tasks.media.input.probe.probe_length", lambda _: (200, 30.0))
    dry_run.dry_run([("", settings.load([f"video={tmp_path / 'walk.mp4'}", "subject=all"]))], tmp_path / "empty")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[0] for line in lines[1:4]] == ["decode", "pose", "people"]
    assert lines[4] == "then the other stages once for each person, whose number is not known yet"


def test_where_frames_are_kept_decodes_nothing_again_and_what_breaks_a_clip_does(plan: Plan) -> None:
    fates = plan("decode.frames=memory", "decode.memory_mb=1000")
    assert fates["all"] == f"{len(ALL)} stages are cached"
    assert plan("decode.strict=true")["decode"].endswith("decode.strict: false -> true")


def test_an_edited_file_and_another_library_are_named(plan: Plan, tmp_path: Path) -> None:
    def older(shape: dict[str, Any]) -> None:
        shape["code"]["tasks.maths.path.smoothers"] = "0"
        shape["libraries"]["numpy"] = "1.26.3"

    rewrite(tmp_path / "cache", "trajectory", older)
    fate = plan()["trajectory"]
    assert "tasks/maths/path/smoothers.py was edited; numpy 1.26.3 -> " in fate


def test_new_bytes_under_an_old_name_are_told(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.media.input.probe.probe_length", lambda _: (200, 30.0))
    (tmp_path / "walk.mp4").write_bytes(b"another walk")
    fates = plan()
    assert fates["decode"].endswith("the file's content is new")
    assert fates["pose"].endswith("because decode runs")


def test_another_clip_is_new_and_takes_as_much_longer_as_it_has_more_frames(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tasks.media.input.probe.probe_length", lambda _: (200, 30.0))
    plan()
    mark = entry(tmp_path / "cache", "pose") / store.MARK
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"seconds": 40.0}))
    other = tmp_path / "run.mp4"
    other.write_bytes(b"a run")
    dry_run.dry_run([("", settings.load([f"video={other}"]))], tmp_path / "cache")
    lines = capsys.readouterr().out.splitlines()
    assert "about 1 min 20 s first time" in " ".join(lines[2].split())


def test_a_part_of_a_clip_takes_as_much_less_as_it_has_fewer_frames(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.media.input.probe.probe_length", lambda _: (100, 30.0))
    for mark in (tmp_path / "cache").glob("*/*/done.json"):
        mark.write_text(json.dumps(json.loads(mark.read_text()) | {"seconds": 40.0}))
    fates = plan("clip.from_s=1", "clip.to_s=2")
    assert fates["decode"] == "runs about 40.0 s clip.from: null -> 1.0; clip.to: null -> 2.0", "all of it is decoded"
    assert fates["pose"] == "runs about 12.0 s unless decode gives the same as before"
    assert fates["offsets"].endswith("unless decode and subject give the same as before")
    assert fates["trajectory"].endswith("unless the stages before it give the same as before")


def test_outputs_that_one_task_renders_take_as_long_as_the_longest_of_them(plan: Plan, tmp_path: Path) -> None:
    seconds = {"stabilized": 21.0, "comparison": 24.0, "person": 22.0}
    for mark in (tmp_path / "cache").glob("*/*/done.json"):
        then = json.loads(mark.read_text())
        name = then["about"]["shaped_by"]["compute"].partition(":render_")[2]
        mark.write_text(json.dumps(then | {"seconds": seconds.get(name, 0.0)}))
    total = plan("border.mode=blur", "background.color=[1,2,3]")["sum"]
    assert total == (
        "4 stages of 1 video would run: about 24.0 s with workers=2 (24.0 s with workers=1); nothing was done"
    )


def test_a_damaged_file_is_named_and_what_follows_stays_where_its_bytes_come_back(plan: Plan, tmp_path: Path) -> None:
    (entry(tmp_path / "cache", "pose") / "pose.json").unlink()
    fates = plan()
    assert fates["pose"].endswith("pose.json is missing or damaged in the cache")
    assert fates["subject"] == "stays cached if pose gives the same as before"
    assert fates["sum"].startswith("1 stage of 1 video would run")


def test_the_nearest_of_several_is_compared_with(plan: Plan, tmp_path: Path) -> None:
    far = json.loads((entry(tmp_path / "cache", "trajectory") / store.MARK).read_text())
    far["about"]["shaped_by"]["request"]["settings"] |= {"window": 7, "order": 3, "budget_px": 2.0}
    folder = tmp_path / "cache" / "trajectory" / "trajectory-far"
    folder.mkdir()
    (folder / store.MARK).write_text(json.dumps(far | {"key": "trajectory-far"}))
    assert plan("smoothing.window=9")["trajectory"].endswith("smoothing.window: 5 -> 9")
    assert plan("smoothing.window=7", "smoothing.order=3")["trajectory"].endswith("smoothing.budget_px: 2.0 -> 5.0")


def test_a_video_that_is_not_there_would_fail(plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dry_run.dry_run([("", settings.load(["video=gone.mp4"]))], tmp_path / "cache")
    assert "would fail: gone.mp4: there is no such file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "made", "tells"),
    [
        ("a.mp4", Made(), True),
        ("a.mkv", Made(), True),  # does not declare its frames, but its length
        ("late.mkv", Made(ticks=range(30720, 30720 + 12 * 512, 512)), True),
        ("live.mkv", Made(container={"live": "1"}), False),
    ],
)
@pytest.mark.parametrize("end", ["0.5", "1.5"])
def test_an_end_behind_the_end_of_the_file_has_the_warning_of_a_run(
    name: str,
    made: Made,
    tells: bool,
    end: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    compose_once(monkeypatch)
    monkeypatch.setattr("flows.preflight.find_model_digests", lambda _: DIGESTS)
    clip = make(tmp_path / name, made)
    dry_run.dry_run([("", settings.load([f"video={clip}", f"clip.to_s={end}"]))], tmp_path / "cache")
    warning = f"clip.to: the file ends at 0.40 s, before {end} s: all frames to its end are used"
    assert (warning in capsys.readouterr().out) == (tells and end == "1.5")


def shape(**request: Any) -> dict[str, Any]:
    return {"request": request, "code": {}, "libraries": {}}


def gave(digest: str) -> dict[str, Any]:
    return {"stage": "pose", "files": {"a.parquet": digest, "b.json": "same"}}


def exported(digest: str) -> dict[str, Any]:
    return gave(digest) | {"stage": "export"}


@pytest.mark.parametrize(
    ("new", "old", "sentence"),
    [
        (shape(pose=gave("1")), shape(pose=gave("2")), "pose gave other bytes (a.parquet)"),
        (shape(found=gave("1")), shape(), "the result of pose was not used"),
        (shape(found=None), shape(found=gave("1")), "the result of pose is no longer used"),
        (shape(angles=exported("1")), shape(angles=None), "it did not show the export angles"),
        (shape(angles=None), shape(angles=exported("1")), "it no longer shows the export angles"),
        (shape(part={"from_s": 1.0, "to_s": 2}), shape(part={"from_s": None, "to_s": 2}), "clip.from: null -> 1.0"),
        (shape(min_seen_s=1), shape(min_seen_s=2), "subject.min_seen_s: 2 -> 1"),
        (shape(model_digests={"full": "1"}), shape(model_digests={"full": "2"}), "the model full is another file"),
        (shape(model_digests={"full": "1"}), shape(model_digests={"lite": "2"}), "the model full was not used"),
        (shape(background={"mode": "blur"}), shape(background=None), "background was not used"),
        (shape(target="auto"), shape(target=""), "target=auto was not used"),
        (shape(target=""), shape(target="natural"), "target=natural is no longer used"),
        (
            shape(image_digest="1"),
            shape(image_digest="2"),
            "background.image: beach.jpg is another picture than before",
        ),
        (shape(image_digest="1"), shape(image_digest=""), "background.image: null -> beach.jpg"),
        (shape(image_digest=""), shape(image_digest="1"), "background.image: a picture -> null"),
        (shape(target="center"), shape(target=[0.5, 0.6]), "target: [0.5,0.6] -> center"),
        (shape(lock={"x": 1.0}), shape(lock={"x": 0.5}), "lock.x: 0.5 -> 1.0"),
        (shape(lock={"x": 1, "y": None}), shape(lock={"x": 1}), "lock.y is new: null"),  # to an older version's entry
        (shape(lock={"x": 1}), shape(lock={"x": 1, "z": 2}), "lock.z is no longer known"),
        (shape(matte={"refine": True}), shape(), "masks is new"),
        (shape(model_digests={"full": "1"}), shape(), "the models are compared now"),
        (shape(model_digests={"full": ""}), shape(model_digests={"lite": "2"}), "the model full is not there yet"),
    ],
)
def test_every_kind_of_difference_has_its_sentence(new: dict[str, Any], old: dict[str, Any], sentence: str) -> None:
    assert differences("offsets", new, old, set(), "beach.jpg") == [sentence]
    assert differences("offsets", new, new, set()) == []
    assert differences("offsets", new, old, set(new["request"])) == []


def test_of_many_edited_files_two_are_named() -> None:
    new = {"request": {}, "code": {f"tasks.maths.{name}": "1" for name in "abcd"}, "libraries": {}}
    old = {"request": {}, "code": {f"tasks.maths.{name}": "2" for name in "abc"}, "libraries": {}}
    edited, more = differences("pose", new, old, set())
    assert edited == "tasks/maths/a.py, tasks/maths/b.py and 1 more were edited"
    assert more == "tasks/maths/d.py is used now"


def test_the_dry_run_loads_no_prefect() -> None:
    code = "import flows.dry_run.dry_run, sys; print({'prefect', 'mediapipe', 'cv2', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.PROJECT_FOLDER, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
