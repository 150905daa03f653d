import re

import pytest
from hydra.core.global_hydra import GlobalHydra

from conf.config import Config
from conf.enums import Export, Output, Smoother
from flows.cli.help import manual, setting_sections
from flows.config import settings
from flows.config.schema import setting_names
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register_schema()


def load(*overrides: str) -> Config:
    return settings.load(["video=demo", *overrides])


def test_the_defaults_are_those_of_the_design() -> None:
    config = load()
    assert (config.smoothing.kind, config.smoothing.window) == (Smoother.savgol, 5)
    assert config.masks.model.value == "general"
    assert config.pose.model.value == "full"
    assert config.anchor.method.value == "simple"
    assert config.anchor.min_confidence == 0.5
    assert config.anchor.interpolate is True
    assert config.target == "auto"
    assert config.border.mode.value == "scene"
    assert config.crop.size is None
    assert config.device.value == "cpu"
    assert config.masks.smoothing is True
    assert config.decode.frames.value == "stream"
    assert set(config.outputs) == set(Output) - {Output.overlay, Output.contact}


@pytest.mark.parametrize(
    "overrides",
    [
        ["smoothing.window=9", "smoothing=gaussian"],
        ["subject=3", "subject.person=5"],
        ["smoothing={kind: gaussian}"],
        ["target=${border.mode}"],
        ["smoothing.window=[]"],
        ["smoothing.window=5,7"],
        ["smoothing=nothing"],
        ["smothing.window=9"],
        ["+smoothing.window=9"],
    ],
)
def test_the_copy_that_other_tests_compose_is_what_hydra_composes(
    overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def composed() -> object:
        settings._load.cache_clear()
        try:
            return load(*overrides)
        except SettingError as error:
            return str(error)

    by_hydra = composed()
    compose_once(monkeypatch)
    assert composed() == by_hydra
    assert composed() == by_hydra  # no value of the first has stayed in what was copied


@pytest.mark.parametrize("override", ["smoothing.window=x", "=9", "outputs.0=pose", "verify=maybe"])
def test_a_refused_setting_leaves_hydra_as_it_was(override: str) -> None:
    with pytest.raises(SettingError):
        load(override)
    assert not GlobalHydra.instance().is_initialized()


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
        ("anchor.fusion=false anchor.interpolate=false", "anchor.interpolate", False),
        ("target=[0.5,0.6]", "target", [0.5, 0.6]),
        ("target=[480,270]", "target", [480, 270]),
        ("smoothing=gaussian", "smoothing.kind.value", "gaussian"),
        ("smoothing=none", "smoothing.kind.value", "none"),
        ("smoothing.window=9", "smoothing.window", 9),
        ("border=constant", "border.mode.value", "constant"),
        ("border=constant border.color=[1,2,3]", "border.color", [1, 2, 3]),
        ("crop.size=[320,240]", "crop.size", [320, 240]),
        ("device=auto", "device.value", "auto"),
        ("decode.frames=memory", "decode.frames.value", "memory"),
        ("decode.strict=true", "decode.strict", True),
        ("background.color=[9,8,7]", "background.color", [9, 8, 7]),
        ("background.color='#00b140'", "background.color", [0, 177, 64]),
        ("background.color=tomato", "background.color", [255, 99, 71]),
        ("background.color=[tomato]", "background.color", [255, 99, 71]),
        ("border.color=['#00b140'] border=constant", "border.color", [0, 177, 64]),
        ("exports=events", "exports", [Export.events]),
        ("outputs=person", "outputs", [Output.person]),
        ("models.dir=/m", "models.dir", "/m"),
        ("anchor.landmarks={nose: 1, left_hip: 2}", "anchor.landmarks", {"nose": 1.0, "left_hip": 2.0}),
        ("anchor.point=shoulders", "anchor.point.value", "shoulders"),
        ("subject=largest", "subject.rule.value", "largest"),
    ],
)
def test_every_design_decision_has_an_override(override: str, path: str, value: object) -> None:
    found: object = load(*re.split(r" (?=[\w.]+=)", override))
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
            r"^anchor\.landmarks: .* out of range; give weights from 1e-06",
        ),
        (
            "anchor.landmarks={nose:1e-320}",
            r"^anchor\.landmarks: .* out of range; give weights from 1e-06 to 1e\+06",
        ),
        ("demo.heading_deg=1e300", r"^demo\.heading_deg: 1e\+300 is out of range; give -360 to 360"),
        ("demo.turn_deg_s=-1e300", r"^demo\.turn_deg_s: -1e\+300 is out of range; give -360 to 360"),
        ("demo.speed=1e300", r"demo\.speed: 1e\+300 is out of range"),
        ("demo.seconds=1e300", r"demo\.seconds: "),
        (
            "smoothing=box",
            r"smoothing: there is no 'box'; choose one of butterworth, gaussian, kalman, l1, moving, none, savgol",
        ),
        ("device=tpu", r"device: there is no 'tpu'; choose one of cpu, gpu, auto"),
        ("device=${border.mode}", r"^device: there is no scene; choose one of cpu, gpu, auto$"),
        ("exports=[steps]", r"^exports\[0\]: there is no 'steps'; choose one of events, angles"),
        (
            "exports=csv",
            r"^exports: there is no 'csv'; choose some of events, angles, .*; give exports=\[events,angles\]$",
        ),
        ("output_dir=", r"^output_dir: the name is empty; name a folder, or \. for the current one"),
        ("cache_dir=''", r"^cache_dir: the name is empty; name a folder, or null for"),
        ("outputs=[]", r"outputs: the list is empty; name some"),
        ("clip.from_s=abc", r"^clip\.from: 'abc' is not a time; give seconds"),
        ("clip={from_s:3,to_s:2}", r"^clip\.to: a part from 3 s to 2 s is empty"),
        (
            "+clip.from=3",
            r"^clip\.from: in a YAML file this setting has another name; write `clip: \{from_s: \.\.\.\}`$",
        ),
        ("crop=follow", r"^crop: follow needs a window; give its size: one of crop\.size=\[640,360\], "),
        ("crop=fixed", r"^crop: fixed needs a window; give its place and size, as in crop\.window=\[0,0,640,360\]: "),
        ("crop={mode:fixed,size:[64,36]}", r"^crop\.size: crop=fixed does not use it; .* or choose crop=follow$"),
        ("crop={mode:auto,window:[0,0,64,36]}", r"^crop\.window: crop=auto does not use it; .* or choose crop=fixed$"),
        ("workers=two", r"^workers: two is not a number of workers; give auto, or a whole number from 1$"),
        ("border.color=#12", r"this is not valid syntax"),
        ("border.color='#12'", r"^border\.color: #12 is not a colour; give \[r,g,b\] with numbers"),
        ("border.color='#00b14080'", r"^border\.color: #00b14080 has an opacity"),
        ("crop.size=[8,8]", r"crop\.size: \[8, 8\] is not a window size; give"),
        ("border.color=[1,2]", r"border\.color: \[1, 2\] is not a colour; give"),
        ("anchor.min_confidence=2", r"anchor\.min_confidence: 2\.0 is not a probability; give 0 to 1"),
        ("encode.preset=fastest", r"encode\.preset: auto has no 'fastest'; "),
        ("workers=0", r"workers: 0 is not a number of workers; give auto, or a whole number from 1"),
        ("smoothing.window=5,9", r"smoothing\.window: it takes one value; put -m before it for a sweep$"),
        ("scale.height_m=1,75", r"for a sweep; a fraction has a point: scale\.height_m=1\.75$"),
        ("lock.x=0,8", r"for a sweep; a fraction has a point: lock\.x=0\.8$"),
        ("smoothng.window=9", r"^smoothng\.window: there is no such setting; did you mean smoothing\.window\?"),
        (
            "background=my/beach.jpg",
            r"^background: there is no 'my/beach\.jpg'; choose one of .*; a picture is background=image ",
        ),
        ("crop=9:16", r"^crop: there is no '9:16'; choose one of .*; a shape is crop\.aspect=9:16, a size "),
        (
            "encode=h264",
            r"^encode: there is no 'h264'; choose one of .*; H\.264 is encode=x264, H\.265 \(HEVC\) encode=x265$",
        ),
        ("smoothing.window = 7", r"^smoothing\.window = 7: there is a space before .*; give smoothing\.window=7$"),
        ("plan", r"^plan: settings are given as name=value; did you mean plan=true\?$"),
        ("sweep.name", r"; did you mean sweep\.name=\.\.\.\?$"),
        ("walk.mp4", r"; did you mean video=walk\.mp4\?$"),
        (
            "outputs=[stabilized,",
            r"^outputs=\[stabilized,: the list does not end; write it without spaces, as in outputs=",
        ),
        ("x=(", r"x=\(: this is not valid syntax; put a value"),
        ("~smoothing.window", r"^~smoothing\.window: a setting cannot be removed; leave it out for its default"),
        ("~colour", r"^~colour: a setting cannot be removed"),
        ("+smoothing.window=9", r"^smoothing\.window: this setting exists already; give it without the \+"),
        ("target=${foo}", r"^target: \$\{foo\} is not a setting; name one, or for a literal"),
        ("smoothing.window=${smoothing.windw}", r"^smoothing\.window: \$\{smoothing\.windw\} is not a setting"),
        (
            "target=${oc.env:NOT_THERE}",
            r"^target: there is no environment variable NOT_THERE; set it, or give the value",
        ),
        ("target=${now:%Q%}${what:1}", r"^target: \$\{what:\.\.\.\} is not known; give the value itself"),
        ("smoothing=", r"^smoothing: there is no ''; choose one of butterworth"),
        ("outputs=null", r"^outputs: null does not fit; give a value, or leave outputs out for its default"),
        ("workers=???", r"^workers: no value was given; give one, or leave workers out for its default"),
        ("pose=full", r"^pose: this is a group of settings; give them one by one, as in pose\.model="),
        ("decode=[1]", r"^decode: this is a group of settings; give them one by one, as in decode\.strict="),
        ("outputs={a:1}", r"^outputs: it must be a list of plain values; give them as in outputs=\[stabilized\]"),
        ("outputs=[[stabilized]]", r"^outputs: its list contains \['stabilized'\]; give plain values"),
        ("background.on=[[person]]", r"^background\.on: its list contains \['person'\]; give"),
        ("outputs=[null]", r"^outputs\[0\]: null does not fit; give a value"),
        ("outputs.a=1", r"^outputs\.a: outputs is a list and has no named items; give all of it, as in outputs=\["),
        ("+outputs.9=masks", r"^outputs\[9\]: the list has no such item; give all of it, as in outputs=\["),
        ("plan=[1]", r"^plan: '\[1\]' does not fit; give true or false"),
        ("pose.min_detection=" + "9" * 400, r"^pose\.min_detection: the number is too large; give a smaller one"),
        ("=", r"^=: there is no name before the value; give name=value"),
        ("=3", r"^=3: there is no name before the value; give name=value"),
        ("", r"^'': there is no name before the value; give name=value"),
    ],
)
def test_a_mistake_is_one_line_with_setting_fact_and_cure(
    override: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose_once(monkeypatch)
    with pytest.raises(SettingError, match=sentence) as caught:
        load(override)
    assert "\n" not in str(caught.value)


def test_without_a_video_the_line_says_how_to_name_one() -> None:
    with pytest.raises(SettingError, match=r"video: no value was given; name a file"):
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
def test_a_number_that_is_too_large_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)
    with pytest.raises(SettingError, match=rf"^{name}: \S+ \S+ is too large; give up to \d+(, or null.*)?$"):
        load(f"{name}={value}")


def test_every_setting_has_one_sentence() -> None:
    settings_help = [setting for section in setting_sections() for setting in section]
    assert [one.name for one in settings_help if not one.sentence.endswith(".")] == []


def test_the_manual_lists_every_setting_once() -> None:
    text = manual("all")
    for name in setting_names():
        is_group = any(other.startswith(f"{name}.") for other in setting_names())
        assert is_group or text.count(f"  {name}=") == 1, name


def test_frames_in_memory_need_threads() -> None:
    with pytest.raises(
        SettingError, match=r"decode\.frames: stages in other processes cannot share frames in memory; give runner="
    ):
        load("runner=processes", "decode.frames=memory")
