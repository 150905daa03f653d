"""The render stage: all outputs of a video that are missing, from one pass over its frames.

Each output is a function in ``tasks.rendering`` with a thread of its own. They share the decoded frames, the person's
matte, and the moved picture where they show the same border. The mattes are written by one more such function, for
later passes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from tasks.media.input.broadcast import Reader, read_side_by_side
from tasks.media.output.person_frames import person_frames
from tasks.media.output.render_frame import (
    Frames,
    Placement,
    RenderFrame,
    edge_of,
    read_placement,
    read_scene,
    render_frames,
)
from tasks.records import Facts, Tell, Tick
from tasks.requests import MatteRequest, RenderRequest

Asked: TypeAlias = RenderRequest | MatteRequest
Renderer: TypeAlias = Callable[[Asked, Placement, Frames, Path], Facts]


def render_outputs(
    requests: Sequence[Asked],
    renderers: Sequence[Renderer],
    folders: Sequence[Path],
    tick: Tick,
    tell: Tell,
) -> None:
    """Render each request into its folder with its own renderer; all of them are of one clip and one path.

    By-products come after the outputs that they are made with.

    ``tell`` is called once for each, in any order and from any thread, with its place and its facts or the error that
    ended it. One that fails does not stop the others. ``tick`` counts decoded frames.
    """
    outputs = [request for request in requests if isinstance(request, RenderRequest)]
    first = outputs[0]
    placement = read_placement(first.clip, first.trajectory)
    plates = next((request.scene for request in outputs if request.scene is not None), None)
    scene = None if plates is None else read_scene(plates, placement)
    shown = frozenset(edge_of(one) for one in outputs if one.background is None and one.encode is not None)
    frames = render_frames(first.source, placement, cache_mb=first.cache_mb, scene=scene, shown=shown)
    frames = _with_person(_ticked(frames, tick), outputs, placement)

    def rendered(place: int) -> Callable[[Reader[RenderFrame]], Facts]:
        return lambda reader: renderers[place](requests[place], placement, reader, folders[place])

    functions = [rendered(place) for place in range(len(requests))]
    read_side_by_side(frames, functions, tell, wanted=len(outputs))  # a by-product alone is not worth the pass


def _with_person(frames: Frames, outputs: Sequence[RenderRequest], placement: Placement) -> Frames:
    """The frames with the person, where an output cuts one out; of one job all have the same masks and settings."""
    cut = [(one.masks, one.matte) for one in outputs if one.masks is not None and one.matte is not None]
    if not cut:
        return frames
    (masks, settings), known = cut[0], [one.mattes for one in outputs if one.masks is not None]
    mattes = None if None in known or known[0] is None else known[0].path("mattes.zip")
    return person_frames(
        frames,
        placement,
        masks.path("masks.npz"),
        smoothing=settings.smoothing,
        refine=settings.refine,
        by_plate=any(one.scene is not None for one in outputs if one.masks is not None),
        mattes=mattes,
    )


def _ticked(frames: Frames, tick: Tick) -> Frames:
    for count, frame in enumerate(frames, start=1):
        yield frame
        del frame  # it must not be kept while the next one is decoded
        tick(count)
