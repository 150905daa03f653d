"""The scene stage: clean plates of the background at key moments, and where people hide the background."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.frame_times import nearest_index
from tasks.maths.scene.camera_path import CameraPath
from tasks.maths.scene.key_frames import PlatePlan, plan_plates
from tasks.media.files.camera_file import read_camera
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.plates_file import PlateWriter, plate_writer
from tasks.media.files.tables import read_table
from tasks.media.input.frame_cache import chosen_frames
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.planes.crop import small_size
from tasks.media.planes.layout import clip_layout
from tasks.media.scene.frame_store import FrameStore
from tasks.media.scene.hidden_people import hidden_people
from tasks.media.scene.plate import LEAST_AGREEMENT_SHARE
from tasks.media.scene.plate_builder import build_plate
from tasks.records import Clip, Tick, read_clip
from tasks.requests import SceneRequest

HIDDEN_LONGEST_PX: Final = 320  # longer side of the masks of people: they are grown by six such pixels
AHEAD: Final = 1  # frames decoded ahead, so that another stage that shares the decoding need not wait for a plate
LEAST_NOTED_SHARE: Final = 0.02  # of the frames: a fallback in fewer is not reported


def build_scene(
    request: SceneRequest, folder: Path, tick: Tick, *, frames: Generator[Frame, None, None] | None = None
) -> dict[str, Any]:
    """Write ``plates.zip``, ``hidden.npz`` and ``camera.parquet``; facts: the number of plates, and how well they fit.

    The stage reads the needed frames in one pass. They wait on disk, so memory does not grow with the clip. ``frames``
    are all frames of the clip, if another stage decodes them; they are closed after the last one that is needed.
    """
    clip, found = read_clip(request.clip), request.found
    path, time_s = read_camera(found.path("camera.parquet"))
    waiting = folder / "waiting"
    waiting.mkdir()
    layout = clip_layout(clip)
    with plate_writer(folder / "plates.zip", layout) as plates, mask_writer(folder / "hidden.npz") as masks:
        plans = plan_plates(path, time_s, clip.size_px)
        builder = _Builder(path, plans, FrameStore(waiting, layout, clip.size_px), plates)
        edges_px = np.array([-0.5, -0.5, clip.width_px - 0.5, clip.height_px - 0.5], np.float32)
        pts = read_table(request.clip.path("frames.parquet"), ["pts"])["pts"]
        if frames is None:
            needed = chosen_frames(request.source, clip, pts, builder.needed, cache_mb=request.cache_mb)
        else:
            needed = _those(frames, builder.needed)
        with closing(needed), prefetched(needed, ahead=AHEAD) as pictures:
            following: Frame | None = next(pictures)
            for index, hidden in enumerate(_hidden(request, clip)):
                masks.write(Mask(hidden, edges_px, MaskState.measured))
                if following is not None and following.index == index:
                    builder.add(following, hidden, clip.color.chroma_location)
                    following = next(pictures, None)
                tick(index + 1)
    rmtree(waiting)
    copyfile(found.path("camera.parquet"), folder / "camera.parquet")
    return _facts(path, builder)


def _those(frames: Generator[Frame, None, None], needed: Sequence[int]) -> Generator[Frame, None, None]:
    """The ``frames`` whose numbers are ``needed``, in order."""
    left = set(needed)
    with closing(frames):
        for frame in frames:
            if frame.index in left:
                left.remove(frame.index)
                yield frame
            if not left:
                return
            del frame  # it must not be kept while the next one is decoded


def _hidden(request: SceneRequest, clip: Clip) -> Iterator[NDArray[np.uint8]]:
    found = request.found
    return hidden_people(
        found.path("people.parquet"),
        found.path("bodies.npz"),
        clip.frames,
        float(clip.rate),
        clip.size_px,
        small_size(clip.size_px, HIDDEN_LONGEST_PX),
        shadows=True,
    )


class _Builder:
    """Makes each plate as soon as the last of its frames has come."""

    def __init__(self, path: CameraPath, plans: list[PlatePlan], store: FrameStore, writer: PlateWriter) -> None:
        self._path, self._plans, self._store, self._writer = path, plans, store, writer
        self._last_use: dict[int, int] = {}
        for number, plan in enumerate(plans):
            for frame in (plan.frame, *plan.sources):
                self._last_use[frame] = number
        self._next = 0
        self.agreements: list[float] = []

    @property
    def needed(self) -> list[int]:
        """The frames that plates are made of, in order."""
        return sorted(self._last_use)

    @property
    def plates(self) -> list[int]:
        """The frames that have a plate."""
        return [plan.frame for plan in self._plans]

    def add(self, frame: Frame, hidden: NDArray[np.uint8], chroma_location: int) -> None:
        """Store the next needed frame, and make the plates that were waiting for it."""
        self._store.put(frame, hidden)
        while self._next < len(self._plans):
            plan = self._plans[self._next]
            if max(plan.frame, *plan.sources, -1) > frame.index:
                return
            self._make(plan, chroma_location)
            self._next += 1

    def _make(self, plan: PlatePlan, chroma_location: int) -> None:
        sources = [(source, self._path.between(source, plan.frame)) for source in plan.sources]
        aligned = [(source, matrix) for source, matrix in sources if matrix is not None]
        plate = build_plate(plan.frame, aligned, self._store, chroma_location)
        self._writer.write(plate)
        self.agreements.append(plate.agreement)
        for frame in [frame for frame in self._store.frames if self._last_use[frame] <= self._next]:
            self._store.drop(frame)


def _facts(path: CameraPath, builder: _Builder) -> dict[str, Any]:
    """Facts: the numbers of plates and aligned groups, and the share of frames whose nearest plate others confirm."""
    plates = np.array(builder.plates, np.float64)
    nearest = nearest_index(np.arange(path.frames, dtype=np.float64), plates)
    held = np.array(builder.agreements)[nearest] >= LEAST_AGREEMENT_SHARE
    share = float(held.mean())
    notes = []
    if 1 - share >= LEAST_NOTED_SHARE and path.frames > 1:  # a single frame has no others
        fact = f"the background of {(~held).sum()} of {path.frames} frames does not fit that of others"
        notes.append(f"{fact} (it moves, or near things pass): their border shows a mirror, border=blur shows none")
    return {
        "plates": len(plates),
        "groups": int(path.group.max()) + 1,
        "aligned": round(share, 6),
        "confidence": round(float(np.median(path.confidence)), 6),
        "notes": notes,
    }
