"""Stage: render all outputs of a video that are missing, from one pass over its frames.

Each output is a function in ``tasks.rendering`` with a thread of its own. They share the decoded frames, and the moved
picture where they show the same border.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

from tasks.media.input.broadcast import Reader, broadcast
from tasks.media.output.render_frame import Frames, Placement, RenderFrame, read_placement, read_scene, render_frames
from tasks.records import Tick
from tasks.requests import RenderRequest

Facts = dict[str, Any]
Renderer: TypeAlias = Callable[[RenderRequest, Placement, Frames, Path], Facts]
Tell: TypeAlias = Callable[[int, Facts | Exception], None]


def render_outputs(
    requests: Sequence[RenderRequest],
    renderers: Sequence[Renderer],
    folders: Sequence[Path],
    tick: Tick,
    tell: Tell,
) -> None:
    """Render each request into its folder with its own renderer; all of them are of one clip and one path.

    ``tell`` is called once for each, in any order and from any thread, with its place and its facts or the error that
    ended it. One that fails does not stop the others. ``tick`` counts decoded frames.
    """
    first = requests[0]
    placement = read_placement(first.clip, first.trajectory)
    plates = next((request.scene for request in requests if request.scene is not None), None)
    scene = None if plates is None else read_scene(plates, placement)
    frames = _ticked(render_frames(first.source, placement, cache_mb=first.cache_mb, scene=scene), tick)

    def render(place: int, reader: Reader[RenderFrame]) -> None:
        outcome: Facts | Exception
        try:
            outcome = renderers[place](requests[place], placement, reader, folders[place])
        except Exception as error:  # noqa: BLE001 - it is told, and the others go on
            outcome = error
        finally:
            reader.close()
        tell(place, outcome)

    with broadcast(frames, len(requests)) as readers, ThreadPoolExecutor(len(requests), "render") as threads:
        for done in [threads.submit(render, place, reader) for place, reader in enumerate(readers)]:
            done.result()


def _ticked(frames: Frames, tick: Tick) -> Frames:
    for count, frame in enumerate(frames, start=1):
        yield frame
        del frame  # it must not be kept while the next one is decoded
        tick(count)
