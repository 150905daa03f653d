"""The verify stage: independent metrics of a rendered video, measured in the file itself.

A new pose run and a torso feature track know nothing of the planned path. The pose run has its own noise, which is part
of its metrics. Its standard deviation is 1.9 px in x and 2.6 px in y on the drawn walker, 313 px high, which stands
still to half a pixel. On filmed walkers it is 2 to 5 px. The features' step has no such noise.

Only poses where the subject should be are used: a mirrored border shows a second person, and where the subject is
absent the pose run may find anybody. ``judged`` is their share of the frames in which the subject is present. In the
other frames the features are searched where the plan has the torso, so that their step covers the same frames whatever
the lock. Features are taken from the source's pixels only, whatever border continues them. Frames that the pose stage
skipped (``pose.every``) are measured like the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.anchor_point import hip_anchor
from tasks.maths.anchor.outliers import POSE_RESOLUTION_TORSOS, step_error_px
from tasks.maths.anchor.states import ABSENT
from tasks.maths.arrays import Flags, Floats, equal_slices
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT, PoseTrack, hip_midpoint, in_square_px, torso_length_px
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine
from tasks.maths.path.outline import outline_px
from tasks.maths.square_pixels import to_square
from tasks.maths.tracking.steps import FEWEST_FEATURES, Step, Steps, steps_from_rows, steps_from_table
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import matrices_of, read_json, read_table, write_json, write_table
from tasks.media.input.prefetch import prefetched
from tasks.media.input.probe import scan_video
from tasks.media.input.rgb_frames import rgb_frames
from tasks.media.tracking.torso_motion import TorsoMotion
from tasks.models.open_people import open_people_tracker
from tasks.models.people_finder import Sighting
from tasks.models.sources import model_files
from tasks.records import Clip, Tick, read_clip
from tasks.requests import VerifyRequest

NEAR_TORSOS: Final = 0.5  # between the hips of a sighting and those of the plan: farther away it is not the subject
CONTRADICTION_RESOLUTIONS: Final = 3.0  # of a pose: a step further from that between two poses is not the torso's


def verify_render(request: VerifyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``verified.json``: lock and tremble measured in the rendered file; facts: the same numbers.

    ``verified.parquet`` has them by frame: the anchor minus the target, and the torso's step; NaN where not measured.

    ``residual_step`` is the rms step of the torso's features from frame to frame, ``residual_step_before`` the same in
    the source, as large as the output shows it. The other numbers are the steadiness metrics of the hip centre that
    the new pose run finds.
    """
    name = next(name for name in request.rendered.files if name.startswith("stabilized."))
    rendered = request.rendered.path(name)
    clip, _ = scan_video(rendered, request.rendered.files[name].sha256, lambda _: None, strict=True)
    frame = read_json(request.trajectory.path("framing.json"))
    subject = expected_subject(request)
    track, steps = _look_at_render(request, rendered, clip, subject, tick)
    hip_xy, aspect = hip_midpoint(track.xy_px), subject.pixel_aspect
    steps_xy = plausible_steps(steps, hip_xy, subject.hip_xy, subject.torso_px, aspect)
    anchor = hip_anchor(track, min_confidence=request.min_confidence, weighted=False)
    boxes = lock_metrics.visible_boxes(track.xy_px, track.visibility)
    width, height = clip.size_px
    target_xy, height_px = np.array(frame["targets_px"])[subject.shot], lock_metrics.person_height(boxes)
    lock = lock_metrics.steadiness(
        anchor.xy_px, track.time_s, target_xy, (width, height), height_px, equal_slices(subject.shot)
    )
    before = steps_from_table(read_table(request.subject.path("motion.parquet"))).xy()
    verified = {
        **lock,
        "residual_step": step_rms(steps_xy),
        "residual_step_before": step_rms(before) * frame["zoom"],
        "judged": float(track.found.sum() / max(1, np.isfinite(subject.hip_xy).all(axis=1).sum())),
    }
    finite = lock_metrics.rounded_metrics(verified)
    write_json(folder / "verified.json", finite)
    residual_px = anchor.xy_px - target_xy
    columns = {"time_s": track.time_s, "residual_x_px": residual_px[:, 0], "residual_y_px": residual_px[:, 1]}
    write_table(folder / "verified.parquet", columns | {"step_x_px": steps_xy[:, 0], "step_y_px": steps_xy[:, 1]})
    return {"frames": clip.frames, **finite}


def plausible_steps(
    steps: Steps, hip_xy: Floats, expected_xy: Floats, torso_px: Floats, pixel_aspect: float = 1.0
) -> Floats:
    """The measured steps (n, 2); NaN where they show nothing of the torso.

    A step does not count where its error is larger than the resolution of a pose, or where fewer than
    ``FEWEST_FEATURES`` agree on it. Nor does it count where it contradicts the poses ``hip_xy`` (n, 2) at its two ends:
    then the features lie on the background, or on somebody else. Where one of these poses is missing, the poses of the
    source, moved by the planned path, stand in: ``expected_xy`` (n, 2). Where they are missing too, the step counts.
    ``torso_px`` (n,) is in rows, and ``pixel_aspect`` a pixel's width / height.
    """
    steps_xy, agreeing = steps.xy(), np.round(steps["features"] * steps["inlier_share"])
    resolution_px = POSE_RESOLUTION_TORSOS * torso_px
    own, planned = (np.diff(xy, axis=0, prepend=np.full((1, 2), np.nan)) for xy in (hip_xy, expected_xy))
    apart_px = np.hypot(*in_square_px(steps_xy - np.where(np.isfinite(own), own, planned), pixel_aspect).T)
    unsure = (step_error_px(steps) > resolution_px) | (agreeing < FEWEST_FEATURES)
    implausible = unsure | (apart_px > CONTRADICTION_RESOLUTIONS * resolution_px)
    return np.asarray(np.where(implausible[:, None], np.nan, steps_xy))


def step_rms(steps_xy: Floats) -> float:
    """Root mean square length of the measured steps (n, 2); NaN when there is none."""
    length = np.linalg.norm(steps_xy, axis=1)
    seen = np.isfinite(length)
    return float(np.sqrt(np.mean(length[seen] ** 2))) if seen.any() else float("nan")


class ExpectedSubject(NamedTuple):
    """Where the subject should be in the output. It distinguishes the subject from other people."""

    hip_xy: Floats  # (n, 2) NaN where the subject is absent
    torso_px: Floats  # (n,)
    landmarks: Floats  # (n, 33, 5) moved by the planned path; NaN where the subject is absent
    picture_xy: Floats  # (n, 4, 2) corners of the source picture: beyond them there is only border
    shot: NDArray[np.int64]  # (n,) number of the shot
    pixel_aspect: float = 1.0  # width / height of a pixel; lengths are measured in rows

    def among(self, frame: int, people: Sequence[Sighting]) -> Floats | None:
        """Landmarks (33, 5) of the person nearest to the subject, hips within ``NEAR_TORSOS``; None without one."""
        away_xy = [hip_midpoint(person.landmarks) - self.hip_xy[frame] for person in people]
        distance = [float(np.hypot(*in_square_px(away, self.pixel_aspect))) for away in away_xy]
        near = NEAR_TORSOS * self.torso_px[frame]
        candidates = [number for number in np.argsort(distance) if distance[number] < near]  # NaN compares as False
        return people[candidates[0]].landmarks if candidates else None


def expected_subject(request: VerifyRequest) -> ExpectedSubject:
    """The subject as the planned path puts it, for each frame of the rendered file."""
    path = read_table(request.trajectory.path("trajectory.parquet"))
    to_output = matrices_of(path, "to_output")[:, None]
    pose = read_pose(request.subject.path("pose.parquet"))
    looked = read_table(request.subject.path("motion.parquet"))["looked"]
    seen = replace(pose, xy_px=affine.apply(to_output, pose.xy_px)).landmarks
    landmarks = np.concatenate(
        [fill_between_looks(seen[shot], pose.time_s[shot], looked[shot]) for shot in equal_slices(path["shot"])]
    )
    landmarks[path["state"] == ABSENT] = np.nan
    clip = read_clip(request.clip)
    picture_xy = affine.apply(to_output, outline_px(clip.size_px)[None])
    torso_px = torso_length_px(to_square(landmarks, clip.widening))
    return ExpectedSubject(hip_midpoint(landmarks), torso_px, landmarks, picture_xy, path["shot"], clip.widening)


def fill_between_looks(landmarks: Floats, time_s: Floats, looked: Flags) -> Floats:
    """Landmarks (n, 33, 5) in the output; frames without a look are interpolated linearly over time.

    In the output the subject should stand still, so a straight line is good enough. Frames that were looked at keep
    their values, NaN where nobody was found.
    """
    known = np.isfinite(landmarks).all(axis=(1, 2))
    if not known.any():
        return landmarks
    flat = landmarks.reshape(len(landmarks), -1)
    line = np.stack([np.interp(time_s, time_s[known], column) for column in flat[known].T], axis=1)
    return np.where(looked[:, None, None], landmarks, line.reshape(landmarks.shape))


def _look_at_render(
    request: VerifyRequest, rendered: Path, clip: Clip, subject: ExpectedSubject, tick: Tick
) -> tuple[PoseTrack, Steps]:
    """Run the pose model and the torso tracking on the rendered file: the subject's pose track, and its steps."""
    times: list[float] = []
    found: list[Floats] = []
    rows: list[Step] = []
    torso = TorsoMotion(clip.widening)
    files = model_files(request.settings.model.value, request.models.dir)
    with (
        open_people_tracker(files, request.settings, device=request.device.value) as (finder, _),
        prefetched(rgb_frames(rendered, clip)) as stream,
    ):
        for frame in stream:
            index = len(times)
            if index and subject.shot[index] != subject.shot[index - 1]:
                finder.begin_shot(frame.time_s)
                torso = TorsoMotion(clip.widening)
            people = [person.in_source(clip.widening) for person in finder(frame, frame.time_s)]
            found_there = subject.among(index, people)
            landmarks = subject.landmarks[index] if found_there is None else found_there
            step = torso.step(frame.luma, landmarks[:, :2], landmarks[:, 3], subject.picture_xy[index])
            rows.append(step if np.isfinite(landmarks[list(HIPS), 0]).all() else Step())
            times.append(frame.time_s)
            found.append(np.full((LANDMARK_COUNT, 5), np.nan) if found_there is None else found_there)
            tick(len(times))
    return PoseTrack.of(np.array(times), np.array(found)), steps_from_rows(rows)
