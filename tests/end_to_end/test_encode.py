"""``encode``: a choice of codec brings settings that fit it."""

import pytest

from conf.enums import VideoCodec
from conf.render import EncodeConf
from flows.config import settings
from flows.config.overrides import CONF_FOLDER
from tasks.errors import SettingError
from tasks.media.output.encoders import AUTO, ENCODERS


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register_schema()


def test_nothing_said_is_auto_at_18() -> None:
    assert settings.load(["video=demo"]).encode == EncodeConf(VideoCodec.auto, 18, "veryfast")


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_each_codec_comes_with_settings_that_fit(codec: VideoCodec) -> None:
    assert settings.load(["video=demo", f"encode={codec.value}"]).encode.codec is codec
    assert codec.value in (*ENCODERS, AUTO)
    assert (CONF_FOLDER / "encode" / f"{codec.value}.yaml").is_file()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["encode=h266"], "encode: there is no 'h266'; choose one of auto, av1, nvenc, prores, x264, x265"),
        (["encode.crf=52"], "encode.crf: 52 is not on the scale of auto; give 0 (best) to 51"),
        (["encode=av1", "encode.crf=0"], "encode.crf: 0 is not on the scale of av1; give 1 (best) to 63"),
        (["encode.codec=av1"], "encode.preset: av1 has no 'veryfast'; choose encode=av1, or give one of 0, 1, 2"),
        (["encode=nvenc", "encode.preset=slow"], "encode.preset: nvenc has no 'slow'"),
        (["encode.crf=null"], "encode.crf: null is not on the scale of auto; give 0 (best) to 51"),
        (
            ["encode=prores", "encode.crf=9"],
            "encode.crf: prores has no such scale; choose encode=prores, whose quality",
        ),
        (["encode=prores", "encode.preset=slow"], "encode.preset: prores has no 'slow'"),
    ],
)
def test_what_does_not_fit_is_a_line(overrides: list[str], sentence: str) -> None:
    with pytest.raises(SettingError) as told:
        settings.load(["video=demo", *overrides])
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)
