"""A video that is exchanged while it is worked on is noticed: its bytes must not bear another's key."""

import os
from pathlib import Path

import pytest

from conf.input import DecodeConf
from tasks.cache.integrity import file_fingerprint, require_unchanged
from tasks.errors import NobodyFound, VideoError
from tasks.execution.computation import Computation
from tasks.execution.task import Call, Slots, outcomes
from tasks.records import Tell
from tasks.requests import DecodeRequest


def test_the_same_file_has_the_same_stamp(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    require_unchanged(video, file_fingerprint(video))


@pytest.mark.parametrize("how", ["rewritten", "replaced", "longer"])
def test_a_video_that_is_replaced_or_rewritten_during_the_run_is_refused(tmp_path: Path, how: str) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    stamp = file_fingerprint(video)
    if how == "replaced":
        (tmp_path / "b.mp4").write_bytes(b"jump")
        os.utime(tmp_path / "b.mp4", ns=(stamp.mtime_ns, stamp.mtime_ns))
        (tmp_path / "b.mp4").replace(video)
    else:
        video.write_bytes(b"jump" if how == "rewritten" else b"walking")
        os.utime(video, ns=(stamp.mtime_ns + 1, stamp.mtime_ns + 1))
    with pytest.raises(VideoError, match=r"a\.mp4: it was changed during the run; run the same command again"):
        require_unchanged(video, stamp)


def test_a_file_that_has_gone_is_told(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    stamp = file_fingerprint(video)
    video.unlink()
    with pytest.raises(VideoError, match=r"it was removed during the run"):
        require_unchanged(video, stamp)


def test_what_another_file_does_not_show_is_not_kept_under_this_ones_key(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_bytes(b"walk")
    request = DecodeRequest(video, "d" * 64, DecodeConf())
    stamp = file_fingerprint(video)

    def exchanged(work: Computation, tick: object, tell: Tell) -> None:
        video.write_bytes(b"nobody")
        tell(0, NobodyFound("no person found in 9 frames; check that it shows a person"))

    call = Call(
        "decode",
        "a window=9",
        "a",
        lambda _: [request],
        tmp_path / "cache",
        "run",
        Slots(1),
        exchanged,
        source=video,
        stamp=stamp,
    )
    (outcome,) = outcomes(call, [])
    assert isinstance(outcome, VideoError)
    assert str(outcome).endswith("it was changed during the run; run the same command again")
    assert list((tmp_path / "cache" / "decode").iterdir()) == []
