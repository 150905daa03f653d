"""Stage: the independent judge of a rendered video, on the file itself, as a viewer gets it.

A fresh pose run and a torso feature track know nothing of the path that was planned. The pose run has a noise of its
own, which its figures carry (a spread of 1.9 px in x and 2.6 px in y of the drawn walker, 313 px high, who stands still
to half a pixel; 2 to 5 px of walkers on video); the features' step has not.
Only poses that stand where the subject should are judged: a mirrored border shows a second person, and where the
subject is away the judge may see anybody. ``judged`` is their share of the frames in which the subject is there. In the
others the features are looked for where the plan has the torso: their step is of the same frames, whatever the lock.
They are the source's pixels, wherever a border goes on with them.
Frames that the pose stage passed over (``pose.every``) are judged like the others: what is lost there counts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tasks.maths.anchor.anchor_point import hip_anchor
from tasks.maths.anchor.states import ABSENT
from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT, SHOULDERS, PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine
from tasks.maths.path.framing import outline_px
from tasks.maths.tracking.steps import Step, steps_from_rows, steps_from_table
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_json, read_table, write_json, write_table
from tasks.media.input.prefetch import prefetched
from tasks.media.input.probe import scan_video
from tasks.media.input.rgb_frames import rgb_frames
from tasks.media.tracking.torso_motion import TorsoMotion
from tasks.models.people import Sighting, open_people_tracker
from tasks.models.sources import model_files
from tasks.records import Clip, Tick, read_clip
from tasks.render_requests import VerifyRequest

NEAR_TORSOS = 0.5  # torso lengths


def verify_render(request: VerifyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``verified.json``: lock and tremble measured in the rendered file; facts: the same figures.

    ``verified.parquet`` has them frame by frame: the anchor less the target, and the torso's step, NaN where neither.

    ``residual_step`` is the rms step of the torso's features from frame to frame, ``residual_step_before`` the same in
    the source. The rest are the lock metrics of the hip centre that a fresh pose run finds.
    """
    name = next(name for name in request.rendered.files if name.startswith("stabilized."))
    rendered = request.rendered.path(name)
    clip, _ = scan_video(rendered, request.rendered.files[name].sha256, lambda _: None, strict=True)
    frame = read_json(request.trajectory.path("framing.json"))
    subject = expected_subject(request)
    track, steps = _look_at_render(request, rendered, clip, subject, tick)
    anchor = hip_anchor(track, min_confidence=request.min_confidence, weighted=False)
    boxes = lock_metrics.visible_boxes(track.xy_px, track.visibility)
    width, height = clip.size_px
    lock = lock_metrics.steadiness(
        anchor.xy_px, track.time_s, np.array(frame["target_px"]), (width, height), lock_metrics.person_height(boxes)
    )
    before = steps_from_table(read_table(request.pose.path("motion.parquet"))).xy()
    verified = {
        **lock,
        "residual_step": step_rms(steps),
        "residual_step_before": step_rms(before),
        "judged": float(track.found.sum() / max(1, np.isfinite(subject.hip_xy).all(axis=1).sum())),
    }
    finite = {name: round(value, 6) if np.isfinite(value) else None for name, value in verified.items()}
    write_json(folder / "verified.json", finite)
    away_px = anchor.xy_px - np.array(frame["target_px"])
    columns = {"time_s": track.time_s, "residual_x_px": away_px[:, 0], "residual_y_px": away_px[:, 1]}
    write_table(folder / "verified.parquet", columns | {"step_x_px": steps[:, 0], "step_y_px": steps[:, 1]})
    return {"frames": clip.frames, **finite}


def step_rms(steps_xy: Floats) -> float:
    """Root mean square length of the steps (n, 2) that could be measured; NaN when there is none."""
    length = np.linalg.norm(steps_xy, axis=1)
    seen = np.isfinite(length)
    return float(np.sqrt(np.mean(length[seen] ** 2))) if seen.any() else float("nan")


class ExpectedSubject(NamedTuple):
    """Where the subject should be in the output: what tells a fresh look from a look at somebody else."""

    hip_xy: Floats  # (n, 2) NaN where the subject is away
    torso_px: Floats  # (n,)
    landmarks: Floats  # (n, 33, 5) as the planned path moves them; NaN where the subject is away
    picture_xy: Floats  # (n, 4, 2) corners of the source's picture: what lies beyond them is border

    def among(self, frame: int, people: Sequence[Sighting]) -> Floats | None:
        """The landmarks (33, 5) of the nearest of ``people`` whose hips lie within ``NEAR`` torsos of the subject's."""
        hips = [person.landmarks[list(HIPS), :2].mean(axis=0) for person in people]
        distance = [float(np.hypot(*(hip - self.hip_xy[frame]))) for hip in hips]
        near = NEAR_TORSOS * self.torso_px[frame]
        at = [number for number in np.argsort(distance) if distance[number] < near]  # NaN compares as False
        return people[at[0]].landmarks if at else None


def expected_subject(request: VerifyRequest) -> ExpectedSubject:
    """Where the path that was planned has the subject, frame by frame of the rendered file."""
    path = read_table(request.trajectory.path("trajectory.parquet"))
    columns = [path[f"to_output_{row}{column}"] for row in range(2) for column in range(3)]
    to_output = np.stack(columns, axis=1).reshape(-1, 1, 2, 3)
    pose = read_pose(request.pose.path("pose.parquet"))
    moved = affine.apply(to_output, pose.xy_px)
    rest = np.stack([pose.z, pose.visibility, pose.presence], axis=2)
    looked = read_table(request.pose.path("motion.parquet"))["looked"]
    landmarks = fill_between_looks(np.concatenate([moved, rest], axis=2), pose.time_s, looked)
    landmarks[path["state"] == ABSENT] = np.nan
    hip_xy, neck_xy = (landmarks[:, list(pair), :2].mean(axis=1) for pair in (HIPS, SHOULDERS))
    picture_xy = affine.apply(to_output, outline_px(read_clip(request.clip).size_px)[None])
    return ExpectedSubject(hip_xy, np.hypot(*(neck_xy - hip_xy).T), landmarks, picture_xy)


def fill_between_looks(landmarks: Floats, time_s: Floats, looked: Flags) -> Floats:
    """Landmarks (n, 33, 5) in the output, those of the frames not looked at from the looks before and behind.

    In the output the subject should stand still, so a straight line over time tells where. Frames that were looked at
    stay as they are, NaN where nobody was found.
    """
    known = np.isfinite(landmarks).all(axis=(1, 2))
    if not known.any():
        return landmarks
    flat = landmarks.reshape(len(landmarks), -1)
    line = np.stack([np.interp(time_s, time_s[known], column) for column in flat[known].T], axis=1)
    return np.where(looked[:, None, None], landmarks, line.reshape(landmarks.shape))


def _look_at_render(
    request: VerifyRequest, rendered: Path, clip: Clip, subject: ExpectedSubject, tick: Tick
) -> tuple[PoseTrack, Floats]:
    times: list[float] = []
    found: list[Floats] = []
    rows: list[Step] = []
    torso = TorsoMotion()
    files = model_files(request.settings.model.value, request.models.dir, request.models.download)
    with (
        open_people_tracker(
            files,
            device=request.device.value,
            max_people=request.settings.people,
            min_detection=request.settings.min_detection,
            min_tracking=request.settings.min_tracking,
        ) as (finder, _),
        prefetched(rgb_frames(rendered, clip)) as stream,
    ):
        for item in stream:
            people = [seen._replace(landmarks=item.to_source(seen.landmarks)) for seen in finder(item.rgb, item.time_s)]
            found_there = subject.among(len(times), people)
            marks = subject.landmarks[len(times)] if found_there is None else found_there
            step = torso.step(item.luma, marks[:, :2], marks[:, 3], subject.picture_xy[len(times)])
            rows.append(step if np.isfinite(marks[list(HIPS), 0]).all() else Step())
            times.append(item.time_s)
            found.append(np.full((LANDMARK_COUNT, 5), np.nan) if found_there is None else found_there)
            tick(len(times))
    table = np.array(found)
    track = PoseTrack(np.array(times), table[..., :2], table[..., 2], table[..., 3], table[..., 4])
    return track, steps_from_rows(rows).xy()
