"""The demo stage: video, sound and truth table."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from conf.demo import DemoConf
from tasks.demo.demo_video import HIP_CENTER, draw_demo, walk_from_settings
from tasks.demo.footsteps import SOUND_RATE_HZ
from tasks.demo.gait import heel_strikes
from tasks.demo.walker import draw_walk, ground_truth, subject_gait
from tasks.errors import Interrupted, SettingError
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.media.files.tables import read_table
from tasks.requests import DemoRequest

SMALL = DemoConf(width=320, height=180, seconds=2.0, fps="30000/1001")


def drawn(folder: Path, settings: DemoConf = SMALL) -> Path:
    folder.mkdir()
    draw_demo(DemoRequest(settings=settings), folder, lambda done: None)
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("demo") / "first")


def test_the_same_request_gives_two_files_with_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    again = drawn(tmp_path / "again")
    assert sorted(path.name for path in demo.iterdir()) == ["demo.mp4", "truth.parquet"]
    for path in demo.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


@pytest.mark.parametrize(("seconds", "fps"), [(2.0, "30000/1001"), (0.35, "24"), (1.01, "50")])
def test_the_settings_tell_how_many_frames_are_drawn(seconds: float, fps: str) -> None:
    settings = DemoConf(seconds=seconds, fps=fps)
    assert settings.frames == walk_from_settings(settings).frames


def test_the_video_has_its_rate_its_tags_and_every_frame(demo: Path) -> None:
    with av.open(str(demo / "demo.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        assert (stream.average_rate.numerator, stream.average_rate.denominator) == (30000, 1001)
        frames = list(container.decode(stream))
        assert (stream.codec_context.pix_fmt, stream.codec_context.name) == ("yuv420p", "h264")
        assert (stream.codec_context.color_range, stream.codec_context.colorspace) == (1, 1)
    assert [frame.pts for frame in frames] == [1001 * number for number in range(60)]


def test_colours_survive_encoding(demo: Path) -> None:
    rgb = next(draw_walk(walk_from_settings(SMALL)))[0]
    with av.open(str(demo / "demo.mp4")) as container:
        decoded = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(decoded.astype(float).mean(axis=(0, 1)) - rgb.mean(axis=(0, 1))).max() < 2.0


def test_a_footstep_sounds_at_every_heel_strike(demo: Path) -> None:
    with av.open(str(demo / "demo.mp4")) as container:
        blocks = [(frame.time, frame.to_ndarray()[0]) for frame in container.decode(audio=0)]
    assert blocks[0][0] == pytest.approx(0, abs=0.03)
    sound = np.concatenate([samples for _, samples in blocks])
    begin_s = float(blocks[0][0] or 0)
    loud = np.abs(sound) > 0.05
    strikes = [time_s for time_s, _ in heel_strikes(subject_gait(walk_from_settings(SMALL)), 0, 1.9)]
    assert len(strikes) >= 2
    for strike_s in strikes:
        at = round((strike_s - begin_s) * SOUND_RATE_HZ)
        first = at - 2000 + int(np.argmax(loud[max(at - 2000, 0) : at + 2000]))
        assert abs(first - at) / SOUND_RATE_HZ < 0.01
    quiet = (strikes[0] + strikes[1]) / 2 - begin_s
    assert not loud[round(quiet * SOUND_RATE_HZ) : round((quiet + 0.05) * SOUND_RATE_HZ)].any()


def test_the_truth_table_matches_the_walk(demo: Path) -> None:
    table = read_table(demo / "truth.parquet")
    assert list(table) == ["frame", "time_s", "landmark", "x_px", "y_px"]
    assert len(table["frame"]) == 60 * 34
    known = ground_truth(walk_from_settings(SMALL))
    center = table["landmark"] == HIP_CENTER
    np.testing.assert_allclose(table["x_px"][center], known.hip_center_xy_px[:, 0])
    np.testing.assert_allclose(table["y_px"][center], known.hip_center_xy_px[:, 1])
    np.testing.assert_allclose(table["time_s"][center], np.arange(60) * 1001 / 30000)
    knee = table["landmark"] == "right_knee"
    np.testing.assert_allclose(table["y_px"][knee], known.joints_xy_px[:, LANDMARK_NAMES.index("right_knee"), 1])


def test_progress_ticks_once_a_frame_and_an_interruption_stops_the_drawing(tmp_path: Path) -> None:
    done: list[int] = []

    def stop(count: int) -> None:
        done.append(count)
        if count == 5:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        draw_demo(DemoRequest(settings=SMALL), tmp_path, stop)
    assert done == [1, 2, 3, 4, 5]
    assert not (tmp_path / "demo.mp4").exists()


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        ("30", "30"),
        ("12.5", "25/2"),
        ("23.976", "2997/125"),
        ("23.976023976", "24000/1001"),
        ("59.94005994", "60000/1001"),
        ("119.88011988", "120000/1001"),
        ("0.333333333", "1/3"),
        ("10000000/333667", "10000000/333667"),
    ],
)
def test_common_frame_rates_are_exact(tmp_path: Path, fps: str, rate: str) -> None:
    settings = DemoConf(width=64, height=64, seconds=max(1.5 / float(Fraction(rate)), 0.1), fps=fps)
    with av.open(str(drawn(tmp_path / "demo", settings) / "demo.mp4")) as container:
        stream = container.streams.video[0]
        assert (walk_from_settings(settings).fps, stream.average_rate) == (Fraction(rate), Fraction(rate))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("width", 321),
        ("height", 10),
        ("seconds", 0),
        ("fps", "fast"),
        ("fps", "1/0"),
        ("fps", "23976023976/1000000000"),
        ("speed", 0),
        ("person", 7),
        ("limp", 2),
        ("lean_deg", 90),
        ("shake_px", -1),
        ("pole_s", -1),
        ("away_s", -1),
        ("seed", -1),
    ],
)
def test_an_invalid_setting_is_named(setting: str, value: float | str) -> None:
    with pytest.raises(SettingError, match=rf"^demo\.{setting}: .+; give "):
        DemoConf(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        {"heading_deg": 90.0},
        {"heading_deg": -90.0},
        {"heading_deg": 90.0, "crossing": True},
        {"heading_deg": -90.0, "away_s": 1.0},
        {"heading_deg": 45.0, "speed": -1.0},
        {"turn_deg_s": 4.0, "speed": 0.5},
    ],
)
def test_a_walk_into_the_camera_is_refused_and_the_suggested_length_works(
    settings: dict[str, float],
) -> None:
    with pytest.raises(
        SettingError, match=r"^demo\.seconds: in 60 s a walker reaches the camera; give up to "
    ) as caught:
        walk_from_settings(DemoConf(width=64, height=64, fps="4", seconds=60, **settings))  # type: ignore[arg-type]
    longest_s = float(str(caught.value).partition("give up to ")[2].partition(",")[0])
    walker = walk_from_settings(DemoConf(width=64, height=64, fps="4", seconds=longest_s, **settings))  # type: ignore[arg-type]
    assert len(list(draw_walk(walker))) == walker.frames
    assert np.ptp(ground_truth(walker).height_px) > walker.height_px


def test_a_long_walk_past_the_camera_is_allowed() -> None:
    assert walk_from_settings(DemoConf(seconds=3600, crossing=True)).seconds == 3600
