"""The subject stage: two people in a real clip, two drawn people who cross, and the reported choice."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conf.demo import DemoConf
from conf.enums import Device, SubjectRule
from conf.input import DecodeConf, ModelsConf, PoseConf, SubjectConf
from tasks.decode import decode
from tasks.demo.demo_video import HIP_CENTER, draw_demo
from tasks.errors import ChoiceNotFound, SettingError
from tasks.maths.body.landmarks import LEFT_ANKLE, RIGHT_ANKLE, PoseTrack, hip_midpoint
from tasks.maths.tracking.steps import Step, steps_from_table
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.files.people_file import people_writer
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_json, read_table, write_json
from tasks.pose import estimate_pose
from tasks.records import Artifact, read_clip
from tasks.requests import DecodeRequest, DemoRequest, PoseRequest, SubjectRequest
from tasks.subject import choose_subject
from tests.support.artifacts import artifact, clip_artifact, write_still_camera
from tests.support.drawn.bodies import clothes
from tests.support.drawn.empty_scenes import write_video
from tests.support.drawn.postures import posture_frames
from tests.support.drawn.similar_walkers import write_gray_film
from tests.support.drawn.walkers import drawn, modelled_pose, true_pose

FRAMES = 90
MAN, WOMAN = (0.36, 0.25), (1118.0, 715.0)


class Watched:
    """A clip of which the pose stage has finished."""

    def __init__(self, video: Path, folder: Path, frames: int | None = None) -> None:
        for stage in ("decode", "pose"):
            (folder / stage).mkdir(parents=True)
        decode(DecodeRequest(video, "digest", DecodeConf()), folder / "decode", lambda _: None)
        if frames is not None:
            clip = replace(read_clip(artifact("decode", folder / "decode")), frames=frames)
            write_json(folder / "decode" / "clip.json", asdict(clip))
        self.clip = artifact("decode", folder / "decode")
        request = PoseRequest(video, self.clip, PoseConf(), ModelsConf(), {}, Device.cpu)
        estimate_pose(request, folder / "pose", lambda _: None)
        self.pose: Artifact[Any] = artifact("pose", folder / "pose")

    def choose(self, folder: Path, **settings: Any) -> tuple[PoseTrack, dict[str, Any]]:
        folder.mkdir()
        ticks: list[int] = []
        facts = choose_subject(SubjectRequest(self.clip, self.pose, SubjectConf(**settings)), folder, ticks.append)
        track = read_pose(folder / "pose.parquet")
        assert ticks == [track.frames]
        return track, facts


@pytest.fixture(scope="module")
def two(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The first three seconds of a man who waves on a box and a woman who walks below it."""
    yield Watched(videos / "two_people_vp9_audio.mp4", tmp_path_factory.mktemp("two"), FRAMES)


def hips(track: PoseTrack) -> NDArray[np.float64]:
    return np.asarray(hip_midpoint(track.xy_px)[track.found])


def test_each_of_two_people_can_be_chosen_and_followed(two: Watched, tmp_path: Path) -> None:
    man, of_man = two.choose(tmp_path / "man", point=list(MAN), at_s=1.0)
    woman, of_woman = two.choose(tmp_path / "woman", point=list(WOMAN), at_s=2.95)
    assert of_man["chosen"]["person"] == 1 and of_woman["chosen"]["person"] == 2
    assert of_man["identity_switches"] == of_woman["identity_switches"] == 0
    assert hips(man)[:, 1].max() < 450 and man.found[6:].all(), "on the box"
    assert hips(woman)[:, 1].min() > 650 and woman.found[70:].all(), "on the ground"
    assert np.diff(hips(woman)[:, 0]).max() < 15, "leftwards"
    assert of_man["people"] == of_woman["people"] and len(of_man["people"]) == 2


def test_the_same_person_chosen_by_another_rule_gives_the_same_files(two: Watched, tmp_path: Path) -> None:
    two.choose(tmp_path / "auto")
    two.choose(tmp_path / "first", rule=SubjectRule.first)
    for path in (tmp_path / "auto").iterdir():
        assert path.read_bytes() == (tmp_path / "first" / path.name).read_bytes(), path.name


def test_the_choice_and_the_other_people_are_reported(two: Watched, tmp_path: Path) -> None:
    track, facts = two.choose(tmp_path / "auto")
    chosen = facts["chosen"]
    assert chosen["person"] == 1 and chosen["why"].startswith("person 1 scores 0.")
    assert "person 2: 0." in chosen["why"] and "\n" not in chosen["why"] and not facts["notes"]
    assert facts["followed"] == "person 1 of 2, at the left"
    assert facts["others"].startswith("subject=2 for person 2, at the right, from ")
    written = read_json(tmp_path / "auto" / "subject.json")
    assert written["person"] == chosen["person"] and written["people"] == facts["people"]
    assert facts["detected"] == track.found.sum() and facts["nobody"] == FRAMES - track.found.sum()
    assert facts["detection_rate"] == pytest.approx(facts["detected"] / FRAMES, abs=1e-6)


@pytest.mark.parametrize(
    ("rule", "trait", "most"),
    [("largest", "height_px", True), ("centre", "centre_distance", False), ("first", "first_s", False)],
)
def test_a_rule_chooses_the_person_with_most_or_least_of_its_trait(
    two: Watched, tmp_path: Path, rule: str, trait: str, most: bool
) -> None:
    facts = two.choose(tmp_path / rule, rule=SubjectRule(rule))[1]
    best = sorted(facts["people"], key=lambda person: float(person[trait]), reverse=most)[0]
    assert facts["chosen"]["person"] == best["person"]


def test_a_number_names_the_person_that_the_others_were_told_it_for(two: Watched, tmp_path: Path) -> None:
    for name, number, of_person in (("man", 1, {"point": list(MAN)}), ("woman", 2, {"point": list(WOMAN)})):
        two.choose(tmp_path / f"{name} by number", person=number, min_seen_s=0.1)
        two.choose(tmp_path / name, at_s=2.95, **of_person)
        for file in ("pose.parquet", "motion.parquet", "subject.json"):
            assert (tmp_path / name / file).read_bytes() == (tmp_path / f"{name} by number" / file).read_bytes()
    with pytest.raises(
        ChoiceNotFound, match=r"^subject: there is no person 5, 2 people were found; give subject=1 or "
    ):
        two.choose(tmp_path / "nobody", person=5)


def test_a_correction_names_a_person_that_was_found(two: Watched, tmp_path: Path) -> None:
    request = SubjectRequest(two.clip, two.pose, SubjectConf(), ((7, 4),))
    cure = r"^corrections: frame 7: there is no person 4, 2 people found; give 1 to 2$"
    with pytest.raises(ChoiceNotFound, match=cure):
        choose_subject(request, tmp_path, lambda _: None)


def test_a_point_without_a_person_is_refused_in_one_line(two: Watched, tmp_path: Path) -> None:
    with pytest.raises(ChoiceNotFound, match=r"nobody is at \[100,100\] px at 1 s; the nearest is person 1") as caught:
        two.choose(tmp_path / "nobody", point=[100, 100], at_s=1.0)
    assert "\n" not in str(caught.value)


def test_the_motion_is_that_of_the_chosen_person(two: Watched, tmp_path: Path) -> None:
    for name, point in (("man", MAN), ("woman", WOMAN)):
        track, _ = two.choose(tmp_path / name, point=list(point), at_s=2.95)
        table = read_table(tmp_path / name / "motion.parquet")
        steps = steps_from_table(table).xy()
        assert len(steps) == FRAMES and table["looked"].all()
        seen = track.found[1:] & track.found[:-1] & np.isfinite(steps[1:, 0])
        seen[:12] = False  # the pose model has not yet found the man
        moved = np.diff(hip_midpoint(track.xy_px), axis=0)[seen]
        assert seen.sum() >= track.found.sum() - 13
        assert steps[1:][seen].sum(axis=0) == pytest.approx(moved.sum(axis=0), abs=40)


def test_equal_requests_give_equal_bytes(two: Watched, tmp_path: Path) -> None:
    for name in ("a", "b"):
        two.choose(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_drawn_walker_is_followed_while_another_passes_in_front(tmp_path: Path) -> None:
    walk = DemoConf(width=480, height=270, seconds=3.0, fps="24", crossing=True, speed=0.2)
    draw_demo(DemoRequest(walk), tmp_path, lambda _: None)
    truth = read_table(tmp_path / "truth.parquet")
    mine = truth["landmark"] == HIP_CENTER
    true_xy = np.stack([truth["x_px"][mine], truth["y_px"][mine]], axis=1)
    watched = Watched(tmp_path / "demo.mp4", tmp_path / "watched")
    track, facts = watched.choose(tmp_path / "chosen", point=true_xy[10].tolist(), at_s=10 / 24)
    off = np.hypot(*(hip_midpoint(track.xy_px) - true_xy).T)
    assert len(facts["people"]) == 2 and facts["identity_switches"] == 0
    assert np.nanmax(off) < 0.4 * 60, "torso lengths of about 60 px"
    assert track.found[1:20].all() and track.found[-20:].all() and track.found.mean() > 0.75


def test_the_legs_of_a_walker_whom_the_model_saw_wrongly_are_put_right(tmp_path: Path) -> None:
    walker = drawn()
    pose, truth = modelled_pose(walker), true_pose(walker)
    values = pose.landmarks
    moved_px = np.diff(hip_midpoint(truth.xy_px), axis=0, prepend=np.nan)
    body = Mask(np.full((8, 8), 255, np.uint8), np.array([0, 0, 80, 200], np.float32), MaskState.measured)
    (tmp_path / "found").mkdir()
    write_still_camera(tmp_path / "found" / "camera.parquet", pose.time_s, walker.size_px)
    with people_writer(tmp_path / "found") as writer:
        for frame, time_s in enumerate(pose.time_s.tolist()):
            writer.frame(frame, time_s, True, 0)
            writer.sighting(frame, time_s, 1, np.nan_to_num(values[frame]), body)
            writer.clothes(frame, 1, clothes(1).astype(np.float32))
            dx_px, dy_px = moved_px[frame].tolist()
            writer.step(frame, 1, Step(dx_px, dy_px, features=40))
    clip = clip_artifact(tmp_path / "decode", pose, walker.size_px)
    (tmp_path / "subject").mkdir()
    request = SubjectRequest(clip, artifact("pose", tmp_path / "found"), SubjectConf())
    facts = choose_subject(request, tmp_path / "subject", lambda _: None)
    written = read_pose(tmp_path / "subject" / "pose.parquet")
    ankles = [LEFT_ANKLE, RIGHT_ANKLE]
    off_px, off_before_px = (
        np.hypot(*(one.xy_px[:, ankles] - truth.xy_px[:, ankles]).T).mean(axis=0) for one in (written, pose)
    )
    assert np.mean(off_before_px > 15) > 0.04, "a person of 227 px"
    assert np.mean(off_px > 15) < 0.01
    assert 0 < facts["legs_exchanged"] < 0.15 * pose.frames


def test_nobody_in_the_same_clothes_takes_over_in_a_gray_film(tmp_path: Path) -> None:
    """Somebody in nearly the same dark clothes overtakes in front: the track itself slides over and back."""
    film = write_gray_film(tmp_path, seconds=4.0, speed=1.8)
    watched = Watched(film.path, tmp_path / "watched")
    track, facts = watched.choose(tmp_path / "chosen", point=film.walker_xy[10].tolist(), at_s=10 / 25)
    place = hip_midpoint(track.xy_px)
    own, other = (np.hypot(*(place - xy).T) / film.height_px for xy in (film.walker_xy, film.other_xy))
    apart = np.hypot(*(film.walker_xy - film.other_xy).T) > 0.15 * film.height_px
    assert (own[apart & track.found] < other[apart & track.found]).all()
    assert track.found[1:25].all() and track.found[-15:].all(), "followed before and after"
    assert facts["identity_switches"] == 0 and facts["hidden_frames"] > 0


def test_beside_somebody_in_the_same_clothes_the_person_is_followed_or_a_switch_is_reported(tmp_path: Path) -> None:
    """Both walk within 0.4 heights of each other all the time, and the only long track slides from one to the other."""
    film = write_gray_film(tmp_path, seconds=3.6, speed=1.3)
    watched = Watched(film.path, tmp_path / "watched")
    for name, mine, other in (
        ("walker", film.walker_xy, film.other_xy),
        ("other", film.other_xy, film.walker_xy),
    ):
        track, facts = watched.choose(tmp_path / name, point=mine[10].tolist(), at_s=10 / 25)
        place = hip_midpoint(track.xy_px)
        near, far = (np.hypot(*(place - xy).T) / film.height_px for xy in (mine, other))
        wrong = track.found & (far < near) & (np.hypot(*(mine - other).T) > 0.12 * film.height_px)
        assert track.found[-5:].all()
        assert wrong.sum() <= 5 or facts["identity_switches"] > 0, "followed throughout, or reported"
        assert facts["identity_switches"] == len(facts["switches_s"])
        assert any("switch" in note for note in facts["notes"]) == (facts["identity_switches"] > 0)


@pytest.mark.parametrize(("posture", "doubt"), [("stands_behind", ""), ("mannequin", "rigid")])
def test_somebody_who_stands_still_is_told_from_a_mannequin(tmp_path: Path, posture: str, doubt: str) -> None:
    """Drawn from behind: a body that sways by 6 mm and hardly moves its hands, and one that does not."""
    write_video(tmp_path / "video.mp4", posture_frames(posture, 40))
    watched = Watched(tmp_path / "video.mp4", tmp_path / "watched")
    _, facts = watched.choose(tmp_path / "chosen", person=1)
    assert facts["detected"] >= 38 and [one["doubt"] for one in facts["people"]] == [doubt]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"point": [1.0]}, r"subject\.point: \[1\.0\] is not a point"),
        ({"point": [-3.0, 2.0]}, r"subject\.point: .* is not a point"),
        ({"person": 0}, r"subject\.person: there is no person 0; give a number from 1"),
        ({"person": 1, "point": [0.5, 0.5]}, r"subject\.point: subject\.person is given too; give one of them"),
        ({"at_s": 2.0}, r"subject\.at_s: a time has no effect without a point; give subject\.point"),
        ({"point": [0.5, 0.5], "at_s": -1.0}, r"subject\.at_s: -1\.0 s is negative"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        SubjectConf(**settings)
