import pytest

from conf.config import Config, SweepConf
from conf.enums import Runner, SweepRender
from conf.machines import RunnerConf
from flows import run
from flows.config import settings
from flows.config.overrides import sweep_combinations
from flows.results.result import Result
from flows.sweep import MAX_FOLDER_NAME_BYTES, SweepSetting, check_run_wide, distinct_settings, name_settings
from flows.videos import Video
from tasks.errors import SettingError


def names(*jobs: list[str], fixed: tuple[str, ...] = ()) -> list[str]:
    return [setting.name for setting in name_settings(jobs, set(fixed))]


def test_a_setting_is_named_by_the_overrides_that_vary() -> None:
    fixed = ("video=a.mp4", "crop=auto", "sweep.render=none")
    jobs = [[*fixed, "smoothing.window=5"], [*fixed, "smoothing.window=9"]]
    assert names(*jobs, fixed=fixed) == ["smoothing.window=5", "smoothing.window=9"]
    assert [setting.overrides for setting in name_settings(jobs, set(fixed))] == jobs


def test_a_single_setting_is_named_by_all_its_overrides() -> None:
    assert names(["video=a.mp4", "smoothing.window=5"], fixed=("video=a.mp4", "smoothing.window=5")) == [
        "smoothing.window=5"
    ]
    assert names(["video=a.mp4"], fixed=("video=a.mp4",)) == ["default"]
    assert names(["clip.to_s=2", "lock.x=1"]) == ["clip.to=2,lock.x=1"], "as it was typed"


def test_jobs_that_differ_only_in_the_video_share_a_setting() -> None:
    assert names(["video=a.mp4", "lock.x=0"], ["video=b.mp4", "lock.x=0"]) == ["lock.x=0", "lock.x=0"]


def test_a_value_given_twice_is_one_setting() -> None:
    jobs, fixed = sweep_combinations(["video=a.mp4,b.mp4", "smoothing.window=5,9,5", "lock.x=0"])
    assert len(jobs) == 6
    assert fixed == {"lock.x=0"}
    asked = distinct_settings(name_settings(jobs, fixed))
    assert [one.name for one in asked] == ["smoothing.window=5", "smoothing.window=9"] * 2
    assert [one.overrides[0] for one in asked] == ["video=a.mp4"] * 2 + ["video=b.mp4"] * 2


def test_equal_settings_are_merged_under_the_first_name(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, fixed = sweep_combinations(["video=demo", "smoothing.window=5,05,9", "lock.x=1,1.0"])
    done: list[str] = []

    def lock(asked: list[SweepSetting], *_: object) -> tuple[int, list[Result]]:
        done.extend(one.name for one in asked)
        locks = {one.name: float(len(one.name)) for one in asked}
        return 0, [Result(Video("demo", None), setting=name, metrics={"lock_rms": px}) for name, px in locks.items()]

    settings.register_schema()
    monkeypatch.setattr(run, "_run", lock)
    status, locks_px = run.run_sweep(name_settings(jobs, fixed), "now")
    assert done == ["smoothing.window=5,lock.x=1", "smoothing.window=9,lock.x=1"]
    assert (status, locks_px) == (0, [float(len(done[0]))] * 4 + [float(len(done[1]))] * 2)


def test_any_value_gives_one_folder_name() -> None:
    (name,) = names(['background.image="beach/at noon.jpg"', "crop.aspect='9:16'"])
    assert name == "background.image=beach_at noon.jpg,crop.aspect=9:16"


def test_long_and_equal_names_are_made_unique() -> None:
    long = [[f"anchor.landmarks={'ü' * 200}{end}"] for end in "ab"]
    first, second = names(*long)
    assert first != second and max(len(name.encode()) for name in (first, second)) <= MAX_FOLDER_NAME_BYTES
    first, second = names(["background.image=a/b"], ["background.image=a_b"])
    assert first != second


def test_a_run_wide_value_cannot_vary_in_a_sweep() -> None:
    check_run_wide([Config(video="a"), Config(video="b")])
    with pytest.raises(SettingError, match=r"^workers: a sweep is one run and cannot have 1 and 2; give one value$"):
        check_run_wide([Config(workers=1), Config(workers=2)])
    with pytest.raises(SettingError, match=r"^runner\.kind: "):
        check_run_wide([Config(), Config(runner=RunnerConf(Runner.processes))])
    one = "a sweep is one run and cannot have"
    with pytest.raises(SettingError, match=rf"^sweep\.render: {one} all and none; give one value$"):
        check_run_wide([Config(), Config(sweep=SweepConf(render=SweepRender.none))])
    with pytest.raises(SettingError, match=rf"^sweep\.name: {one} null and a and b; give one value$"):
        check_run_wide([Config(), *(Config(sweep=SweepConf(name=name)) for name in "ab")])
    with pytest.raises(SettingError, match=rf"^plan: {one} false and true; give one value$"):
        check_run_wide([Config(), Config(plan=True)])


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "x" * 300, "\udcff"])
def test_a_sweep_name_must_be_a_folder_name(name: str) -> None:
    with pytest.raises(SettingError, match=r"^sweep\.name: "):
        SweepConf(name=name)
