"""The person in the frames of a pass: the matte, read where an earlier pass has kept it, or else computed once for all.

Mattes do not depend on the path. So another smoothing of the same clip reads what the first pass has kept.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tasks.maths.arrays import Flags
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState, read_mask_states, read_masks
from tasks.media.files.mattes_file import REACH_SAMPLES, read_mattes
from tasks.media.matting.cutout import BEHIND_INTERPOLATION
from tasks.media.matting.person_matte import Matte, MatteMaker, Shown, smooth_masks_in_time
from tasks.media.output.render_frame import Frames, Placement, RenderFrame
from tasks.media.planes.warp import filter_reach


class PersonFrame(RenderFrame):
    """A picture of the clip with its person: by a matte, or else by the mask; with neither, nobody is in it."""

    def __init__(self, frame: RenderFrame, mask: Mask | None = None, matte: Matte | None = None) -> None:
        super().__init__(frame.picture, frame.placement, frame.scene, frame.shown)
        self.mask, self.matte = mask, matte

    def matte_to_move(self) -> Matte | None:
        """The matte with all of the background that can show at its edge when it is moved."""
        matte = self.matte
        if matte is None or not matte.at_edge:
            return matte
        scale = float(affine.length_scale(self.placement.to_output[self.picture.index]))
        if filter_reach(BEHIND_INTERPOLATION, scale) <= REACH_SAMPLES:
            return matte
        clean = self.clean_part(matte.box)
        return None if clean is None else matte._replace(behind=clean.planes, at_edge=False)


def person_frames(
    frames: Frames,
    placement: Placement,
    masks: Path,
    *,
    smoothing: bool,
    refine: bool,
    by_plate: bool,
    mattes: Path | None,
) -> Iterator[PersonFrame]:
    """The ``frames`` of a pass with the person of ``masks`` in them; it may read one frame ahead.

    ``smoothing`` and ``refine`` say how masks are used, ``by_plate`` whether mattes are wanted. What the file
    ``mattes`` has is not computed.
    """
    somebody = read_mask_states(masks) != MaskState.nobody
    shown = smooth_masks_in_time(read_masks(masks), placement.anchor_xy) if smoothing else read_masks(masks)
    if mattes is not None:
        known = read_mattes(mattes, placement.layout, placement.clip.size_px, len(somebody))
        return _with_known(frames, shown, somebody, known)
    if not by_plate:
        return (
            PersonFrame(frame, mask if seen else None)
            for frame, mask, seen in zip(frames, shown, somebody, strict=True)
        )
    maker = MatteMaker(placement.layout, float(placement.clip.rate), refine=refine)
    return _with_computed(frames, shown, somebody, maker, placement)


def _with_known(
    frames: Frames, masks: Iterator[Mask], somebody: Flags, mattes: Iterator[Matte | None]
) -> Iterator[PersonFrame]:
    read = 0  # of the masks: they are needed only where there is a person without a matte
    for index, (frame, matte) in enumerate(zip(frames, mattes, strict=True)):
        if matte is not None or not somebody[index]:
            yield PersonFrame(frame, matte=matte)
            continue
        yield PersonFrame(frame, next(islice(masks, index - read, None)))
        read = index + 1


def _with_computed(
    frames: Frames, masks: Iterator[Mask], somebody: Flags, computed: MatteMaker, placement: Placement
) -> Iterator[PersonFrame]:
    ahead: deque[tuple[RenderFrame, Mask | None]] = deque()

    def people() -> Iterator[Shown | None]:
        for index, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
            ahead.append((frame, mask if somebody[index] else None))
            clean = None if frame.scene is None else frame.clean_part
            shown = Shown(frame.picture.planes, mask, placement.anchor_xy[index], clean)
            yield shown if somebody[index] else None

    for matte in computed.of_all(people()):
        yield PersonFrame(*ahead.popleft(), matte)
