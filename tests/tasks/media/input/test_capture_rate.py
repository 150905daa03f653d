"""The capture rate of slow motion as phones write it, and files that say nothing, or nonsense."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from conf.input import DecodeConf
from tasks.decode import decode
from tasks.media.input.capture_rate import read_capture_rate
from tasks.records import Clip
from tasks.requests import DecodeRequest
from tasks.untrusted.json_file import read_object


def box(name: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + name + content


def samsung(folder: Path, mode: int, more: bytes = b"") -> Path:
    saut = box(b"saut", bytes(4) + bytes([0, mode, 1, 3]))
    content = box(b"smta", bytes(4) + saut + more)
    path = folder / "phone.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + box(b"moov", box(b"udta", content)))
    return path


def filmed(path: Path, tag: str, rate_hz: int = 30) -> Path:
    """A short file with Android's tag."""
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        if tag:
            container.metadata["com.android.capture.fps"] = tag
        stream = container.add_stream("libx264", rate=rate_hz)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 30 * shade, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def decoded(path: Path, folder: Path) -> tuple[Clip, dict[str, Any]]:
    folder.mkdir()
    facts = decode(DecodeRequest(path, "0" * 64, DecodeConf()), folder, lambda _: None)
    return Clip.from_json(read_object(folder / "clip.json")), facts


@pytest.mark.parametrize(("tag", "slowed"), [("240", 8), ("30.01", 1), ("", 1), ("2", 1 / 15)])
def test_a_file_says_how_much_slower_it_is_played(tag: str, slowed: float, tmp_path: Path) -> None:
    clip, facts = decoded(filmed(tmp_path / "phone.mp4", tag), tmp_path / "decode")
    assert clip.slowed == pytest.approx(slowed, rel=1e-4)
    told = [note for note in facts["notes"] if "than in reality" in note]
    assert len(told) == (slowed != 1)


def test_a_file_that_is_played_at_its_capture_rate_is_not_slow(tmp_path: Path) -> None:
    clip, facts = decoded(filmed(tmp_path / "phone.mp4", "240", rate_hz=240), tmp_path / "decode")
    assert clip.slowed == 1
    assert facts["notes"] == []


@pytest.mark.parametrize("tag", ["nan", "inf", "-30", "0", "1e9", "fast"])
def test_a_rate_that_no_camera_has_is_not_taken(tag: str) -> None:
    assert read_capture_rate(Path("missing.mkv"), {"com.android.capture.fps": tag}) is None


@pytest.mark.parametrize(("mode", "rate_hz"), [(12, 240), (13, 120), (1, None), (21, None)])
def test_a_mode_of_samsung_names_the_rate(mode: int, rate_hz: int | None, tmp_path: Path) -> None:
    found = read_capture_rate(samsung(tmp_path, mode), {"major_brand": "isom"})
    assert found == (None if rate_hz is None else Fraction(rate_hz))


def test_a_rate_of_its_own_follows_the_mode_of_samsung(tmp_path: Path) -> None:
    path = samsung(tmp_path, 21, box(b"srfr", (960 << 16).to_bytes(4)))
    assert read_capture_rate(path, {"major_brand": "isom"}) == 960


def test_a_box_that_is_shorter_than_its_own_head_is_not_read(tmp_path: Path) -> None:
    path, head = tmp_path / "short.mp4", (1).to_bytes(4) + b"moov" + (8).to_bytes(8)  # it says 8 bytes, and has 16
    whole = samsung(tmp_path, 12).read_bytes()
    path.write_bytes(head + whole[whole.index(b"udta") - 4 :])
    assert read_capture_rate(path, {"major_brand": "isom"}) is None


def test_damaged_boxes_say_nothing(tmp_path: Path) -> None:
    whole = samsung(tmp_path, 12).read_bytes()
    path = tmp_path / "damaged.mp4"
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        assert read_capture_rate(path, {"major_brand": "isom"}) in (None, 240)
    path.write_bytes(bytes(16) + whole)
    assert read_capture_rate(path, {"major_brand": "isom"}) is None
