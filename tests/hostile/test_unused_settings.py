"""Settings without an effect make no file again, and a line says that they have none."""

from pathlib import Path

import pytest

from conf.enums import Output
from flows.config import settings
from flows.config.unused_settings import RULES
from flows.graph.output_needs import background_of
from flows.run import run

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
    ([], "decode.memory_mb=99", "decode.frames=stream"),
)


@pytest.fixture(autouse=True)
def registered() -> None:
    settings.register_schema()


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
