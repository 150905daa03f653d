"""The person in the frames of a pass: each frame has its own mask or matte, wherever it was read from."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.mattes_file import REACH_SAMPLES, matte_writer
from tasks.media.input.frames import Frame
from tasks.media.matting.cutout import BEHIND_INTERPOLATION
from tasks.media.matting.person_matte import Matte, Shown
from tasks.media.output import person_frames as module
from tasks.media.output.person_frames import PersonFrame, person_frames
from tasks.media.output.render_frame import Placement, RenderFrame
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.planes.warp import filter_reach

LAYOUT, SIZE, BOX = nearest_layout("yuv420p"), (64, 48), Region(8, 4, 40, 36)
SEEN, NOBODY = MaskState.measured, MaskState.nobody
RATE_HZ = 50
STATES = (SEEN, SEEN, NOBODY, SEEN, SEEN, NOBODY, SEEN)


def frames_of(count: int, scale: float = 1.0) -> Iterator[RenderFrame]:
    """Pictures whose samples are their numbers, each placed with ``scale``."""
    to_output = np.tile(np.diag([scale, scale, 1.0])[:2], (count, 1, 1))
    placement = cast(Placement, Placed(to_output, np.zeros((count, 2))))
    for index in range(count):
        planes = tuple(np.full(LAYOUT.plane_wh(plane, SIZE)[::-1], index, np.uint8) for plane in range(LAYOUT.planes))
        yield RenderFrame(Frame(index, index, 1, planes, LAYOUT, cast(Any, None)), placement)


class Placed:
    """What of a placement is asked here."""

    def __init__(self, to_output: NDArray[np.float64], anchor_xy: NDArray[np.float64]) -> None:
        self.to_output, self.anchor_xy, self.layout = to_output, anchor_xy, LAYOUT
        self.clip = SimpleNamespace(rate=RATE_HZ, size_px=SIZE)


def masks_of(folder: Path, states: tuple[MaskState, ...]) -> Path:
    """Masks whose probabilities tell their frames."""
    with mask_writer(folder / "masks.npz") as writer:
        for index, state in enumerate(states):
            writer.write(Mask(np.full((8, 8), level(index), np.uint8), np.array([0, 0, 64, 48], np.float32), state))
    return folder / "masks.npz"


def level(index: int) -> int:
    return 100 + index


def mattes_of(folder: Path, present: list[bool]) -> Path:
    """Mattes whose opacity tells their frames, for the frames that have one."""
    wide, high = BOX.size_px
    behind = tuple(np.zeros(LAYOUT.plane_wh(plane, (wide, high))[::-1], np.uint8) for plane in range(LAYOUT.planes))
    with matte_writer(folder / "mattes.zip", LAYOUT) as writer:
        for index, has_one in enumerate(present):
            opacity = np.full((high, wide), level(index), np.uint8)
            writer.write(Matte(BOX, opacity, behind) if has_one else None)
    return folder / "mattes.zip"


def people(folder: Path, *, mattes: Path | None = None, by_plate: bool = True) -> list[PersonFrame]:
    source, masks = list(frames_of(len(STATES))), masks_of(folder, STATES)
    settings = {"smoothing": False, "refine": False, "by_plate": by_plate, "mattes": mattes}
    found = list(person_frames(iter(source), source[0].placement, masks, **cast(Any, settings)))
    assert [one.picture for one in found] == [one.picture for one in source]  # all of them, in order
    return found


def test_each_frame_has_its_own_mask_and_nobody_has_none(tmp_path: Path) -> None:
    for index, (one, state) in enumerate(zip(people(tmp_path, by_plate=False), STATES, strict=True)):
        assert one.matte is None
        assert (one.mask is None) is (state is NOBODY)
        assert one.mask is None or (one.mask.probability == level(index)).all()


def test_a_kept_matte_is_its_frames_own_and_where_there_is_none_the_mask_is(tmp_path: Path) -> None:
    kept = [True, False, False, True, False, False, False]
    for index, one in enumerate(people(tmp_path, mattes=mattes_of(tmp_path, kept))):
        assert (one.matte is None) is not kept[index]
        assert one.matte is None or (one.matte.opacity == level(index)).all()
        needed = STATES[index] is SEEN and not kept[index]
        assert (one.mask is None) is not needed
        assert one.mask is None or (one.mask.probability == level(index)).all()


def test_no_mask_is_unpacked_where_every_person_has_a_matte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(_: Path) -> Iterator[Mask]:
        raise AssertionError("a mask is read")
        yield

    monkeypatch.setattr(module, "read_masks", unread)
    kept = [state is SEEN for state in STATES]
    assert [one.matte is not None for one in people(tmp_path, mattes=mattes_of(tmp_path, kept))] == kept


def test_a_matte_that_is_computed_ahead_goes_to_its_own_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead:
        """Reads one frame ahead, as the true one does, and tells by the opacity for which frame it is."""

        def __init__(self, layout: PixelLayout, rate_hz: float, *, refine: bool) -> None:
            assert (layout, rate_hz, refine) == (LAYOUT, RATE_HZ, False)

        def of_all(self, shown: Iterator[Shown | None]) -> Iterator[Matte | None]:
            now = next(shown, None)
            for after in [*shown, None]:
                yield None if now is None else Matte(BOX, now.planes[0].copy(), now.planes)
                now = after

    monkeypatch.setattr(module, "MatteMaker", Ahead)
    for index, one in enumerate(people(tmp_path)):
        assert (one.matte is None) is (STATES[index] is NOBODY) is (one.mask is None)
        assert one.matte is None or (one.matte.opacity == index).all()


def test_masks_of_another_number_of_frames_are_refused(tmp_path: Path) -> None:
    source, masks = list(frames_of(3)), masks_of(tmp_path, STATES[:2])
    read = person_frames(
        iter(source), source[0].placement, masks, smoothing=False, refine=False, by_plate=False, mattes=None
    )
    with pytest.raises(ValueError, match="zip"):
        list(read)


@pytest.mark.parametrize("scale", [1.0, 0.9, 0.5])
def test_the_whole_background_is_asked_for_only_where_its_move_reaches_beyond_what_was_kept(scale: float) -> None:
    (frame,) = frames_of(1, scale)
    planes = frame.picture.planes
    kept, asked = Matte(BOX, np.zeros(BOX.size_px[::-1], np.uint8), planes, at_edge=True), list[Region]()

    class Scenic(PersonFrame):
        def clean_part(self, box: Region, step_px: int = 1) -> Any:
            asked.append(box)
            return cast(Any, Clean)

    class Clean:
        planes = tuple(plane + 1 for plane in frame.picture.planes)

    moved = Scenic(frame, matte=kept).matte_to_move()
    if filter_reach(BEHIND_INTERPOLATION, scale) <= REACH_SAMPLES:
        assert moved is kept and asked == []
    else:
        assert moved is not None and not moved.at_edge and asked == [BOX]
        assert moved.behind is Clean.planes and moved.opacity is kept.opacity


def test_without_the_background_that_it_needs_a_kept_matte_is_not_used() -> None:
    (frame,) = frames_of(1, 0.5)
    kept = Matte(BOX, np.zeros(BOX.size_px[::-1], np.uint8), frame.picture.planes, at_edge=True)
    assert PersonFrame(frame, matte=kept).matte_to_move() is None  # it has no scene
    assert PersonFrame(frame, matte=kept._replace(at_edge=False)).matte_to_move() is not None
