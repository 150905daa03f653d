"""The table from packets is that of decoding, or there is none, or the first decoding pass denies it."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.errors import TableNotConfirmed, VideoError
from tasks.media.input.frame_cache import cached_frames, forget_frames
from tasks.media.input.frames import read_frames
from tasks.media.input.packet_table import clip_from_packets
from tasks.media.input.probe import FrameTable, trimmed
from tasks.media.input.rgb_frames import rgb_frames
from tasks.records import Clip
from tests.support.clips import Made, make
from tests.support.rewrite_clip import read

X264 = {"crf": "20", "preset": "veryfast", "threads": "1"}
H265 = {"preset": "ultrafast", "x265-params": "log-level=0:pools=1:frame-threads=1"}
PLAIN = Made(ticks=range(0, 30 * 512, 512), options={**X264, "bf": "3"}, tones=["aac"])
EXACT = {
    "reordered.mp4": PLAIN,
    "reordered.mkv": replace(PLAIN, options={**X264, "bf": "2", "g": "10"}),
    "turned.mov": replace(PLAIN, turn_ccw_deg=-90),
    "late.mp4": replace(PLAIN, ticks=range(30720, 30720 + 20 * 512, 512)),
    "uneven.mp4": replace(PLAIN, ticks=[0, 512, 700, 2048, 2560, 9000], last_ticks=100),
    "hidden_start.mp4": replace(PLAIN, ticks=range(-4 * 512, 8 * 512, 512), options={**X264, "g": "3", "bf": "0"}),
    "fragments.mp4": replace(PLAIN, container={"movflags": "frag_keyframe+empty_moov"}),
    "one_frame.mp4": replace(PLAIN, ticks=[0]),
    "h265.mp4": replace(PLAIN, codec="libx265", options=H265),
    "vp9.webm": replace(PLAIN, codec="libvpx-vp9", options={"cpu-used": "8"}, tones=[]),
    "av1.mp4": replace(PLAIN, codec="libsvtav1", options={"preset": "12"}),
}
NOT_TOLD = {
    "a.ts": PLAIN,
    "a.avi": replace(PLAIN, tones=[]),
    "mpeg4.mp4": replace(PLAIN, codec="mpeg4", options={}),
    "interlaced.mp4": replace(PLAIN, options={"threads": "1", "x264-params": "tff=1"}),
}


def same(told: tuple[Clip, FrameTable], scanned: tuple[Clip, FrameTable]) -> bool:
    (clip, table), (true_clip, true_table) = told, scanned
    times = np.array_equal(table.pts, true_table.pts) and np.array_equal(table.duration, true_table.duration)
    return clip == true_clip and times


def confirmed(path: Path, told: tuple[Clip, FrameTable]) -> bool:
    try:
        for _ in read_frames(path, told[0], confirm=told[1].pts):
            pass
    except TableNotConfirmed:
        return False
    return True


def with_packets(path: Path, target: Path, pts: Callable[[int, int], int | None]) -> Path:
    """The packets of a file in another one: number and time give each its time, None where it is left out."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            assert packet.pts is not None
            time = pts(number, packet.pts)
            if time is not None:
                if time != packet.pts:
                    packet.pts = packet.dts = time
                packet.stream = stream
                container.mux(packet)
    return target


@pytest.mark.parametrize("name", EXACT)
def test_packets_tell_what_decoding_tells(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, EXACT[name])
    told = clip_from_packets(path, "digest")
    assert told is not None
    assert same(told, read(path)) and confirmed(path, told)


@pytest.mark.parametrize("name", NOT_TOLD)
def test_a_file_whose_packets_do_not_tell_its_frames_is_not_taken_at_their_word(tmp_path: Path, name: str) -> None:
    assert clip_from_packets(make(tmp_path / name, NOT_TOLD[name]), "digest") is None


def test_real_clips_are_told_as_decoding_tells_them_or_denied(videos: Path) -> None:
    denied, not_told = [], []
    for path in sorted(videos.glob("*.m[opk][4v]")) + sorted(videos.glob("*.3gp")):
        if path.stem in ("treadmill_run_portrait", "lab_walk_side", "gym_jog_moving_camera"):  # long, and as plain
            continue
        told = clip_from_packets(path, "digest")
        if told is None:
            not_told.append(path.stem)
        elif confirmed(path, told):
            assert same(told, read(path))
        else:
            denied.append(path.stem)
    assert (denied, not_told) == (["corrupted_midway"], ["phone_h263_bad_metadata"])


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_truncated_file_is_not_taken_at_its_packets_word(tmp_path: Path, share: float) -> None:
    path = make(tmp_path / "a.mp4", replace(PLAIN, container={"movflags": "faststart"}))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert clip_from_packets(path, "digest") is None


def test_a_file_that_ends_within_its_last_packet_is_not_taken_at_its_packets_word(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", replace(PLAIN, tones=[], container={"movflags": "faststart"}))
    path.write_bytes(path.read_bytes()[:-2])
    assert clip_from_packets(path, "digest") is None


def test_two_packets_with_one_time_tell_no_table(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", replace(PLAIN, options={**X264, "bf": "0"}, tones=[]))
    plain = with_packets(path, tmp_path / "plain.mkv", lambda _, pts: pts)
    twice = with_packets(path, tmp_path / "twice.mkv", lambda number, pts: 133 if number == 5 else pts)
    assert clip_from_packets(plain, "digest") is not None
    assert clip_from_packets(twice, "digest") is None


def test_a_file_whose_first_packets_cannot_be_decoded_is_not_taken_at_their_word(tmp_path: Path) -> None:
    """It begins within an open group of pictures: some of its frames refer to what was cut away."""
    options = {"x264-params": "open-gop=1:keyint=20:bframes=3", "threads": "1"}
    path = make(tmp_path / "a.mkv", replace(PLAIN, ticks=range(0, 40 * 512, 512), options=options, tones=[]))
    cut = with_packets(path, tmp_path / "cut.mkv", lambda number, pts: pts if number >= 17 else None)
    assert clip_from_packets(cut, "digest") is None


def test_a_table_that_is_confirmed_is_that_of_decoding_however_a_file_is_damaged(tmp_path: Path) -> None:
    chance, outcomes = random.Random(7), set[tuple[bool, bool]]()
    for name in ("reordered.mp4", "reordered.mkv", "h265.mp4"):
        path = make(tmp_path / name, EXACT[name])
        content = path.read_bytes()
        for _ in range(25):
            spoiled = bytearray(content)
            for _ in range(chance.choice([1, 3, 10])):
                spoiled[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            path.write_bytes(spoiled)
            try:
                told, scanned = clip_from_packets(path, "digest"), read(path)
            except VideoError:
                continue
            if told is not None:
                outcomes.add((confirmed(path, told), same(told, scanned)))
    assert outcomes == {(True, True), (False, False)}


SPOILED: dict[str, Callable[[FrameTable], np.ndarray]] = {
    "has more than 29 frames": lambda table: table.pts[:-1],
    "30 of 31 frames could be decoded": lambda table: np.append(table.pts, table.pts[-1] + 512),
    "frame 4 is shown at another time": lambda table: table.pts + (np.arange(30) == 4),
}


@pytest.mark.parametrize("fact", SPOILED)
def test_a_table_of_other_frames_is_denied_with_the_fact(tmp_path: Path, fact: str) -> None:
    path = make(tmp_path / "a.mp4", PLAIN)
    clip, table = read(path)
    pts = SPOILED[fact](table)
    with pytest.raises(TableNotConfirmed, match=rf"a\.mp4: {fact}; its packets do not tell that"):
        list(rgb_frames(path, replace(clip, frames=len(pts)), confirm=pts))


def test_a_table_of_a_clip_without_interlaced_frames_is_denied_at_the_first_one(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", NOT_TOLD["interlaced.mp4"])
    clip, table = read(path)
    assert clip.interlaced == clip.frames
    assert not confirmed(path, (replace(clip, interlaced=0), table))


def test_a_table_that_ends_where_the_picture_changes_its_size_is_denied(tmp_path: Path) -> None:
    path, wider = make(tmp_path / "a.ts", PLAIN), make(tmp_path / "b.ts", replace(PLAIN, size_px=(96, 48)))
    path.write_bytes(path.read_bytes() + wider.read_bytes())
    clip, table = read(path)
    assert clip.broken.endswith(": the picture changes from 64x48 yuv420p to 96x48 yuv420p") and clip.restarts == ()
    assert not confirmed(path, (replace(clip, broken=""), table))


def test_a_part_and_a_broken_file_are_not_compared(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", PLAIN)
    part, table = trimmed(path, *read(path), 0.2, 0.5)
    for clip in (part, replace(read(path)[0], broken="30 of 31 frames could be decoded")):
        assert len(list(read_frames(path, clip, confirm=table.pts + 1))) == clip.frames


def test_frames_of_a_pass_that_denied_the_table_are_not_kept_in_memory(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", PLAIN)
    clip, table = read(path)
    try:
        for _ in range(2):  # from memory the second time, if they were kept
            with pytest.raises(TableNotConfirmed, match="has more than 29 frames"):
                list(cached_frames(path, replace(clip, frames=29), cache_mb=9, confirm=table.pts[:-1]))
    finally:
        forget_frames(clip.digest)
