"""What the keys of the costly stages cover: the modules that shape their results, and nothing of rendering.

An edit of a module in a stage's list makes that stage run again. A module that is added here should have to be.
"""

from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest

from tasks.cache.keys import INTERFACE, code_digests, shaped_by
from tasks.requests import MasksRequest, RenderRequest, Request, SceneRequest

COVERED = {
    "tasks.decode": {
        "tasks.decode",
        "tasks.media.ffmpeg_log",
        "tasks.media.files.tables",
        "tasks.media.input.capture_rate",
        "tasks.media.input.damage",
        "tasks.media.input.frame_cache",
        "tasks.media.input.frames",
        "tasks.media.input.packet_table",
        "tasks.media.input.probe",
        "tasks.media.input.stream_tags",
        "tasks.media.input.video_reader",
        "tasks.media.planes.layout",
    },
    "tasks.pose": {
        "tasks.maths.arrays",
        "tasks.maths.body.landmarks",
        "tasks.maths.path",
        "tasks.maths.path.affine",
        "tasks.maths.path.outline",
        "tasks.maths.repeated_frames",
        "tasks.maths.scene.camera_path",
        "tasks.maths.square_pixels",
        "tasks.maths.tracking",
        "tasks.maths.tracking.passing",
        "tasks.maths.tracking.search_plan",
        "tasks.maths.tracking.squares",
        "tasks.maths.tracking.unchanged",
        "tasks.maths.tracking.steps",
        "tasks.maths.tracking.tracks",
        "tasks.media.files.camera_file",
        "tasks.media.files.masks_file",
        "tasks.media.files.people_file",
        "tasks.media.files.portraits_file",
        "tasks.media.files.pose_file",
        "tasks.media.files.stored_zip",
        "tasks.media.files.tables",
        "tasks.media.input.damage",
        "tasks.media.input.frame_cache",
        "tasks.media.input.frames",
        "tasks.media.input.prefetch",
        "tasks.media.input.rgb_frames",
        "tasks.media.input.video_reader",
        "tasks.media.matting.body_mask",
        "tasks.media.optical_flow",
        "tasks.media.planes.crop",
        "tasks.media.planes.layout",
        "tasks.media.scene.camera_motion",
        "tasks.media.scene.people_mask",
        "tasks.media.tracking.appearance",
        "tasks.media.tracking.portraits",
        "tasks.media.tracking.shots",
        "tasks.media.tracking.torso_motion",
        "tasks.models.frame_view",
        "tasks.models.model_file",
        "tasks.models.open_people",
        "tasks.models.people",
        "tasks.models.people_finder",
        "tasks.models.pose",
        "tasks.models.runtime",
        "tasks.models.sources",
        "tasks.models.tracker_slot",
        "tasks.models.visibility",
        "tasks.untrusted.paths",
        "tasks.pose",
    },
    "tasks.masks": {
        "tasks.masks",
        "tasks.maths.arrays",
        "tasks.maths.body.landmarks",
        "tasks.maths.body.person_box",
        "tasks.maths.path",
        "tasks.maths.path.affine",
        "tasks.maths.square_pixels",
        "tasks.maths.tracking",
        "tasks.maths.tracking.steps",
        "tasks.maths.tracking.tracks",
        "tasks.media.files.masks_file",
        "tasks.media.files.people_file",
        "tasks.media.files.pose_file",
        "tasks.media.files.tables",
        "tasks.media.input.damage",
        "tasks.media.input.frame_cache",
        "tasks.media.input.frames",
        "tasks.media.input.prefetch",
        "tasks.media.input.video_reader",
        "tasks.media.matting.body_mask",
        "tasks.media.matting.fill_masks",
        "tasks.media.matting.other_people",
        "tasks.media.planes.crop",
        "tasks.media.planes.layout",
        "tasks.models.model_file",
        "tasks.models.runtime",
        "tasks.models.selfie",
        "tasks.models.sources",
        "tasks.untrusted.paths",
    },
    "tasks.trajectory": {
        "tasks.locked_path",
        "tasks.maths",
        "tasks.maths.anchor.gaps",
        "tasks.maths.anchor.states",
        "tasks.maths.arrays",
        "tasks.maths.body.landmarks",
        "tasks.maths.body.person_height",
        "tasks.maths.frame_times",
        "tasks.maths.metrics",
        "tasks.maths.metrics.lock_metrics",
        "tasks.maths.path",
        "tasks.maths.path.affine",
        "tasks.maths.path.framing",
        "tasks.maths.path.l1_path",
        "tasks.maths.path.locking",
        "tasks.maths.path.outline",
        "tasks.maths.path.smoothers",
        "tasks.maths.path.smoothing_limits",
        "tasks.maths.path.window",
        "tasks.maths.repeated_frames",
        "tasks.maths.scene",
        "tasks.maths.scene.auto_target",
        "tasks.maths.scene.camera_path",
        "tasks.maths.square_pixels",
        "tasks.media.files.camera_file",
        "tasks.media.files.pose_file",
        "tasks.media.files.tables",
        "tasks.trajectory",
    },
}
RENDERING = (
    "tasks.rendering",
    "tasks.render",
    "tasks.media.output",
    "tasks.media.report",
    "tasks.media.matting.cutout",
    "tasks.media.matting.matte",
    "tasks.media.matting.person_matte",
    "tasks.media.matting.plate_matte",
    "tasks.media.files.mattes_file",
    "tasks.media.planes.borders",
    "tasks.media.planes.chroma",
    "tasks.media.planes.compose",
    "tasks.media.planes.drawing",
    "tasks.media.planes.plane_color",
    "tasks.media.planes.shift",
    "tasks.media.planes.warp",
)


@pytest.mark.parametrize("stage", COVERED)
def test_a_stages_key_covers_exactly_these_modules(stage: str) -> None:
    assert set(code_digests(stage)) == COVERED[stage]


@pytest.mark.parametrize("stage", COVERED)
def test_no_costly_stage_runs_again_after_an_edit_of_rendering(stage: str) -> None:
    assert [name for name in code_digests(stage) if name.startswith(RENDERING)] == []


@pytest.mark.parametrize("stage", ["tasks.pose", "tasks.masks", "tasks.decode"])
def test_nothing_is_looked_at_again_after_an_edit_of_smoothing_or_metrics(stage: str) -> None:
    later = ("tasks.maths.metrics", "tasks.maths.anchor", "tasks.maths.path.smoothers", "tasks.maths.path.framing")
    assert [name for name in code_digests(stage) if name.startswith(later)] == []


@pytest.mark.parametrize("module", sorted(code_digests("tasks.media.output.person_frames")))
def test_a_rendered_person_is_made_again_after_an_edit_of_what_makes_the_mattes(module: str) -> None:
    """Mattes are no artifact in the key of a video: the same source stands in both keys."""
    assert module in code_digests("tasks.rendering.videos")
    assert module in code_digests("tasks.rendering.mattes")


@pytest.mark.parametrize("kind", [MasksRequest, SceneRequest, RenderRequest])
def test_what_computes_several_in_one_pass_shapes_the_key_of_each(kind: type[Request[Any]]) -> None:
    values: dict[str, Any] = {item.name: None for item in fields(kind)}
    asked = kind(**(values | {"output": "preview.webp"} if "output" in values else values))
    together, own = asked.compute_together.partition(":")[0], asked.compute.partition(":")[0]
    assert {together, own, "tasks.media.input.broadcast"} <= {*shaped_by(asked)["code"]}


@pytest.mark.parametrize("stage", ["tasks.masks", "tasks.scene"])
def test_one_pass_for_masks_and_scene_adds_no_more_than_itself_to_their_keys(stage: str) -> None:
    added = set(code_digests("tasks.passes.decode_once")) - set(code_digests(stage))
    assert added == {"tasks.passes.decode_once", "tasks.media.input.broadcast"}


def test_every_module_that_rendering_names_is_there() -> None:
    for name in RENDERING:
        import_module(name)


def test_modules_that_only_name_data_are_in_no_key() -> None:
    assert not INTERFACE & set(code_digests("tasks.rendering.videos"))
