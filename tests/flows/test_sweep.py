import pytest

from conf.choices import Runner, SweepRender
from conf.schema import Config
from conf.sweeping import SweepConf
from flows import run
from flows.config import settings
from flows.results.result import Result
from flows.sweep import LONGEST, Setting, check_run_wide, distinct, named
from flows.videos import Video
from tasks.errors import SettingError


def names(*jobs: list[str], fixed: tuple[str, ...] = ()) -> list[str]:
    return [setting.name for setting in named(jobs, set(fixed))]


def test_a_setting_is_named_by_what_varies() -> None:
    fixed = ("video=a.mp4", "crop=auto", "sweep.render=none")
    jobs = [[*fixed, "smoothing.window=5"], [*fixed, "smoothing.window=9"]]
    assert names(*jobs, fixed=fixed) == ["smoothing.window=5", "smoothing.window=9"]
    assert [setting.overrides for setting in named(jobs, set(fixed))] == jobs


def test_one_setting_alone_is_named_by_all_that_it_sets() -> None:
    assert names(["video=a.mp4", "smoothing.window=5"], fixed=("video=a.mp4", "smoothing.window=5")) == [
        "smoothing.window=5"
    ]
    assert names(["video=a.mp4"], fixed=("video=a.mp4",)) == ["default"]


def test_videos_that_vary_share_their_setting() -> None:
    assert names(["video=a.mp4", "lock.x=0"], ["video=b.mp4", "lock.x=0"]) == ["lock.x=0", "lock.x=0"]


def test_a_value_that_is_given_twice_is_one_setting() -> None:
    jobs, fixed = settings.combinations(["video=a.mp4,b.mp4", "smoothing.window=5,9,5", "lock.x=0"])
    assert len(jobs) == 6
    assert fixed == {"lock.x=0"}
    asked = distinct(named(jobs, fixed))
    assert [one.name for one in asked] == ["smoothing.window=5", "smoothing.window=9"] * 2
    assert [one.overrides[0] for one in asked] == ["video=a.mp4"] * 2 + ["video=b.mp4"] * 2


def test_settings_that_come_to_the_same_are_one_of_the_first_ones_name(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, fixed = settings.combinations(["video=demo", "smoothing.window=5,05,9", "lock.x=1,1.0"])
    done: list[str] = []

    def lock(asked: list[Setting], *_: object) -> tuple[int, list[Result]]:
        done.extend(one.name for one in asked)
        locks = {one.name: float(len(one.name)) for one in asked}
        return 0, [Result(Video("demo", None), setting=name, metrics={"lock_rms": px}) for name, px in locks.items()]

    settings.register()
    monkeypatch.setattr(run, "_run", lock)
    status, locks_px = run.run_sweep(named(jobs, fixed), "now")
    assert done == ["smoothing.window=5,lock.x=1", "smoothing.window=9,lock.x=1"]
    assert (status, locks_px) == (0, [float(len(done[0]))] * 4 + [float(len(done[1]))] * 2)


def test_any_value_becomes_the_name_of_one_folder() -> None:
    (name,) = names(['background.image="beach/at noon.jpg"', "crop.aspect='9:16'"])
    assert name == "background.image=beach_at noon.jpg,crop.aspect=9:16"


def test_long_and_equal_names_are_told_apart() -> None:
    long = [[f"anchor.landmarks={'ü' * 200}{end}"] for end in "ab"]
    first, second = names(*long)
    assert first != second and max(len(name.encode()) for name in (first, second)) <= LONGEST
    first, second = names(["background.image=a/b"], ["background.image=a_b"])
    assert first != second


def test_what_is_one_for_the_whole_run_cannot_vary() -> None:
    check_run_wide([Config(video="a"), Config(video="b")])
    with pytest.raises(SettingError, match=r"^workers: a sweep is one run, which cannot have 1 and 2; give one$"):
        check_run_wide([Config(workers=1), Config(workers=2)])
    with pytest.raises(SettingError, match=r"^runner: "):
        check_run_wide([Config(), Config(runner=Runner.processes)])
    one = "a sweep is one run, which cannot have"
    with pytest.raises(SettingError, match=rf"^sweep\.render: {one} all and none; give one$"):
        check_run_wide([Config(), Config(sweep=SweepConf(render=SweepRender.none))])
    with pytest.raises(SettingError, match=rf"^sweep\.name: {one} null and a and b; give one$"):
        check_run_wide([Config(), *(Config(sweep=SweepConf(name=name)) for name in "ab")])
    with pytest.raises(SettingError, match=rf"^plan: {one} false and true; give one$"):
        check_run_wide([Config(), Config(plan=True)])


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "x" * 300])
def test_a_sweep_is_named_as_a_folder_can_be(name: str) -> None:
    with pytest.raises(SettingError, match=r"^sweep\.name: "):
        SweepConf(name=name)
