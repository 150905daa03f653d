"""Export ``fcpxml``: a project of Final Cut Pro with the source on a timeline, moved by keyframes."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np

from tasks.exports.editors.keyframes import Keyframes, joined, read_keyframes
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.records import Tick

SOURCE: Final = "file:///SOURCE.mp4"  # to be changed: an export does not know where the video lies
VERSION: Final = "1.10"  # of the format; Final Cut Pro 10.6 and later read it
HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'


def write_fcpxml(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``stillwalk.fcpxml``: a project of the output's size, and in it the source with one key for each frame.

    Positions are in per cent of the project's height from its middle, y up; angles count counter-clockwise.
    """
    keys = read_keyframes(request)
    document = ElementTree.Element("fcpxml", version=VERSION)
    frame_s, count = 1 / keys.rate_hz, len(keys.scale)
    resources = ElementTree.SubElement(document, "resources")
    for name, size_px in (("source", keys.source_px), ("output", keys.output_px)):
        resources.append(_format(name, size_px, frame_s, keys.pixel_aspect))
    whole_s, clip_s = keys.file_frames * frame_s, count * frame_s
    asset = ElementTree.SubElement(
        resources, "asset", id="video", name="source", start="0s", duration=seconds(whole_s), hasVideo="1"
    )
    asset.set("format", "source")
    ElementTree.SubElement(asset, "media-rep", kind="original-media", src=SOURCE)
    event = ElementTree.SubElement(ElementTree.SubElement(document, "library"), "event", name="Stillwalk")
    project = ElementTree.SubElement(event, "project", name="Stillwalk")
    sequence = ElementTree.SubElement(project, "sequence", format="output", duration=seconds(clip_s), tcStart="0s")
    start_s = keys.first * frame_s
    clip = ElementTree.SubElement(
        ElementTree.SubElement(sequence, "spine"),
        "asset-clip",
        {"ref": "video", "offset": "0s", "name": "source", "start": seconds(start_s), "duration": seconds(clip_s)},
    )
    ElementTree.SubElement(clip, "adjust-conform", type="none")  # one pixel of the source is one of the project
    clip.append(_transform(keys, [seconds((keys.first + frame) * frame_s) for frame in range(count)]))
    ElementTree.indent(document)
    write_text(folder / "stillwalk.fcpxml", HEAD + ElementTree.tostring(document, encoding="unicode") + "\n")
    tick(count)
    return {"frames": count, "notes": keys.notes}


def seconds(time_s: Fraction | int) -> str:
    """A time as the format has it: a fraction of whole numbers, such as 1001/30000s."""
    exact = Fraction(time_s)
    return f"{exact.numerator}s" if exact.denominator == 1 else f"{exact.numerator}/{exact.denominator}s"


def _format(name: str, size_px: tuple[int, int], frame_s: Fraction, pixel_aspect: float) -> ElementTree.Element:
    width, height = size_px
    shape = {"id": name, "frameDuration": seconds(frame_s), "width": str(width), "height": str(height)}
    if pixel_aspect != 1:
        aspect = Fraction(pixel_aspect).limit_denominator(1000)
        shape |= {"paspH": str(aspect.numerator), "paspV": str(aspect.denominator)}
    return ElementTree.Element("format", shape)


def _transform(keys: Keyframes, times: Sequence[str]) -> ElementTree.Element:
    """What holds in all frames is an attribute; what changes has keys."""
    width, height = keys.output_px
    from_middle = keys.raised_px() - np.array([width, height]) / 2
    percent = 100 * from_middle * np.array([keys.pixel_aspect, 1.0]) / height
    courses = {
        "position": [joined(place) for place in percent],
        "scale": [joined((scale, scale)) for scale in keys.scale],
        "rotation": [joined([0.0 - turn]) for turn in keys.turn_deg],  # 0.0 - 0.0 is not -0.0
    }
    transform = ElementTree.Element("adjust-transform", {name: course[0] for name, course in courses.items()})
    transform.extend(_animated(courses, times))
    return transform


def _animated(courses: dict[str, list[str]], times: Sequence[str]) -> Iterator[ElementTree.Element]:
    for name, course in courses.items():
        if len(set(course)) == 1:
            continue
        param = ElementTree.Element("param", name=name)
        animation = ElementTree.SubElement(param, "keyframeAnimation")
        curve = {} if name == "position" else {"curve": "linear"}  # Final Cut refuses a curve of positions
        for time, value in zip(times, course, strict=True):
            ElementTree.SubElement(animation, "keyframe", {"time": time, "value": value, **curve})
        yield param
