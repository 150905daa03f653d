"""Stage: the videos. Each picture is moved once, in its own pixel format, and encoded with the source's times."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from conf.enums import BackgroundMode, ComparisonLayout, NobodyFrame
from tasks.errors import OutputError
from tasks.media.files.background_image import background_image_planes, read_background_image
from tasks.media.files.masks_file import MaskState, read_masks
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.matting.cutout import (
    Cutout,
    CutoutSettings,
    blurred_background,
    cut_out_person,
    draw_cutout,
    smooth_masks_in_time,
    transparent_planes,
    whole_picture_cutout,
)
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.output_file import check_written_video
from tasks.media.output.png_zip import PngZipWriter, check_written_zip
from tasks.media.output.render_frame import Edge, Pair, Plan, Scene, read_plan, scenes, write_video
from tasks.media.planes.compose import Panes, join_panes, panes_side_by_side, panes_stacked, solid_planes
from tasks.media.planes.drawing import draw_label, make_label
from tasks.media.planes.layout import Alpha, Planes
from tasks.media.planes.plane_color import tags_for_height
from tasks.media.report.render_samples import RenderSamples
from tasks.records import Tick
from tasks.render_requests import ComparisonRequest, PersonRequest, RenderRequest, StabilizedRequest

LABEL_HEIGHT: Final = 0.022  # of a capital, as a share of the picture's height
LEAST_LABEL_PX: Final = 8.0
Backdrop = Callable[[Scene, Cutout | None], Planes]


def render_stabilized(request: StabilizedRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``stabilized.mp4`` and what a ``RenderSamples`` keeps of it; facts: frames, size and notes."""
    plan = read_plan(request.clip, request.trajectory)
    samples = RenderSamples(plan)
    facts = finish(request, plan, plan.size_px, samples.sampled(output_pairs(request, plan)), folder, tick)
    samples.write(folder)
    return facts


def render_comparison(request: ComparisonRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``comparison.mp4``, the original first, and what a ``RenderSamples`` keeps of it.

    Facts: frames, size, ``panes`` (x, y, width, height of the two pictures) and notes.
    """
    plan = read_plan(request.clip, request.trajectory)
    vertical = request.comparison.layout is ComparisonLayout.vertical
    arrange = panes_stacked if vertical else panes_side_by_side
    pairing = arrange(plan.clip.size_px, plan.size_px, request.comparison.max_width)
    write = labels(plan, pairing) if request.comparison.labels else None
    samples = RenderSamples(plan)
    joined = joined_pairs(request, plan, pairing, write, samples)
    facts = finish(request, plan, pairing.size_px, joined, folder, tick)
    samples.write(folder)
    panes = [(0, 0, *pairing.first_px), (*pairing.second_corner_px, *pairing.second_px)]
    return facts | {"panes": [list(pane) for pane in panes]}


def render_person(request: PersonRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``person.mp4``; facts: frames, size and notes."""
    plan = read_plan(request.clip, request.trajectory)
    return finish(request, plan, plan.size_px, output_pairs(request, plan), folder, tick)


def render_alpha(request: RenderRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``person.webm``, ``person.mov`` or ``person_png.zip``; facts: frames, size and notes."""
    plan = read_plan(request.clip, request.trajectory)
    path = folder / request.output
    sink = open_sink(request, plan, path)
    with sink, prefetched(clear_pictures(request, plan)) as ready:
        for done, (picture, planes, alpha) in enumerate(ready, start=1):
            sink.write(planes, alpha, picture.pts, picture.duration)
            tick(done)
    if path.suffix == ".zip":
        check_written_zip(path, plan.clip.frames)
    else:
        check_written_video(path, plan.clip.frames)
    return {"frames": plan.clip.frames, "size_px": list(plan.size_px), "notes": sink.notes}


def finish(
    request: RenderRequest, plan: Plan, size_px: tuple[int, int], pairs: Iterator[Pair], folder: Path, tick: Tick
) -> dict[str, Any]:
    """Write the request's video; facts: frames, size and notes."""
    path = folder / request.output
    return write_video(path, plan, size_px, pairs, tick, encoding=request.encode, sound=request.source)


def output_pairs(request: RenderRequest, plan: Plan) -> Iterator[Pair]:
    """Every picture with its planes as they stand in the output, before the background that is asked for."""
    if request.background is None:
        edge = edge_of(request)
        for scene in scenes_of(request, plan):
            yield scene.picture, scene.moved(edge)
        return
    behind = backdrop(request, plan)
    for scene, cut in cut_scenes(request, plan):
        canvas = behind(scene, cut)
        if cut is not None:
            draw_cutout(cut, canvas, plan.layout)
        yield scene.picture, canvas


def scenes_of(request: RenderRequest, plan: Plan) -> Iterator[Scene]:
    """Every picture of the clip in order."""
    return scenes(request.source, plan, held_mb=request.held_mb, shared=request.shared)


def joined_pairs(
    request: ComparisonRequest,
    plan: Plan,
    pairing: Panes,
    write: Callable[[Planes], None] | None,
    samples: RenderSamples,
) -> Iterator[Pair]:
    """Every picture with the planes of the comparison, written on where that is asked for."""
    for picture, planes in samples.sampled(output_pairs(request, plan)):
        both = join_panes(picture.planes, planes, plan.layout, pairing)
        if write is not None:
            write(both)
        yield picture, both


def labels(plan: Plan, pairing: Panes) -> Callable[[Planes], None]:
    """What writes ``original`` and ``stabilized`` into the upper left of the two pictures."""
    capital_px = max(LABEL_HEIGHT * pairing.first_px[1], LEAST_LABEL_PX)
    words = [make_label(text, capital_px) for text in ("original", "stabilized")]
    white, black = plan.values([255, 255, 255]), plan.values([0, 0, 0])

    def write(planes: Planes) -> None:
        for word, corner in zip(words, ((0, 0), pairing.second_corner_px), strict=True):
            draw_label(planes, word, corner, plan.layout, white, black)

    return write


def edge_of(request: RenderRequest) -> Edge:
    """The border and the interpolation that are asked for."""
    return Edge(request.border.mode.value, tuple(request.border.color), request.render.interpolation.value)


def cut_scenes(request: RenderRequest, plan: Plan) -> Iterator[tuple[Scene, Cutout | None]]:
    """Every picture with the person cut out of it; what shows without a person, ``background.nobody`` decides."""
    if request.masks is None or request.matte is None or request.background is None:
        raise OutputError(f"{request.output}: has no masks; this is a fault of the program")
    kept = request.background.nobody is NobodyFrame.original
    sited = plan.clip.color.chroma_location
    look = CutoutSettings(plan.layout, sited, plan.size_px, request.render.interpolation.value, request.matte.refine)
    masks = read_masks(request.masks.path("masks.npz"))
    placed = smooth_masks_in_time(masks, plan.anchor_xy) if request.matte.smoothing else masks
    for scene, mask in zip(scenes_of(request, plan), placed, strict=True):
        planes, matrix = scene.picture.planes, plan.to_output[scene.picture.index]
        if mask.state != MaskState.nobody:
            yield scene, cut_out_person(planes, mask, matrix, look)
        else:
            yield scene, whole_picture_cutout(planes, matrix, look) if kept else None


def backdrop(request: RenderRequest, plan: Plan) -> Backdrop:
    """How new planes to draw a cut-out person on are made, for each picture."""
    layout, asked, black = plan.layout, request.background, plan.values([0, 0, 0])
    if asked is not None and asked.mode is BackgroundMode.blur:
        edge = edge_of(request)
        return lambda scene, cut: blurred_background(scene.moved(edge), cut, layout, asked.blur_px, black)
    if request.image is not None:
        picture = read_background_image(request.image, request.image_digest)
        clip = plan.clip
        still = background_image_planes(
            picture, layout, plan.size_px, clip.color, clip.height_px, float(Fraction(clip.pixel_aspect))
        )
        return lambda scene, cut: tuple(plane.copy() for plane in still)
    values = black if asked is None else plan.values(asked.color)
    return lambda scene, cut: solid_planes(layout, plan.size_px, values)


def clear_pictures(request: RenderRequest, plan: Plan) -> Iterator[tuple[Frame, Planes, Alpha]]:
    """Every picture with the person's own colours and opacity as they stand in the output."""
    black = plan.values([0, 0, 0])
    for scene, cut in cut_scenes(request, plan):
        yield scene.picture, *transparent_planes(cut, plan.layout, plan.size_px, black)


def open_sink(request: RenderRequest, plan: Plan, path: Path) -> AlphaWriter | PngZipWriter:
    """The writer that the file's name asks for."""
    color = tags_for_height(plan.clip.color, plan.clip.height_px, plan.size_px[1])
    if path.suffix == ".zip":
        return PngZipWriter(path, plan.layout, color)
    return AlphaWriter(
        path,
        path.suffix.removeprefix("."),
        size_px=plan.size_px,
        layout=plan.layout,
        time_base=plan.clip.time_base,
        rate=plan.clip.rate,
        color=color,
        pixel_aspect=Fraction(plan.clip.pixel_aspect),
        sound=sound_source(request.source, plan.clip),
    )
