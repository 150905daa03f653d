from pathlib import Path

import pytest

from conf.choices import Output, Smoother
from conf.schema import Config
from flows.cli.help import manual
from flows.config import settings
from flows.config.error_lines import setting_names
from tasks.errors import SettingError


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register()


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def test_the_defaults_are_the_designs() -> None:
    config = load()
    assert (config.smoothing.kind, config.smoothing.window) == (Smoother.savgol, 5)
    assert config.masks.model.value == "general"
    assert config.pose.model.value == "full"
    assert config.anchor.method.value == "simple"
    assert config.anchor.min_confidence == 0.5
    assert config.anchor.interpolate is True
    assert config.target == "center"
    assert config.border.mode.value == "reflect"
    assert config.crop.size is None
    assert config.device.value == "cpu"
    assert config.masks.smoothing is True
    assert config.decode.frames.value == "stream"
    assert set(config.outputs) == set(Output) - {Output.overlay, Output.preview, Output.contact}


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("masks.model=landscape", "masks.model.value", "landscape"),
        ("masks.fallback_fps=12", "masks.fallback_fps", 12.0),
        ("masks.refine=true", "masks.refine", True),
        ("masks.source=landmarker", "masks.source.value", "landmarker"),
        ("pose.model=heavy", "pose.model.value", "heavy"),
        ("anchor.method=weighted", "anchor.method.value", "weighted"),
        ("anchor.min_confidence=0.3", "anchor.min_confidence", 0.3),
        ("anchor.interpolate=false", "anchor.interpolate", False),
        ("target=[0.5,0.6]", "target", [0.5, 0.6]),
        ("target=[480,270]", "target", [480, 270]),
        ("smoothing=gaussian", "smoothing.kind.value", "gaussian"),
        ("smoothing=none", "smoothing.kind.value", "none"),
        ("smoothing.window=9", "smoothing.window", 9),
        ("border=constant", "border.mode.value", "constant"),
        ("border.color=[1,2,3]", "border.color", [1, 2, 3]),
        ("crop.size=[320,240]", "crop.size", [320, 240]),
        ("device=auto", "device.value", "auto"),
        ("decode.frames=memory", "decode.frames.value", "memory"),
        ("decode.strict=true", "decode.strict", True),
        ("background.color=[9,8,7]", "background.color", [9, 8, 7]),
        ("models.dir=/m", "models.dir", "/m"),
        ("anchor.landmarks={nose: 1, left_hip: 2}", "anchor.landmarks", {"nose": 1.0, "left_hip": 2.0}),
        ("anchor.point=shoulders", "anchor.point.value", "shoulders"),
        ("subject=largest", "subject.rule.value", "largest"),
    ],
)
def test_every_decision_has_its_override(override: str, path: str, value: object) -> None:
    found: object = load(override)
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("smoothing.window=0", r"smoothing\.window: 0 is not an odd number of frames"),
        ("smoothing.window=4", r"smoothing\.window: 4 .*; give 1, 3, 5"),
        ("smoothing.window=abc", r"smoothing\.window: 'abc' does not fit; give a whole number"),
        (
            "smoothing.windw=3",
            r"smoothing\.windw: there is no such setting; did you mean smoothing\.window\?",
        ),
        ("+colour=3", r"colour: there is no such setting"),
        ("+smoothing.colour=3", r"smoothing\.colour: there is no such setting"),
        ("anchor.crossover_hz=inf", r"anchor\.crossover_hz: this is not a finite number"),
        ("anchor.landmarks={nosse: 1}", r"anchor\.landmarks: there is no nosse; give names such as left_hip"),
        ("anchor.landmarks={nose: -1}", r"anchor\.landmarks: .* not above 0"),
        (
            "anchor.landmarks={nose:1e308,left_hip:1e308}",
            r"^anchor\.landmarks: .* others are lost; give weights from 1e-06",
        ),
        (
            "anchor.landmarks={nose:1e-320}",
            r"^anchor\.landmarks: .* others are lost; give weights from 1e-06 to 1e\+06",
        ),
        ("demo.heading_deg=1e300", r"^demo\.heading_deg: 1e\+300 is out of range; give -360 to 360"),
        ("demo.turn_deg_s=-1e300", r"^demo\.turn_deg_s: -1e\+300 is out of range; give -360 to 360"),
        ("demo.speed=1e300", r"demo\.speed: 1e\+300 is no walk"),
        ("demo.seconds=1e300", r"demo\.seconds: "),
        (
            "smoothing=box",
            r"smoothing: there is no 'box'; choose one of butterworth, gaussian, kalman, l1, moving, none, savgol",
        ),
        ("device=tpu", r"device: there is no 'tpu'; choose one of cpu, gpu, auto"),
        ("output_dir=", r"^output_dir: it is empty; name a folder, or \. for the one you are in"),
        ("cache_dir=''", r"^cache_dir: it is empty; name a folder, or null for"),
        ("outputs=[]", r"outputs: the list is empty; name some"),
        ("outputs=person", r"outputs: this wants a list; give outputs=\[person\]"),
        ("crop.size=[8,8]", r"crop\.size: \[8, 8\] is not a window; give"),
        ("border.color=[1,2]", r"border\.color: \[1, 2\] is not a colour; give"),
        ("anchor.min_confidence=2", r"anchor\.min_confidence: 2\.0 is not a probability; give 0 to 1"),
        ("encode.preset=fastest", r"encode\.preset: x264 has no 'fastest'; "),
        ("workers=0", r"workers: 0 workers do nothing; give 1 or more"),
        ("smoothing.window=5,9", r"smoothing\.window: one setting takes one value; put -m before it for a sweep"),
        ("x=(", r"x=\(: this cannot be read"),
        ("~smoothing.window", r"^~smoothing\.window: a setting cannot be taken away; leave it out for its default"),
        ("~colour", r"^~colour: a setting cannot be taken away"),
        ("+smoothing.window=9", r"^smoothing\.window: this setting is there already; give it without the \+"),
        ("target=${foo}", r"^target: \$\{foo\} names no setting; name one, or put"),
        ("smoothing.window=${smoothing.windw}", r"^smoothing\.window: \$\{smoothing\.windw\} names no setting"),
        (
            "target=${oc.env:NOT_THERE}",
            r"^target: there is no environment variable NOT_THERE; set it, or give the value",
        ),
        ("target=${now:%Q%}${what:1}", r"^target: \$\{what:\.\.\.\} is not known; give the value itself"),
        ("smoothing=", r"^smoothing: there is no ''; choose one of butterworth"),
        ("outputs=null", r"^outputs: null does not fit; give a value, or leave outputs out for its default"),
        ("workers=???", r"^workers: nothing was given; give a value, or leave workers out for its default"),
        ("pose=full", r"^pose: this is a group of settings; give them one by one, as in pose\.model="),
        ("decode=[1]", r"^decode: this is a group of settings; give them one by one, as in decode\.strict="),
        ("outputs={a:1}", r"^outputs: this wants a list of plain values; give them as in outputs=\[\.\.\.\]"),
        ("outputs=[[stabilized]]", r"^outputs: \['stabilized'\] stands in its list; give plain values"),
        ("background.on=[[person]]", r"^background\.on: \['person'\] stands in its list"),
        ("outputs=[null]", r"^outputs\[0\]: null does not fit; give a value"),
        ("outputs.a=1", r"^outputs\.a: outputs is a list, without names in it; give it whole, as in outputs=\["),
        ("+outputs.9=masks", r"^outputs\[9\]: the list has no such place; give it whole, as in outputs=\["),
        ("plan=[1]", r"^plan: '\[1\]' does not fit; give true or false"),
        ("pose.min_detection=" + "9" * 400, r"^pose\.min_detection: the number is larger than can be counted with;"),
        ("=", r"^=: no setting is named; give name=value"),
        ("=3", r"^=3: no setting is named; give name=value"),
        ("", r"^'': no setting is named; give name=value"),
    ],
)
def test_a_mistake_becomes_one_line_with_setting_fact_and_cure(override: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence) as caught:
        load(override)
    assert "\n" not in str(caught.value)


def test_without_a_video_the_line_says_how_to_name_one() -> None:
    with pytest.raises(SettingError, match=r"video: nothing was given; name a file"):
        settings.load([])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anchor.crossover_hz", "1e4"),
        ("anchor.trust_s", "1e5"),
        ("anchor.longest_gap_s", "1e300"),
        ("anchor.ease_s", "1e300"),
        ("smoothing.cutoff_hz", "1e300"),
        ("smoothing.budget_px", "1e6"),
        ("lock.dead_zone_px", "1e300"),
        ("lock.max_speed_px_s", "1e20"),
        ("subject.at_s", "1e300"),
        ("pose.every", "9" * 400),
        ("comparison.max_width", "9" * 400),
        ("workers", "9" * 400),
        ("demo.shake_px", "1e300"),
        ("demo.pole_s", "1e300"),
        ("demo.away_s", "1e300"),
    ],
)
def test_a_number_beyond_all_meaning_is_refused(name: str, value: str) -> None:
    with pytest.raises(
        SettingError, match=rf"^{name}: \S+ \S+ is more than has a meaning; give up to \d+(, or null.*)?$"
    ):
        load(f"{name}={value}")


@pytest.mark.parametrize(
    ("argument", "sweep", "passed"),
    [
        ("video=walk.mp4", False, 'video="walk.mp4"'),
        ("video=my clip (1).mp4", False, 'video="my clip (1).mp4"'),
        ('video=a"b.mp4', False, r'video="a\"b.mp4"'),
        ("video=[a.mp4, my clip (1).mp4]", False, 'video=["a.mp4","my clip (1).mp4"]'),
        ("video=[]", False, "video=[]"),
        ("video=['a b.mp4',c.mp4]", False, "video=['a b.mp4',c.mp4]"),
        ("video=[a.mp4],[b.mp4]", True, "video=[a.mp4],[b.mp4]"),
        ("video=[a.mp4, my clip (1).mp4]", True, 'video=["a.mp4","my clip (1).mp4"]'),
        ("video=[" + ",".join(["a" * 30] * 12) + "]", False, "video=[" + ",".join(['"' + "a" * 30 + '"'] * 12) + "]"),
        ("video=Gänge.mp4, b (1).mp4", True, 'video="Gänge.mp4","b (1).mp4"'),
        ("video=choice(a.mp4,b.mp4)", True, "video=choice(a.mp4,b.mp4)"),
        ("output_dir=Übung 1", False, 'output_dir="Übung 1"'),
        ("cache_dir=null", False, "cache_dir=null"),
        ("smoothing.window=5", False, "smoothing.window=5"),
        ("--cfg", False, "--cfg"),
    ],
)
def test_names_of_videos_are_quoted_for_the_grammar(argument: str, sweep: bool, passed: str) -> None:
    assert settings.quoted(argument, sweep=sweep) == passed


@pytest.mark.parametrize(
    "name",
    [
        "Gänge üben [1] (neu), #2.mp4",
        "a=b.mp4",
        "$x {y}.mp4",
        "back\\slash.mp4",
        "[x].mp4",
        "${oc.env:HOME}.mp4",
        "a\\${x}\\b ${.mp4",
    ],
)
def test_any_file_name_arrives_as_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    assert settings.load([settings.quoted(f"video={name}", sweep=False)]).video == name
    assert settings.load([settings.quoted(f"video=[{name}]", sweep=False)]).video == [name] or "," in name


def test_what_no_file_is_called_is_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPS", "/clips")
    assert settings.load([settings.quoted("video=${oc.env:CLIPS}/a.mp4", sweep=False)]).video == "/clips/a.mp4"


def test_the_manual_names_every_setting_once() -> None:
    text = manual()
    for name in setting_names(Config):
        is_group = any(other.startswith(f"{name}.") for other in setting_names(Config))
        assert is_group or text.count(f"  {name}=") == 1, name


def test_frames_in_memory_are_for_threads_only() -> None:
    with pytest.raises(SettingError, match=r"decode\.frames: processes do not share frames in memory; give runner="):
        load("runner=processes", "decode.frames=memory")
