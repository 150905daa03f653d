"""The exports for machine learning, opened by pycocotools and pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pycocotools.coco import COCO

from tasks.exports.learning.coco import COCO_NAMES, coco_keypoints, write_coco
from tasks.exports.learning.keypoints import write_keypoints
from tasks.exports.learning.rle import write_rle
from tasks.exports.requests import ExportRequest
from tasks.maths.body.landmarks import COUNTERPARTS, LANDMARK_NAMES
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.people_file import people_writer
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import matrix_columns, read_table, write_table
from tests.support.artifacts import artifact, clip_artifact, pose_artifact
from tests.support.drawn.paths import without
from tests.support.drawn.walkers import drawn, true_pose

SIZE_PX = (640, 360)
FRAMES = 30
EXCHANGED = 8  # frame in which the model has left for right, which the subject's own pose does not
OTHER = 2  # track of a second person, in every third frame
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools 2.0.11
BODY = Mask(np.pad(np.full((8, 8), 255, np.uint8), 4), np.array([99.5, 59.5, 259.5, 219.5], np.float32), MaskState(0))


@pytest.fixture
def everything(tmp_path: Path) -> ExportRequest:
    """All artifacts of a walk, with a second person now and then; nobody in frame 4."""
    (tmp_path / "out").mkdir()
    pose = without(true_pose(drawn(seconds=1)), slice(4, 5))
    values = pose.landmarks
    for name in ("found", "masks", "trajectory"):
        (tmp_path / name).mkdir()
    with people_writer(tmp_path / "found") as writer, mask_writer(tmp_path / "masks" / "masks.npz") as masks:
        for frame in range(FRAMES):
            writer.frame(frame, frame / 30, True, 0)
            masks.write(BODY if frame != 4 else BODY._replace(state=MaskState.nobody))
            for track in [1] * (frame != 4) + [OTHER] * (frame % 3 == 0):
                seen = values[frame] if frame != EXCHANGED else values[frame][list(COUNTERPARTS)]
                writer.sighting(frame, frame / 30, track, np.nan_to_num(seen, nan=50.0), BODY)
    matrices = affine.translation(np.stack([np.linspace(5, -5, FRAMES), np.full(FRAMES, 2.0)], axis=1))
    columns = matrix_columns("to_output", matrices)
    write_table(tmp_path / "trajectory" / "trajectory.parquet", columns)
    subject = pose_artifact(tmp_path / "subject", pose)
    motion = tmp_path / "subject" / "motion.parquet"
    write_table(motion, read_table(motion) | {"track": np.where(np.arange(FRAMES) == 4, 0, 1)})
    return ExportRequest(
        export="coco",
        clip=clip_artifact(tmp_path / "decode", pose, SIZE_PX),
        subject=subject,
        found=artifact("pose", tmp_path / "found"),
        masks=artifact("masks", tmp_path / "masks"),
        trajectory=artifact("trajectory", tmp_path / "trajectory"),
    )


def test_coco_keypoints_are_read_by_pycocotools(everything: ExportRequest, tmp_path: Path) -> None:
    write_coco(everything, tmp_path / "out", lambda _: None)
    coco = COCO(str(tmp_path / "out" / "coco.json"))
    assert coco.loadCats(1)[0]["keypoints"] == list(COCO_NAMES)
    assert len(coco.getImgIds()) == FRAMES
    followed = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert [(one["track_id"], one["subject"]) for one in followed] == [(1, True), (OTHER, False)]
    assert coco.loadAnns(coco.getAnnIds(imgIds=[5])) == []
    one = followed[0]
    assert len(one["keypoints"]) == 17 * 3
    assert one["num_keypoints"] == sum(flag > 0 for flag in one["keypoints"][2::3])
    assert one["bbox"] == [140.0, 100.0, 80.0, 80.0]  # the mask's eight of sixteen cells of 10 px, from the corner
    assert one["area"] == 80 * 80


def test_the_key_points_of_the_followed_person_are_those_of_the_pose(everything: ExportRequest, tmp_path: Path) -> None:
    write_coco(everything, tmp_path / "out", lambda _: None)
    coco, pose = COCO(str(tmp_path / "out" / "coco.json")), read_pose(everything.pose_file)
    for frame in (EXCHANGED - 1, EXCHANGED):
        (one,) = coco.loadAnns(coco.getAnnIds(imgIds=[frame + 1]))
        for side in ("left", "right"):
            first = 3 * COCO_NAMES.index(f"{side}_ankle")
            ankle = pose.xy_px[frame, LANDMARK_NAMES.index(f"{side}_ankle")]
            assert one["keypoints"][first : first + 2] == pytest.approx(ankle.tolist(), abs=0.006)


def test_hidden_points_are_flagged_and_absent_ones_are_zero() -> None:
    landmarks = np.ones((33, 5))
    landmarks[LANDMARK_NAMES.index("left_hip"), 3] = 0.2
    landmarks[LANDMARK_NAMES.index("right_ankle"), 4] = 0.1
    rows = coco_keypoints(landmarks)
    assert rows[COCO_NAMES.index("left_hip")].tolist() == [1, 1, 1]
    assert rows[COCO_NAMES.index("right_ankle")].tolist() == [0, 0, 0]
    assert rows[COCO_NAMES.index("nose")].tolist() == [1, 1, 2]


def test_masks_are_decoded_by_pycocotools(everything: ExportRequest, tmp_path: Path) -> None:
    write_rle(everything, tmp_path / "out", lambda _: None)
    coco = COCO(str(tmp_path / "out" / "masks_rle.json"))
    assert coco.getAnnIds(imgIds=[5]) == []
    (one,) = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    mask = coco.annToMask(one)
    assert mask.shape == SIZE_PX[::-1]
    assert int(mask.sum()) == one["area"] == pytest.approx(80 * 80, rel=0.1)
    assert mask[140, 180] == 1
    assert mask[90, 130] == 0


def test_key_points_are_in_source_and_output_pixels(everything: ExportRequest, tmp_path: Path) -> None:
    write_keypoints(everything, tmp_path / "out", lambda _: None)
    table = pd.read_parquet(tmp_path / "out" / "keypoints.parquet")
    assert len(table) == FRAMES * 33
    first = table[(table["frame"] == 0) & table["x_px"].notna()]
    assert len(first) > 20
    assert np.allclose(first["x_output_px"] - first["x_px"], 5, atol=1e-3)
    assert np.allclose(first["y_output_px"] - first["y_px"], 2, atol=1e-3)
    assert list(table["landmark"][:33]) == list(LANDMARK_NAMES)
    assert table[table["frame"] == 4]["x_output_px"].isna().all()
