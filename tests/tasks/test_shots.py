"""A drawn film of several shots through the stages: everybody is found again after each cut, and measured."""

import numpy as np
import pytest

from tasks.maths.arrays import equal_slices
from tasks.media.files.tables import read_json, read_table
from tests.support.drawn.cut_clip import CutClip, write_cut_clip
from tests.support.stages import Held, Watched, held, watched


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[CutClip, Watched, Held]:
    """The demo, nothing for longer than the torso's motion is trusted, a pan, nothing, and 14 frames elsewhere."""
    folder = tmp_path_factory.mktemp("film")
    clip = write_cut_clip(folder, whole=50, blank=36)
    video = watched(folder / "cache", ["pose.people=1"], clip.path)
    return clip, video, held(video, [])


def test_each_cut_begins_a_shot(film: tuple[CutClip, Watched, Held]) -> None:
    clip, video, _ = film
    assert read_table(video.found.path("looked.parquet"))["shot"].tolist() == clip.shot.tolist()


def test_the_walker_is_measured_in_every_shot_and_absent_in_the_others(film: tuple[CutClip, Watched, Held]) -> None:
    clip, video, way = film
    state = read_table(way.trajectory.path("trajectory.parquet"))["state"]
    there = np.isfinite(clip.hip_xy[:, 0])
    assert set(state[there]) == {"measured"} and set(state[~there]) == {"absent"}
    assert video.subject.facts["detected"] == there.sum() and video.subject.facts["identity_switches"] == 0
    coverage = read_json(way.trajectory.path("metrics.json"))["planned"]
    assert coverage["measured"] == pytest.approx(there.mean(), abs=1e-6) and coverage["held"] == 0


def test_each_shot_is_held_by_itself(film: tuple[CutClip, Watched, Held]) -> None:
    """Zoomed 1.6 times, the true hips spread by 1.6 times as much."""
    clip, _, way = film
    path = read_table(way.trajectory.path("trajectory.parquet"))
    place = clip.hip_xy + np.stack([path["dx_px"], path["dy_px"]], axis=1)
    for shot in equal_slices(clip.shot)[::2]:
        assert (place[shot].std(axis=0) < (1.2 if shot.start == 0 else 2.0)).all(), place[shot].std(axis=0)


def test_each_shot_has_its_own_target(film: tuple[CutClip, Watched, Held]) -> None:
    """Whole, the walker stands at the centre; zoomed, the head would be cut there."""
    clip, _, way = film
    framing = read_json(way.trajectory.path("framing.json"))
    targets = np.array(framing["targets_px"])
    centre = (np.array(framing["output_size_px"]) - 1) / 2
    assert targets[0] == pytest.approx(centre) and targets[2][1] > centre[1] + 2
    path = read_table(way.trajectory.path("trajectory.parquet"))
    held_px = np.stack([path["anchor_x_px"] + path["dx_px"], path["anchor_y_px"] + path["dy_px"]], axis=1)
    seen = path["state"] == "measured"
    assert np.abs(held_px - targets[clip.shot])[seen].max() < 2.0
    assert read_json(way.trajectory.path("metrics.json"))["planned"]["lock_rms"] < 0.5


def test_a_frame_without_anybody_between_two_cuts_is_shown_as_it_is(film: tuple[CutClip, Watched, Held]) -> None:
    clip, _, way = film
    path = read_table(way.trajectory.path("trajectory.parquet"))
    nobody = np.isnan(clip.hip_xy[:, 0])
    assert not path["dx_px"][nobody].any() and not path["dy_px"][nobody].any()
