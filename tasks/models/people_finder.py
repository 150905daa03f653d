"""``PeopleFinder``: finds the people in each frame of a clip, and ``Sighting``, which describes one of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from tasks.maths.arrays import Floats
from tasks.maths.square_pixels import box_to_source, to_source
from tasks.maths.tracking.squares import Square
from tasks.models.frame_view import FrameView, Image

Result = TypeVar("Result")


class Sighting(NamedTuple):
    """One person in one frame, in square pixels as the finder gives it (see ``FrameView``)."""

    track: int  # from 1; one number is one unbroken track
    landmarks: Floats  # (33, 5): x_px, y_px, z, visibility, presence
    mask: Image | None  # (h, w) probability * 255; None unless asked for
    edges_px: Floats  # (4,) x0, y0, x1, y1: outer edges of what the mask covers
    clear_px: Floats | None = None  # (4,) edges of the part that shows nobody else; None: all of the picture

    def in_source(self, widening: float) -> "Sighting":
        """The same in pixels of the source (see ``tasks.maths.square_pixels``)."""
        return self._replace(
            landmarks=to_source(self.landmarks, widening),
            edges_px=box_to_source(self.edges_px, widening),
            clear_px=None if self.clear_px is None else box_to_source(self.clear_px, widening),
        )


class PeopleFinder(Protocol):
    """Finds the people in the next frame of a clip; frames come in order with their own times."""

    def __call__(self, view: FrameView, time_s: float) -> list[Sighting]:
        """The people in the frame, ordered by track number."""
        ...

    def look(self, view: FrameView, time_s: float) -> Callable[[], list[Sighting]]:
        """Look for the followed people in the frame. Gives a function that returns everybody in it.

        Together they do what a call does. If the next frame is looked at before the function is called, both frames are
        worked on at the same time.
        """
        ...

    @property
    def sees_whole(self) -> bool:
        """Whether the next frame will be looked at as a whole, as far as is known."""
        ...

    def begin_shot(self, time_s: float) -> None:
        """Forget everybody: the next frame, at ``time_s``, shows another scene."""
        ...


@dataclass
class SearchedFrame:
    """A frame in which the followed people were looked for. ``places`` are still to be searched for others."""

    view: FrameView
    time_s: float
    places: list[Square | None]  # None: the whole frame
    people: list[Sighting] | None = None  # everybody, when it has been searched


class AtOnce(Protocol):
    """Calls functions, several at the same time if it can, and gives the results in order when all have ended."""

    def __call__(self, functions: Sequence[Callable[[], Result]], /) -> list[Result]: ...


def one_by_one(functions: Sequence[Callable[[], Result]]) -> list[Result]:
    """Call functions one after another, and give the results in order."""
    return [function() for function in functions]
