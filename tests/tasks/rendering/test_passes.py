from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conf.enums import BorderMode
from conf.input import MasksConf
from conf.render import BackgroundConf, BorderConf
from tasks import render as render_stage
from tasks.errors import Interrupted, VideoError
from tasks.media.files.masks_file import MaskState
from tasks.media.input import frame_cache
from tasks.media.output import render_frame
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tests.support.artifacts import artifact
from tests.support.clips import Made, make
from tests.tasks.rendering.render_jobs import FAST, discs, job, render, rendered, request, stabilized


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", Made(tones=("aac",)))
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    results = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        stabilized(work, tmp_path / name, encode=FAST)
        results.append({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()})
    assert results[0] == results[1]
    assert len(results[0]) == 6  # the video, the contact sheet and four kymographs


def test_an_interrupt_leaves_no_video(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))

    def stop(done: int) -> None:
        if done == 5:
            raise Interrupted("stopped by the user")

    with pytest.raises(Interrupted):
        render(request(work, "stabilized.mp4"), tmp_path, stop)
    assert not (tmp_path / "stabilized.mp4").exists()


def test_a_source_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))
    make(work.source, Made(ticks=tuple(range(0, 7 * 512, 512))))
    with pytest.raises(VideoError, match="7 frames"):
        render(request(work, "stabilized.mp4"), tmp_path)
    assert not (tmp_path / "stabilized.mp4").exists()


def test_what_is_rendered_in_one_pass_has_the_bytes_that_it_has_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (12, 1)), [MaskState.measured] * 12)
    work = job(tmp_path, source, np.array([[1.3, 2.6], [4.1, -0.7]]))
    dressed = {"background": BackgroundConf(), "matte": MasksConf(), "masks": masks}
    asked = [request(work, "stabilized.mp4"), request(work, "comparison.mp4"), request(work, "person.mp4", **dressed)]
    done: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            done.append(name)
            return function(*given, **named)

        return called

    monkeypatch.setattr(render_frame, "cached_frames", counted("pass", frame_cache.cached_frames))
    monkeypatch.setattr(render_frame, "moved", counted("moved", render_frame.moved))
    (tmp_path / "together").mkdir()
    rendered(tmp_path / "together", *asked)
    assert (done.count("pass"), done.count("moved")) == (1, 12)  # two of them show one moved picture
    for one in asked:
        (tmp_path / one.output).mkdir()
        render(one, tmp_path / one.output)
        alone = (tmp_path / one.output / one.output).read_bytes()
        assert alone == (tmp_path / "together" / one.output).read_bytes()


@pytest.mark.parametrize(("asked", "beside", "large_px"), [(1, 1, 1), (2, 1, 1), (4, 2, render_frame.LARGE_PX)])
def test_the_other_videos_take_half_of_the_encoders_threads_and_large_ones_look_less_far_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int, beside: int, large_px: int
) -> None:
    took: dict[str, tuple[int, bool]] = {}

    class Noted(VideoWriter):
        def __init__(self, path: Path, pictures: PictureStream, **given: Any) -> None:
            took[path.name] = given["threads"], given["short_look_ahead"]
            super().__init__(path, pictures, **given)

    monkeypatch.setattr(render_frame, "VideoWriter", Noted)
    monkeypatch.setattr(render_frame, "LARGE_PX", large_px)
    work, encode = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2))), replace(FAST, threads=asked)
    rendered(tmp_path, *(request(work, name, encode=encode) for name in ("stabilized.mp4", "comparison.mp4")))
    assert took == {"stabilized.mp4": (asked, False), "comparison.mp4": (beside, large_px == 1)}


def test_of_several_outputs_one_fails_alone(tmp_path: Path) -> None:
    work = job(tmp_path, make(tmp_path / "in.mp4", Made()), np.zeros((1, 2)))
    asked = [request(work, "person.mp4", background=BackgroundConf()), request(work, "stabilized.mp4")]
    no_masks, facts = rendered(tmp_path, *asked)
    assert str(no_masks) == "person.mp4: has no masks; this is a fault of the program"
    assert isinstance(facts, dict) and facts["frames"] == 12 and facts["notes"] == []
    assert not (tmp_path / "person.mp4").exists()


def test_no_matte_is_computed_where_only_another_output_has_plates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Scene:
        """That of a clip of three frames; whoever asks it for the background fails."""

        def hidden_people(self) -> list[None]:
            return [None] * 3

    monkeypatch.setattr(render_stage, "read_scene", lambda plates, placement: Scene())
    source, masks = discs(tmp_path / "made", np.tile([80.0, 60.0], (3, 1)), [MaskState.measured] * 3)
    work, border = job(tmp_path, source, np.zeros((1, 2))), BorderConf(mode=BorderMode.mirror)
    dressed = {"background": BackgroundConf(), "matte": MasksConf(), "masks": masks}
    asked = [
        request(work, "person.mp4", border=border, **dressed),
        request(work, "stabilized.mp4", border=border, scene=artifact("scene", tmp_path)),
    ]
    assert [isinstance(outcome, dict) for outcome in rendered(tmp_path, *asked)] == [True, True]
