"""Stage: the videos. Each picture is moved once, in its own pixel format, and encoded with the source's times."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conf.schema import BorderMode, Nobody
from tasks.media.compose import join, plain, side_by_side
from tasks.media.contact import Rgb, sheet_frames, thumbnail, write_contact
from tasks.media.cutout import Look, cut_out, steadied
from tasks.media.frames import Picture, frames
from tasks.media.layout import PixelLayout, Planes, layout_of
from tasks.media.masks_file import State, read_masks
from tasks.media.plane_color import plane_values, tags_at
from tasks.media.prefetch import prefetched
from tasks.media.shift import shift_planes
from tasks.media.sink import VideoSink, verify_video
from tasks.media.tables import read_json, read_table
from tasks.records import Clip, Tick, read_clip
from tasks.requests import ComparisonRequest, PersonRequest, StabilizedRequest

AnyRequest = StabilizedRequest | ComparisonRequest | PersonRequest
Pair = tuple[Picture, Planes]


@dataclass(frozen=True)
class Plan:
    """What every output needs to know: the clip, its layout, and how each of its frames moves."""

    clip: Clip
    layout: PixelLayout
    size_px: tuple[int, int]  # of the output
    shift_xy: NDArray[np.float64]  # (frames, 2), source to output
    anchor_xy: NDArray[np.float64]  # (frames, 2), in the source


def render_stabilized(request: StabilizedRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``stabilized.mp4``, the background kept, and ``contact.jpg``; facts: frames, size and notes."""
    plan = read_plan(request)
    wanted, columns = sheet_frames(plan.clip.frames), list[tuple[Rgb, Rgb]]()

    def watched(pairs: Iterator[Pair]) -> Iterator[Pair]:
        for picture, moved in pairs:
            if picture.index in wanted:
                output = replace(
                    picture, planes=moved, color=tags_at(picture.color, plan.clip.height_px, plan.size_px[1])
                )
                columns.append((thumbnail(picture.rgb()), thumbnail(output.rgb())))
            yield picture, moved

    facts = write_video(request, plan, plan.size_px, watched(moved_pairs(request, plan)), folder, tick)
    write_contact(folder / "contact.jpg", columns)
    return facts


def render_comparison(request: ComparisonRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``comparison.mp4``, the original on the left of the stabilized; facts: frames, size and notes."""
    plan = read_plan(request)
    sizes = side_by_side(plan.clip.size_px, plan.size_px, request.comparison.max_width)
    pairs = (
        (picture, join(picture.planes, moved, plan.layout, sizes)) for picture, moved in moved_pairs(request, plan)
    )
    return write_video(request, plan, sizes.size_px, pairs, folder, tick)


def render_person(request: PersonRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``person.mp4``, the person before a plain colour; facts: frames, size and notes.

    What a frame without a person shows, ``background.nobody`` decides.
    """
    plan = read_plan(request)
    return write_video(request, plan, plan.size_px, person_pairs(request, plan), folder, tick)


def read_plan(request: AnyRequest) -> Plan:
    """What the decode and trajectory stages have found out."""
    clip = read_clip(request.clip)
    path = read_table(request.trajectory.path("trajectory.parquet"))
    width, height = read_json(request.trajectory.path("framing.json"))["output_size_px"]
    shift_xy = np.stack([path["dx_px"], path["dy_px"]], axis=1)
    anchor_xy = np.stack([path["anchor_x_px"], path["anchor_y_px"]], axis=1)
    return Plan(clip, layout_of(clip), (width, height), shift_xy, anchor_xy)


def moved_pairs(request: StabilizedRequest | ComparisonRequest, plan: Plan) -> Iterator[Pair]:
    """Every picture with its planes as they stand in the output."""
    clip, border = plan.clip, request.border
    constant = border.mode is BorderMode.constant
    fill = plane_values(border.color, plan.layout, clip.color, clip.height_px) if constant else None
    interpolation = request.render.interpolation.value
    for picture in frames(request.source, clip):
        x, y = plan.shift_xy[picture.index]
        yield (
            picture,
            shift_planes(picture.planes, plan.layout, (x, y), plan.size_px, interpolation=interpolation, fill=fill),
        )


def person_pairs(request: PersonRequest, plan: Plan) -> Iterator[Pair]:
    """Every picture with the planes of its person before the background."""
    clip, layout = plan.clip, plan.layout
    values = plane_values(request.background.color, layout, clip.color, clip.height_px)
    interpolation = request.render.interpolation.value
    look = Look(layout, clip.color.chroma_location, plan.size_px, values, interpolation, request.matte.refine)
    whole = request.background.nobody is Nobody.original
    masks = read_masks(request.masks.path("masks.npz"))
    placed = steadied(masks, plan.anchor_xy) if request.matte.smoothing else masks
    for picture, mask in zip(frames(request.source, clip), placed, strict=True):
        x, y = plan.shift_xy[picture.index]
        if mask.state != State.nobody:
            planes = cut_out(picture.planes, mask, (x, y), look)
        elif whole:
            planes = shift_planes(
                picture.planes, layout, (x, y), plan.size_px, interpolation=interpolation, fill=values
            )
        else:
            planes = plain(layout, plan.size_px, values)
        yield picture, planes


def write_video(
    request: AnyRequest, plan: Plan, size_px: tuple[int, int], pairs: Iterator[Pair], folder: Path, tick: Tick
) -> dict[str, Any]:
    """Encode ``pairs`` with their pictures' times and the source's sound; decoding and moving run beside it."""
    path = folder / request.output
    sink = VideoSink(
        path,
        size_px=size_px,
        layout=plan.layout,
        time_base=plan.clip.time_base,
        rate=plan.clip.rate,
        color=tags_at(plan.clip.color, plan.clip.height_px, size_px[1]),
        pixel_aspect=Fraction(plan.clip.pixel_aspect),
        crf=request.encode.crf,
        preset=request.encode.preset,
        sound=request.source,
    )
    with sink, prefetched(pairs) as ready:
        for done, (picture, planes) in enumerate(ready, start=1):
            sink.write(planes, picture.pts, picture.duration)
            tick(done)
    verify_video(path, plan.clip.frames)
    return {"frames": plan.clip.frames, "size_px": list(size_px), "notes": sink.notes}
