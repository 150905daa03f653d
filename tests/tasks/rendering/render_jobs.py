"""Clips with a path, ready to be rendered; renders of them; and what was rendered, read again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from conf.enums import Interpolation, VideoCodec
from conf.input import MasksConf
from conf.render import BackgroundConf, BorderConf, EncodeConf, RenderConf
from tasks.execution.computation import Computation, here
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.tables import matrix_columns, write_json, write_table
from tasks.media.input.frames import Frame, read_frames
from tasks.media.input.probe import scan_video
from tasks.media.planes.layout import clip_layout, nearest_layout
from tasks.records import Artifact, Clip, Tick
from tasks.requests import RenderRequest
from tests.support.artifacts import artifact
from tests.tasks.media.matting.test_matte import disc

LOSSLESS = EncodeConf(codec=VideoCodec.x264, crf=0, preset="ultrafast")
FAST = EncodeConf(preset="ultrafast")


@dataclass(frozen=True)
class Job:
    """A clip and the artifacts that render takes of it."""

    source: Path
    clip: Clip
    decoded: Artifact[Any]
    trajectory: Artifact[Any]


def silent(_: int) -> None:
    """A tick that nobody looks at."""


def job(
    folder: Path,
    source: Path,
    shift_xy: NDArray[np.float64],
    size_px: tuple[int, int] | None = None,
    turn_rad: float = 0.0,
) -> Job:
    """``source`` decoded, with a trajectory that begins with ``shift_xy`` and goes on with its last row.

    Each picture is turned by ``turn_rad`` about its middle after that.
    """
    clip, table = scan_video(source, "0" * 64, silent)
    decoded, planned = folder / "decode", folder / "trajectory"
    decoded.mkdir()
    planned.mkdir()
    write_json(decoded / "clip.json", asdict(clip))
    moves = shift_xy[np.minimum(np.arange(clip.frames), len(shift_xy) - 1)].astype(float)
    middle = (np.array(clip.size_px) - 1) / 2
    columns = {"time_s": table.columns(clip)["time_s"], "shot": np.zeros(clip.frames, np.int64)}
    columns |= {"state": np.array(["measured"] * clip.frames)}
    columns |= {"dx_px": moves[:, 0], "dy_px": moves[:, 1]}
    columns |= {"anchor_x_px": middle[0] - moves[:, 0], "anchor_y_px": middle[1] - moves[:, 1]}
    matrices = affine.about_target(
        np.broadcast_to(affine.scale_and_turn(1.0, turn_rad), (clip.frames, 2, 2)), moves, middle
    )
    columns |= matrix_columns("to_output", matrices)
    write_table(planned / "trajectory.parquet", columns)
    write_json(planned / "framing.json", {"output_size_px": size_px or clip.size_px, "targets_px": [middle]})
    return Job(source, clip, artifact("decode", decoded), artifact("trajectory", planned))


def request(work: Job, output: str, **more: Any) -> RenderRequest:
    plain: dict[str, Any] = {"border": BorderConf(), "render": RenderConf(Interpolation.cubic), "encode": LOSSLESS}
    fields = plain | more
    return RenderRequest(output=output, source=work.source, clip=work.decoded, trajectory=work.trajectory, **fields)


def rendered(folder: Path, *requests: RenderRequest, tick: Tick = silent) -> list[dict[str, Any] | Exception]:
    """The outcome of each, all made in one pass into ``folder``."""
    outcomes: dict[int, dict[str, Any] | Exception] = {}
    here(Computation(requests, [folder] * len(requests)), tick, outcomes.__setitem__)
    return [outcomes[place] for place in range(len(requests))]


def render(asked: RenderRequest, folder: Path, tick: Tick = silent) -> dict[str, Any]:
    """The facts of one output; raises what it failed with."""
    (outcome,) = rendered(folder, asked, tick=tick)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def stabilized(
    work: Job, folder: Path, *, border: BorderConf | None = None, encode: EncodeConf = LOSSLESS
) -> tuple[Path, dict[str, object]]:
    asked = request(work, "stabilized.mp4", border=border or BorderConf(), encode=encode)
    return folder / "stabilized.mp4", render(asked, folder)


def pictures(path: Path) -> Iterator[Frame]:
    return read_frames(path, scan_video(path, "0" * 64, silent)[0])


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [(frame.pts or 0) * stream.time_base for frame in container.decode(stream)]


def sounds(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        return [
            ((packet.pts or 0) * stream.time_base, bytes(packet)) for packet in container.demux(stream) if packet.size
        ]


def discs(folder: Path, path_xy: NDArray[np.float64], states: list[MaskState]) -> tuple[Path, Artifact[Any]]:
    """A clip of a bright disc that goes along ``path_xy``, and its masks in boxes that go along with it."""
    folder.mkdir()
    source, layout = folder / "in.mp4", nearest_layout("yuv420p")
    with av.open(str(source), "w") as container, mask_writer(folder / "masks.npz") as writer:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for (x, y), state in zip(path_xy, states, strict=True):
            luma = 40 + disc((160, 120), (x, y), 24) // 2
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full((60, 160), 128, np.uint8)]), "yuv420p")
            container.mux(stream.encode(frame))
            edges = np.array([x - 32, y - 32, x + 32, y + 32], np.float32)
            writer.write(Mask(disc((64, 64), (31.5, 31.5), 24), edges, state))
        container.mux(stream.encode(None))
    assert clip_layout(scan_video(source, "0" * 64, silent)[0]) == layout
    held = folder / "masks"
    held.mkdir()
    (folder / "masks.npz").rename(held / "masks.npz")
    return source, artifact("masks", held)


def person(
    work: Job, masks: Artifact[Any], folder: Path, background: BackgroundConf, matte: MasksConf | None = None
) -> list[Frame]:
    image = Path(background.image) if background.image else None
    dressed = {"background": background, "image": image, "matte": matte or MasksConf(), "masks": masks}
    render(request(work, "person.mp4", **dressed), folder)
    return [
        Frame(p.index, p.pts, p.duration, tuple(plane.copy() for plane in p.planes), p.layout, p.color)
        for p in pictures(folder / "person.mp4")
    ]
