"""``anchor.masks``: the mask as the last stand-in, on a drawn walker through the stages."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from conf.enums import Device
from conf.input import MasksConf, ModelsConf
from conf.lock import AnchorConf, CropConf
from tasks.masks import segment_person
from tasks.maths.tracking import steps
from tasks.media.files.pose_file import read_pose, write_pose
from tasks.media.files.tables import points_of, read_table, write_table
from tasks.offsets import measure_offsets
from tasks.records import Artifact
from tasks.requests import MasksRequest, OffsetsRequest
from tests.benchmarks.lock_table import truth_of
from tests.support.artifacts import artifact
from tests.support.stages import watched

HIDDEN = slice(25, 70)  # 1.5 s: longer than anchor.trust_s and anchor.longest_gap_s


def without_landmarks(subject: Artifact[Any], folder: Path) -> Artifact[Any]:
    """The same pose with low visibility and without torso steps in the frames ``HIDDEN``."""
    shutil.copytree(subject.folder, folder)
    pose, motion = read_pose(subject.path("pose.parquet")), read_table(subject.path("motion.parquet"))
    visibility = pose.visibility.copy()
    visibility[HIDDEN] = 0.1
    write_pose(folder / "pose.parquet", folder / "pose.csv", replace(pose, visibility=visibility))
    columns = {name: np.array(values) for name, values in motion.items()}
    for name in set(steps.STEP_FIELDS) - steps.STEP_COUNT_FIELDS:
        columns[name][HIDDEN] = np.nan
    write_table(folder / "motion.parquet", columns)
    return artifact("subject", folder)


def test_a_person_without_landmarks_is_followed_by_the_mask(tmp_path: Path) -> None:
    """Error, rms, when this was written: 5 px in x and 10 px in y; without masks 77 px, since nobody is found."""
    walker = watched(tmp_path, ["demo.seconds=3", "demo.width=640", "demo.height=360", "demo.shake_px=12"])
    subject, truth = without_landmarks(walker.subject, tmp_path / "without_landmarks"), truth_of(walker, "hips")
    (tmp_path / "masks").mkdir()
    request = MasksRequest(
        walker.source, walker.clip, walker.found, subject, MasksConf(), ModelsConf(), {}, Device.cpu
    )  # fmt: skip
    segment_person(request, tmp_path / "masks", lambda _: None)
    off_px, facts = {}, dict[bool, dict[str, Any]]()
    for with_masks in (False, True):
        folder = tmp_path / f"offsets {with_masks}"
        folder.mkdir()
        masks = artifact("masks", tmp_path / "masks") if with_masks else None
        asked = OffsetsRequest(walker.clip, subject, AnchorConf(masks=with_masks), "center", CropConf(), masks)
        facts[with_masks] = measure_offsets(asked, folder, lambda _: None)
        table = read_table(folder / "offsets.parquet")
        error = points_of(table, "anchor") - truth
        error -= np.median(error, axis=0)
        off_px[with_masks] = np.sqrt(np.square(error[HIDDEN]).mean(axis=0))
    assert facts[True]["sources"] == {"hips": 45, "mask": 45}
    assert "absent" not in facts[True]["states"] and facts[False]["states"]["absent"] > 40
    assert (off_px[True] < [12, 18]).all(), off_px
    assert off_px[False][0] > 40
