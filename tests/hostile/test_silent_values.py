"""What was taken in silence: values that cannot be meant are refused before work, settings without effect are named."""

from pathlib import Path

import pytest

from conf.enums import Output
from flows.config import settings
from flows.config.overrides import check_given_once, sweep_combinations
from flows.config.unused_settings import RULES
from flows.graph.output_needs import background_of
from flows.run import run
from flows.videos import find_videos, require_any_file
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once
from tests.support import program


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("plan=2", "plan: 2 is not true or false; give true or false"),
        ("verify=-1", "verify: -1 is not true or false"),
        ("masks.body=7", "masks.body: 7 is not true or false"),
        ("smoothing.window_s=1e-300", "smoothing.window_s: 1e-300 s is shorter than any frame; give null or at least"),
        ("lock.max_speed_px_s=1e-300", "lock.max_speed_px_s: the number 1e-300 is too near to 0"),
        ("masks.fallback_fps=1e300", "masks.fallback_fps: the number 1e+300 is too large"),
        ("demo.seed=99999999999999999999", "demo.seed: the number 99999999999999999999 is too large"),
        ("models.dir=''", "models.dir: the name is empty; name a folder, or null"),
        ("models.dir=' '", "models.dir: the name is empty"),
        ("background.image=''", "background.image: "),
        (
            "outputs=[stabilized,pose,stabilized]",
            "outputs: stabilized is given more than once; give outputs=[stabilized,pose]",
        ),
        ("background.on=[person,person]", "background.on: person is given more than once; give background.on=[person]"),
        ("output_dir='a\x07b'", "output_dir: the name 'a\\x07b' has a control character; leave it out"),
        ("cache_dir='a\x00b'", "cache_dir: the name 'a\\x00b' has a control character"),
        ("output_dir='a\udce4b'", "output_dir: the name 'a\\udce4b' is not in UTF-8; choose another"),
        ("models.dir='a\x1b[2Jb'", "models.dir: the name 'a\\x1b[2Jb' has a control character"),
        ("sweep.name='a\tb'", "sweep.name: the name 'a\\tb' has a control character"),
        ("sweep.name=' '", "sweep.name: the name is empty"),
        ("hydra.run.dir=X", "hydra.run.dir: this setting of Hydra has no use here; leave it out; output_dir= says"),
        ("hydra.sweep.dir=X", "hydra.sweep.dir: this setting of Hydra has no use here"),
        ("hydra.output_subdir=X", "hydra.output_subdir: this setting of Hydra has no use here"),
        ("hydra/launcher=basic", "hydra/launcher: a sweep is one run, by the program's own launcher"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(SettingError) as refused:
        settings.load(["video=demo", override])
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)


@pytest.mark.parametrize("override", ["plan=1", "plan=0", "plan=on", "hydra/sweeper=basic", "smoothing.window_s=0.2"])
def test_what_can_be_meant_is_still_accepted(override: str) -> None:
    settings.load(["video=demo", override])


def test_the_list_that_is_advised_is_accepted() -> None:
    with pytest.raises(SettingError) as refused:
        settings.load(["video=demo", "outputs=[pose,pose,masks]"])
    settings.load(["video=demo", str(refused.value).rpartition("; give ")[2]])


def test_a_sweep_that_is_given_a_name_twice_is_refused_and_the_advice_works() -> None:
    twice = ["smoothing.window=5", "lock.x=1", "smoothing.window=9,11"]
    for check in (check_given_once, sweep_combinations):
        with pytest.raises(
            SettingError, match=r"^smoothing\.window: it is given twice; .* give smoothing\.window=5,9,11$"
        ):
            check(twice)
    check_given_once(["smoothing.window=5,9,11", "lock.x=1"])


def test_nothing_that_could_be_read_is_known_before_work(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "full.mp4").write_bytes(b"something")
    for name in ("/dev/null", str(tmp_path / "none.mp4"), str(tmp_path / "empty.mp4")):
        with pytest.raises(SettingError, match=name):
            require_any_file(find_videos(name))
        require_any_file(find_videos([name, str(tmp_path / "full.mp4")]))  # one fails, the others are done
    with pytest.raises(SettingError, match=r"\(none of the 2 videos can be read\)"):
        require_any_file(find_videos(["/dev/null", str(tmp_path / "none.mp4")]))


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    asked = [
        ("video=/dev/zero",),
        ("video=none.mp4", "plan=true"),
        ("video=demo", "hydra.run.dir=X", "plan=true"),
        ("-m", "video=demo", "hydra/launcher=basic", "smoothing.window=5,7"),
        ("-m", "video=demo", "smoothing.window=5", "smoothing.window=7"),
    ]
    for done in program.run_each(asked, cwd=tmp_path):
        assert (done.status, done.out, len(done.err.splitlines())) == (2, "", 1), done.err
        assert done.err.startswith("stillwalk: ")
    assert [*tmp_path.iterdir()] == []


CASES: tuple[tuple[list[str], str, str], ...] = (
    (["smoothing=none"], "smoothing.window=9", "smoothing.kind=none"),
    (["smoothing.kind=l1"], "smoothing.window_s=0.5", "smoothing.kind=l1"),
    (["smoothing.window_s=0.5"], "smoothing.window=9", "smoothing.window_s=0.5"),
    ([], "smoothing.cutoff_hz=2", "smoothing.kind=savgol"),
    (["smoothing=moving"], "smoothing.order=3", "smoothing.kind=moving"),
    ([], "smoothing.budget_px=9", "smoothing.kind=savgol"),
    ([], "anchor.interpolate=false", "anchor.fusion=true"),
    (["anchor.fusion=false"], "anchor.crossover_hz=2", "anchor.fusion=false"),
    (["anchor.fusion=false"], "anchor.trust_s=2", "anchor.fusion=false"),
    (["anchor.away=cut"], "anchor.ease_s=2", "anchor.away=cut"),
    (["crop.output=[320,180]"], "crop.shared=true", "crop.output=[320,180]"),
    (["border=reflect"], "border.color=[1,2,3]", "border.mode=reflect"),
    (["background=blur"], "background.color=[1,2,3]", "background.mode=blur"),
    ([], "background.blur_px=9", "background.mode=color"),
    ([], "background.alpha=mov", "background.mode=color"),
    (["subject.point=[10,20]"], "subject.rule=first", "subject.point=[10.0,20.0]"),
    ([], "scale.height_m=1.75", "exports=[]"),
    (["exports=[angles,coco]"], "scale.px_per_m=100", "exports=[angles,coco]"),
    (["exports=[coco]"], "clip.time=played", "exports=[coco]"),
    ([], "runner.address=tcp://10.0.0.1:8786", "runner.kind=threads"),
    ([], "runner.paths={/data: /mnt}", "runner.kind=threads"),
    (["outputs=[pose]"], "overlay.numbers=[angles]", "outputs=[pose]"),
    (["exports=[coco]"], "dataset.shard_samples=9", "exports=[coco]"),
    (["exports=[coco]"], "dataset.picture=png", "exports=[coco]"),
    ([], "decode.memory_mb=99", "decode.frames=stream"),
)


def test_every_rule_is_tested() -> None:
    assert {rule.name for rule in RULES} == {override.partition("=")[0] for _, override, _ in CASES}


@pytest.mark.parametrize(("others", "override", "decider"), CASES)
def test_a_setting_without_an_effect_is_named_and_changes_nothing(
    others: list[str], override: str, decider: str
) -> None:
    plain = ["video=demo", *others]
    assert settings.unused_setting_lines([plain]) == []
    name = override.partition("=")[0]
    line = f"{name} has no effect with {decider}; leave it out"
    assert settings.unused_setting_lines([[*plain, override]]) == [line]
    assert settings.load([*plain, override]) == settings.load(plain)


@pytest.mark.parametrize(
    "overrides",
    [
        ["smoothing.window=9"],
        ["smoothing=l1", "smoothing.budget_px=9"],
        ["smoothing=kalman", "smoothing.cutoff_hz=2"],
        ["border=constant", "border.color=[1,2,3]"],
        ["background=blur", "background.blur_px=9"],
        ["background=blur", "background.on=[stabilized]", "background.color=[1,2,3]"],
        ["background=transparent", "background.alpha=mov"],
    ],
)
def test_a_setting_with_an_effect_stays(overrides: list[str]) -> None:
    assert settings.unused_setting_lines([["video=demo", *overrides]]) == []
    assert settings.load(["video=demo", *overrides]) != settings.load(["video=demo", *overrides[:-1]])


def test_a_setting_that_some_of_a_sweep_use_is_not_named() -> None:
    sweep = [["video=demo", f"smoothing={kind}", "smoothing.window=9"] for kind in ("none", "savgol")]
    assert settings.unused_setting_lines(sweep) == []
    assert len(settings.unused_setting_lines(sweep[:1])) == 1


@pytest.mark.parametrize("typed", ["border=blur", "border.mode=blur", "outputs=[pose]"])
def test_what_a_preset_gives_is_not_to_be_left_out(typed: str) -> None:
    assert settings.unused_setting_lines([["video=demo", "preset=study", typed]]) == []


def test_what_is_typed_beside_a_preset_is_named() -> None:
    overrides = ["video=demo", "preset=study", "border=blur", "border.color=red"]
    assert len(settings.unused_setting_lines([overrides])) == 1


def test_a_plain_person_video_does_not_depend_on_another_videos_background() -> None:
    """``person.mp4`` gets the colour where the blurred background is the stabilized video's."""
    blurred = [
        settings.load(["video=demo", "background=blur", "background.on=[stabilized]", f"background.blur_px={blur}"])
        for blur in (9, 24)
    ]
    assert background_of(blurred[0], Output.person) == background_of(blurred[1], Output.person)
    assert background_of(blurred[0], Output.stabilized) != background_of(blurred[1], Output.stabilized)


def test_a_run_prints_the_line_before_its_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overrides = ["video=demo", "plan=true", "border=reflect", "border.color=[1,2,3]"]
    assert run(overrides, output_dir=tmp_path, base_dir=tmp_path) == 0
    assert capsys.readouterr().err == "stillwalk: border.color has no effect with border.mode=reflect; leave it out\n"
