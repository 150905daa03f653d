"""What is known to fail before any work: settings that a video's size, or the walk that is drawn, cannot honour."""

from pathlib import Path

import pytest

from conf.schema import Config
from flows import preflight, settings
from flows.inputs import Video
from tasks.errors import SettingError
from tests.media.clips import Made, make

DEMO = Video("demo", None)


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register()


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def test_a_walk_into_the_camera_is_refused(tmp_path: Path) -> None:
    config = load("demo.heading_deg=90", "demo.seconds=30")
    with pytest.raises(
        SettingError, match=r"^demo\.seconds: in 30 s a walker reaches the camera; give up to 18\.7, or"
    ):
        preflight.check(config, [DEMO])
    preflight.check(config, [DEMO, Video("a", make(tmp_path / "a.mp4", Made()))])
