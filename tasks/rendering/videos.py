"""Render the stabilized video, the comparison and the person, in the source's pixel format, times and sound."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from conf.enums import BackgroundMode, ComparisonLayout, Despill, NobodyFrame, WrittenCheck
from conf.render import ComparisonConf
from tasks.errors import OutputError
from tasks.media.files.background_image import background_image_planes, read_background_image
from tasks.media.files.masks_file import MaskState, read_mask_states
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.matting.cutout import (
    Cutout,
    CutoutSettings,
    blurred_background,
    cut_by_mask,
    cut_by_matte,
    draw_cutout,
    mix_whole,
    mix_whole_straight,
    transparent_planes,
    whole_shares,
)
from tasks.media.matting.despill import despilled
from tasks.media.output.alpha_writer import AlphaWriter
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.person_frames import PersonFrame
from tasks.media.output.png_zip import PngZipWriter, check_written_zip
from tasks.media.output.render_frame import (
    Edge,
    FrameOutput,
    Frames,
    Pair,
    Placement,
    RenderFrame,
    edge_of,
)
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.compose import solid_planes
from tasks.media.planes.drawing import LEAST_LABEL_PX, draw_label, make_label
from tasks.media.planes.layout import Alpha, Planes
from tasks.media.planes.panes import Panes, join_panes, panes_side_by_side, panes_stacked
from tasks.media.report.render_samples import RenderSamples
from tasks.media.scene.border import Origin
from tasks.rendering.requested_video import write_requested
from tasks.requests import RenderRequest

LABEL_HEIGHT: Final = 0.022  # of a capital, as a share of the picture's height
WHOLE_FADES_S: Final = 0.2  # over which a picture without a person turns into the cut-out person, and back
Backdrop = Callable[[RenderFrame, Cutout | None], Planes]


class CutFrame(NamedTuple):
    """A frame with the person cut out of it."""

    frame: RenderFrame
    cut: Cutout | None
    whole: float  # how far, 0..1, the whole picture shows instead
    edge: Edge  # of the whole picture


def render_stabilized(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write ``stabilized.mp4`` and its samples for the report; facts: frames, size, notes and the origin of pixels."""
    samples, origins = samples_of(request, placement), OriginShares()
    pairs = samples.sampled(frame_outputs(request, placement, frames, origins))
    facts = write_requested(request, placement, placement.size_px, pairs, folder)
    samples.write(folder)
    return facts | origins.facts()


def render_comparison(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write ``comparison.mp4``, the original first, and its samples for the report.

    Facts: frames, size, ``panes`` (x, y, width, height of the two pictures), notes and the origin of pixels.
    """
    settings = request.comparison or ComparisonConf()
    arrange = panes_stacked if settings.layout is ComparisonLayout.vertical else panes_side_by_side
    pairing = arrange(placement.clip.size_px, placement.size_px, settings.max_width)
    write = labels(placement, pairing) if settings.labels else None
    samples, origins = samples_of(request, placement), OriginShares()
    pairs = samples.sampled(frame_outputs(request, placement, frames, origins))
    facts = write_requested(request, placement, pairing.size_px, joined_pairs(pairs, placement, pairing, write), folder)
    samples.write(folder)
    panes = [(0, 0, *pairing.first_px), (*pairing.second_corner_px, *pairing.second_px)]
    return facts | {"panes": [list(pane) for pane in panes]} | origins.facts()


def render_person(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write the person before a background (``person.mp4``) or before nothing; facts: frames, size and notes."""
    if request.background is not None and request.background.mode is BackgroundMode.transparent:
        return write_transparent(request, placement, frames, folder)
    pairs = ((frame.picture, planes) for frame, planes in frame_outputs(request, placement, frames))
    return write_requested(request, placement, placement.size_px, pairs, folder)


def write_transparent(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write ``person.webm``, ``person.mov`` or ``person_png.zip``; facts: frames, size and notes."""
    path = folder / request.output
    sink = open_sink(request, placement, path)
    with sink, prefetched(clear_pictures(request, placement, frames)) as ready:
        for picture, planes, alpha in ready:
            sink.write(planes, alpha, picture.pts, picture.duration)
    if isinstance(sink, PngZipWriter):
        check_written_zip(path, placement.clip.frames)
    else:
        every_frame = request.render.check is WrittenCheck.full
        check_written_video(path, placement.clip.frames, sink.written, every_frame=every_frame)
    return {"frames": placement.clip.frames, "size_px": list(placement.size_px), "notes": sink.notes}


class OriginShares:
    """Adds up which shares of the output's pixels come from the frame itself, from other frames, and from a mirror."""

    def __init__(self) -> None:
        self._total, self._frames = np.zeros(3), 0

    def add(self, origin: Origin) -> None:
        """Count a frame."""
        self._total += origin
        self._frames += 1

    def facts(self) -> dict[str, Any]:
        """``origin``: the shares ``own``, ``seen`` and ``mirrored``, means over the frames; empty without frames."""
        if not self._frames:
            return {}
        means = (self._total / self._frames).tolist()
        return {"origin": {name: round(share, 6) for name, share in zip(Origin._fields, means, strict=True)}}


def samples_of(request: RenderRequest, placement: Placement) -> RenderSamples:
    """The recorder of samples for the report, from the request's output."""
    return RenderSamples(placement, edge_of(request) if request.background is None else None)


def frame_outputs(
    request: RenderRequest, placement: Placement, frames: Frames, origins: OriginShares | None = None
) -> Iterator[FrameOutput]:
    """Every frame with its planes of the output: the moved picture, or the person before the requested background.

    If the background is the picture's own, ``origins`` counts where the pixels come from.
    """
    if request.background is None:
        edge = edge_of(request)
        for frame in frames:
            yield frame, frame.moved(edge)
            if origins is not None:
                origins.add(frame.origin(edge))
        return
    behind = backdrop(request, placement)
    for frame, cut, whole, edge in cut_frames(request, placement, frames):
        if whole == 1:
            yield frame, frame.moved(edge)
            continue
        canvas = behind(frame, cut)
        if cut is not None:
            draw_cutout(cut, canvas, placement.layout)
        if whole > 0:
            canvas = mix_whole(canvas, frame.moved(edge), whole)
        yield frame, canvas


def joined_pairs(
    pairs: Iterator[Pair], placement: Placement, pairing: Panes, write: Callable[[Planes], None] | None
) -> Iterator[Pair]:
    """Every picture with the planes of the comparison; ``write`` draws the labels, if there are any."""
    for picture, planes in pairs:
        both = join_panes(picture.planes, planes, placement.layout, pairing)
        if write is not None:
            write(both)
        yield picture, both


def labels(placement: Placement, pairing: Panes) -> Callable[[Planes], None]:
    """A function that writes ``original`` and ``stabilized`` into the upper left corners of the two pictures."""
    capital_px = max(LABEL_HEIGHT * pairing.first_px[1], LEAST_LABEL_PX)
    words = [make_label(text, capital_px, placement.clip.pixel_aspect_value) for text in ("original", "stabilized")]
    white, black = placement.values([255, 255, 255]), placement.values([0, 0, 0])

    def write(planes: Planes) -> None:
        for word, corner in zip(words, ((0, 0), pairing.second_corner_px), strict=True):
            draw_label(planes, word, corner, placement.layout, white, black)

    return write


def cut_frames(request: RenderRequest, placement: Placement, frames: Frames) -> Iterator[CutFrame]:
    """Every frame with its cut-out person. ``background.nobody`` decides what a frame without a person shows."""
    if request.masks is None or request.matte is None or request.background is None:
        raise OutputError(f"{request.output}: has no masks; this is a fault of the program")
    shows_original, edge = request.background.nobody is NobodyFrame.original, edge_of(request)
    if request.scene is None:
        edge = replace(edge, mode="mirror")  # other outputs may share the frames and have a scene
    layout, clip, kernel = placement.layout, placement.clip, request.render.interpolation.value
    settings = CutoutSettings(layout, clip.color.chroma_location, placement.size_px, kernel, request.matte.refine)
    somebody = read_mask_states(request.masks.path("masks.npz")) != MaskState.nobody
    fade_frames = round(WHOLE_FADES_S * float(clip.rate))
    shares = whole_shares(somebody, fade_frames) if shows_original else np.zeros(len(somebody))
    for frame in frames:
        if not isinstance(frame, PersonFrame):
            raise OutputError(f"{request.output}: nobody was looked for; this is a fault of the program")
        cut = _cut(frame, settings, by_plate=request.scene is not None)
        if cut is not None and request.background.despill is not Despill.none:
            cut = despilled(cut, request.background.despill.value, layout, clip.color, clip.height_px)
        yield CutFrame(frame, cut, float(shares[frame.picture.index]), edge)


def _cut(frame: PersonFrame, settings: CutoutSettings, *, by_plate: bool) -> Cutout | None:
    """The person, moved to the output; None if there is nobody, or if no part of the person lies in the output."""
    planes, to_output = frame.picture.planes, frame.placement.to_output[frame.picture.index]
    matte = frame.matte_to_move() if by_plate else None
    if matte is not None:
        return cut_by_matte(planes, matte, to_output, settings, frame.moved_for_others(settings.interpolation))
    return None if frame.mask is None else cut_by_mask(planes, frame.mask, to_output, settings)


def backdrop(request: RenderRequest, placement: Placement) -> Backdrop:
    """A function that makes the new background of a frame: planes on which the cut-out person is drawn."""
    layout, asked, black = placement.layout, request.background, placement.values([0, 0, 0])
    if asked is not None and asked.mode is BackgroundMode.blur:
        edge = edge_of(request)
        return lambda frame, cut: blurred_background(frame.moved(edge), cut, layout, asked.blur_px, black)
    if request.image is not None:
        picture = read_background_image(request.image, request.image_digest)
        clip = placement.clip
        still = background_image_planes(
            picture, layout, placement.size_px, clip.color, clip.height_px, clip.pixel_aspect_value
        )
        return lambda frame, cut: tuple(plane.copy() for plane in still)
    values = black if asked is None else placement.values(asked.color)
    return lambda frame, cut: solid_planes(layout, placement.size_px, values)


def clear_pictures(
    request: RenderRequest, placement: Placement, frames: Frames
) -> Iterator[tuple[Frame, Planes, Alpha]]:
    """Every picture with the person's own colours and opacity, moved to the output."""
    black, layout = placement.values([0, 0, 0]), placement.layout
    for frame, cut, whole, edge in cut_frames(request, placement, frames):
        planes, alpha = transparent_planes(cut, layout, placement.size_px, black)
        if whole > 0:
            sited = placement.clip.color.chroma_location
            planes, alpha = mix_whole_straight(planes, alpha, frame.moved(edge), whole, layout, sited)
        yield frame.picture, planes, alpha


def open_sink(request: RenderRequest, placement: Placement, path: Path) -> AlphaWriter | PngZipWriter:
    """The writer that the file's name asks for."""
    pictures = placement.stream(placement.size_px)
    if path.suffix == ".zip":
        return PngZipWriter(path, pictures.layout, pictures.color)
    sound = sound_source(request.source, placement.clip)
    return AlphaWriter(path, path.suffix.removeprefix("."), pictures, sound=sound)
