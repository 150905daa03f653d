"""What the scene beyond the frame and cut-outs cost: CPU ms a frame of each part, one after the other in this process.

    python -m tests.benchmarks.scene_cost FOLDER [VIDEO ...]

Without VIDEO the clips are the sample videos with a person. Decoding is measured apart and taken off, except where the
scene stage decodes for itself. FOLDER keeps the results of the other stages, so a second run is short.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2

from tasks.maths.body.landmarks import LANDMARK_COUNT
from tasks.maths.scene.key_frames import plan_plates
from tasks.media.files.camera_file import read_camera
from tasks.media.files.masks_file import Mask, read_masks
from tasks.media.files.tables import read_table
from tasks.media.input.frames import read_chosen_frames, read_frames
from tasks.media.input.rgb_frames import luma_8bit
from tasks.media.output.person_frames import person_frames
from tasks.media.output.render_frame import Edge, read_placement, read_scene, render_frames
from tasks.media.scene.camera_motion import CameraRecorder
from tasks.records import Artifact, Clip, FoundPeople, PersonMasks, ScenePlates, SmoothPath, read_clip
from tasks.requests import SceneRequest
from tasks.scene import build_scene
from tests.benchmarks.sample_clips import samples
from tests.support.stages import Watched, held, made, masked, watched

HEAD: Final = ["clip", "decoding", "camera", "plates", "their decoding", "border", "sum", "plates a minute", "matte"]


def main() -> None:
    asked = arguments()
    cv2.setNumThreads(1)  # as the program does
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    for path in asked.videos or samples():
        video = watched(asked.folder / "cache", [], path.absolute())
        print("| " + " | ".join([path.stem, *measured(video, asked.folder / "work")]) + " |", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scene_cost", description="Measure what border=scene costs."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where results are kept")
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    return parser.parse_args()


def measured(video: Watched, folder: Path) -> list[str]:
    """The row of one clip."""
    clip, way = read_clip(video.clip), held(video, [])
    path = way.trajectory
    request = SceneRequest(video.source, clip=video.clip, found=video.found)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    decoding = cpu_ms(lambda: sum(1 for _ in read_frames(video.source, clip)), clip)
    camera = cpu_ms(lambda: follow_camera(video.source, clip, video.found, folder), clip) - decoding
    pts, needed = read_table(video.clip.path("frames.parquet"), ["pts"])["pts"], needed_frames(clip, video.found)
    chosen = cpu_ms(lambda: sum(1 for _ in read_chosen_frames(video.source, clip, pts, needed)), clip)
    plates = cpu_ms(lambda: build_scene(request, folder, lambda _: None), clip) - chosen
    scene = made(video.cache, request)
    border = cpu_ms(lambda: fill(video, path, scene, "scene"), clip)
    mirror = cpu_ms(lambda: fill(video, path, scene, "mirror"), clip)
    masks = masked(video, way.config)
    matte = cpu_ms(lambda: cut_out(video, path, scene, masks), clip) - decoding
    parts = [decoding, camera, plates, chosen, border - mirror]
    a_minute = scene.facts["plates"] / (clip.frames / float(clip.rate)) * 60
    return [*(f"{part:.1f}" for part in parts), f"{sum(parts[1:]):.1f}", f"{a_minute:.0f}", f"{matte:.1f}"]


def needed_frames(clip: Clip, found: Artifact[FoundPeople]) -> list[int]:
    """The frames that plates are made of."""
    plans = plan_plates(*read_camera(found.path("camera.parquet")), clip.size_px)
    return sorted({frame for plan in plans for frame in (plan.frame, *plan.sources)})


def cpu_ms(work: Callable[[], object], clip: Clip) -> float:
    """CPU time of this process for some work, ms a frame of the clip."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / clip.frames


def follow_camera(source: Path, clip: Clip, found: Artifact[FoundPeople], folder: Path) -> None:
    """Measure the camera's motion, as the pose stage does beside its own work."""
    bodies: list[list[Mask]] = [[] for _ in range(clip.frames)]
    frames = read_table(found.path("people.parquet"), ["frame"])["frame"][::LANDMARK_COUNT]
    for frame, mask in zip(frames, read_masks(found.path("bodies.npz")), strict=True):
        bodies[frame].append(mask)
    recorder = CameraRecorder(clip.size_px, clip.widening)
    for frame in read_frames(source, clip):
        recorder.add(luma_8bit(frame), frame.pts * float(clip.time_base), bodies[frame.index])
    recorder.write(folder / "camera.parquet")


def fill(video: Watched, path: Artifact[SmoothPath], scene: Artifact[ScenePlates], border: str) -> None:
    """Move every frame and fill its border."""
    placement = read_placement(video.clip, path)
    edge = Edge(border, (0, 0, 0), "cubic")
    files = read_scene(scene, placement) if border == "scene" else None
    for frame in render_frames(video.source, placement, cache_mb=None, scene=files):
        frame.moved(edge)
        frame.origin(edge)


def cut_out(
    video: Watched, path: Artifact[SmoothPath], scene: Artifact[ScenePlates], masks: Artifact[PersonMasks]
) -> None:
    """Find the person's matte in every frame, as the first render that shows a cut-out does."""
    placement = read_placement(video.clip, path)
    frames = render_frames(video.source, placement, cache_mb=None, scene=read_scene(scene, placement))
    ways = {"smoothing": True, "refine": True, "by_plate": True}
    for _ in person_frames(frames, placement, masks.path("masks.npz"), **ways, mattes=None):
        pass


if __name__ == "__main__":
    main()
