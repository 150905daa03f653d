"""Two stages that share one decoding: each goes its own way, and neither waits for the other for ever."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from conf.enums import Device, MaskSource
from conf.input import DecodeConf, MasksConf, ModelsConf
from tasks.decode import decode
from tasks.errors import Interrupted
from tasks.media.input.frames import Frame, read_frames
from tasks.passes import decode_once as one_pass
from tasks.passes.decode_once import decode_once
from tasks.records import Clip, Tick
from tasks.requests import DecodeRequest, MasksRequest, SceneRequest
from tests.support.artifacts import artifact
from tests.support.clips import Made, make

FRAMES = 12
Stage = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> SceneRequest:
    """A request for a drawn clip of a few frames."""
    home = tmp_path_factory.mktemp("clip")
    source = make(home / "in.mp4", Made(ticks=tuple(range(0, FRAMES * 512, 512))))
    for name in ("decode", "pose"):
        (home / name).mkdir()
    decode(DecodeRequest(source, "digest", DecodeConf()), home / "decode", lambda _: None)
    return SceneRequest(source, clip=artifact("decode", home / "decode"), found=artifact("pose", home / "pose"))


def told(asked: SceneRequest, *stages: Stage, tick: Tick = lambda _: None) -> list[dict[str, Any] | Exception]:
    """What the pass tells of each stage."""
    outcomes: dict[int, dict[str, Any] | Exception] = {}
    decode_once([asked] * len(stages), stages, [Path()] * len(stages), tick, outcomes.__setitem__)
    return [outcomes[place] for place in range(len(stages))]


def read_all(_: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame]) -> dict[str, Any]:
    read = []
    for frame in frames:
        read.append(frame.index)
        tick(len(read))
    return {"read": read}


def leave_early(_: SceneRequest, folder: Path, tick: Tick, *, frames: Generator[Frame, None, None]) -> dict[str, Any]:
    first = next(frames).index
    frames.close()
    for count in range(1, FRAMES + 1):
        tick(count)
    return {"read": [first]}


def fail(_: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame]) -> dict[str, Any]:
    next(frames)
    raise ValueError("no room")


def test_the_clip_is_decoded_once_for_both_and_by_the_stage_itself_where_it_is_alone(
    asked: SceneRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[Path] = []

    def counted(source: Path, clip: Clip, *, cache_mb: int | None) -> Iterator[Frame]:
        passes.append(source)
        return read_frames(source, clip)

    monkeypatch.setattr(one_pass, "cached_frames", counted)
    assert told(asked, read_all, read_all) == [{"read": [*range(FRAMES)]}] * 2
    assert passes == [asked.source]
    given: list[object] = []

    def note(_: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame] | None) -> dict[str, Any]:
        given.append(frames)
        return {}

    assert told(asked, note) == [{}] and given == [None] and len(passes) == 1


@pytest.mark.parametrize("source", MaskSource)
def test_masks_that_need_no_frames_share_no_decoding(source: MaskSource, asked: SceneRequest) -> None:
    masks = MasksRequest(
        asked.source,
        clip=asked.clip,
        found=asked.found,
        subject=artifact("subject", Path(asked.found.folder)),
        settings=MasksConf(source=source),
        models=ModelsConf(),
        model_digests={},
        device=Device.cpu,
    )
    given: list[bool] = []

    def note(_: Any, folder: Path, tick: Tick, *, frames: Iterator[Frame] | None) -> dict[str, Any]:
        given.append(frames is not None)
        return {}

    outcomes: dict[int, dict[str, Any] | Exception] = {}
    stages: list[Stage] = [note, note]
    decode_once([masks, asked], stages, [Path()] * 2, lambda _: None, outcomes.__setitem__)
    assert outcomes == {0: {}, 1: {}}
    assert given == [source is not MaskSource.landmarker] * 2


@pytest.mark.parametrize("other", [leave_early, fail])
def test_one_that_fails_or_needs_no_more_holds_nobody_up(asked: SceneRequest, other: Stage) -> None:
    ticks: list[int] = []
    outcomes = told(asked, other, read_all, tick=ticks.append)
    assert outcomes[1] == {"read": [*range(FRAMES)]}
    assert isinstance(outcomes[0], ValueError) if other is fail else outcomes[0] == {"read": [0]}
    assert ticks[-1] == FRAMES and ticks == sorted(ticks)  # the count goes on with the one that is left


def test_one_that_needs_no_more_frames_and_goes_on_holds_nobody_up(asked: SceneRequest) -> None:
    all_read = Event()

    def leave(request: SceneRequest, folder: Path, tick: Tick, *, frames: Generator[Frame, None, None]) -> Any:
        next(frames)
        frames.close()
        return {"waited": all_read.wait(timeout=20)}

    def read(request: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame]) -> Any:
        facts = read_all(request, folder, tick, frames=frames)
        all_read.set()
        return facts

    assert told(asked, leave, read) == [{"waited": True}, {"read": [*range(FRAMES)]}]


def test_progress_is_that_of_the_slower_one(asked: SceneRequest) -> None:
    done, seen = [0, 0], list[tuple[int, int]]()

    def reader(place: int) -> Stage:
        def read(_: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame]) -> dict[str, Any]:
            for _frame in frames:
                done[place] += 1
                tick(done[place])
            return {}

        return read

    told(asked, reader(0), reader(1), tick=lambda count: seen.append((count, min(done))))
    assert seen[-1] == (FRAMES, FRAMES) and all(count <= slower for count, slower in seen)


def test_the_wish_to_stop_ends_both(asked: SceneRequest) -> None:
    def stop(count: int) -> None:
        if count >= 3:
            raise Interrupted("stopped by the user")

    outcomes = told(asked, read_all, read_all, tick=stop)
    assert all(isinstance(outcome, Interrupted) for outcome in outcomes)


def test_what_ends_the_only_stage_is_told(asked: SceneRequest) -> None:
    def full(_: SceneRequest, folder: Path, tick: Tick, *, frames: Iterator[Frame] | None) -> dict[str, Any]:
        raise ValueError("no room")

    (outcome,) = told(asked, full)
    assert isinstance(outcome, ValueError)
