"""Values of the form that ask for more than a video and its settings are refused, in a line that repeats none."""

from pathlib import Path

import pytest

from flows.config import settings
from flows.config.overrides import quote_argument, sweep_combinations
from flows.prefect_server.form_guard import require_inside, require_plain_overrides
from tasks.errors import SettingError
from tests.flows.config.composing import compose_once


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    compose_once(monkeypatch)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SECRET", "hunter2")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "list.txt").write_text("hunter2\n")
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "walk.mp4").touch()
    (folder / "good.txt").write_text("walk.mp4\n# a note\n")
    (folder / "secret.txt").write_text("hunter2\nwalk.mp4\n")
    (folder / "glob.txt").write_text("hunter2*.mp4\n")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere" / "list.txt")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(folder)
    return folder


def guarded(overrides: list[str], served: Path, *, sweep: bool = False) -> None:
    quoted = [quote_argument(override, sweep=sweep) for override in require_plain_overrides(overrides)]
    jobs = sweep_combinations(quoted)[0] if sweep else [quoted]
    for job in jobs:
        require_inside(settings.load(job), served)


@pytest.mark.parametrize(
    "override",
    [
        "smoothing.window=${oc.env:SECRET}",
        "video='${oc.env:SECRET}'",
        "video=a$ {oc.env:SECRET}",
        "sweep.name=hunter2-${oc.env:SECRET}",
        "video=@/etc/passwd",
        "video=[@/etc/passwd,walk.mp4]",
        "video=['@/etc/passwd']",
        "video=@../elsewhere/list.txt",
        "video=@~/hunter2",
        "video=@link.txt",
        "video=@secret.txt",
        "video=@glob.txt",
        "video=@hunter2.txt",
        "output_dir=/hunter2",
        "output_dir=../hunter2",
        "output_dir=out/hunter2",
        "output_dir=~/hunter2",
        "output_dir='/hunter2'",
        "storage=file:///hunter2",
        "video=s3://hunter2/",
        "video=[s3://hunter2/walk.mp4]",
        "cache_dir=/hunter2",
        "models.dir=/hunter2",
        "models={dir:/hunter2}",
        "background.image=/etc/hunter2.png",
        "corrections=/etc/hunter2.csv",
        "runner=dask",
        "runner.kind=dask",
        "hydra/launcher=hunter2",
        "hydra.sweeper.hunter2=1",
        "hydra={launcher:hunter2}",
        "+hunter2=1",
        "~hunter2=1",
        "smoothing@hunter2=gaussian",
        "smoothing=../hunter2",
        "smoothing={hunter2:1}",
        "hunter2",
        "--config-dir=hunter2",
        "video=walk.mp4\nhunter2",
        "video=\x1b[2Jhunter2",
    ],
)
def test_a_value_that_reads_writes_or_runs_elsewhere_is_refused_and_not_repeated(override: str, served: Path) -> None:
    with pytest.raises(SettingError) as told:
        guarded([override] if override.startswith("video") else [override, "video=walk.mp4"], served)
    assert "hunter2" not in str(told.value)
    assert "passwd" not in str(told.value)
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.parametrize(
    "override",
    ["output_dir=inside,/hunter2", "output_dir=choice(inside,/hunter2)", "cache_dir=choice(inside,'../hunter2')"],
)
def test_every_value_of_a_sweep_is_checked(override: str, served: Path) -> None:
    with pytest.raises(SettingError, match="outside the served folder"):
        guarded(["video=demo", override], served, sweep=True)


@pytest.mark.parametrize(
    "overrides",
    [
        ["video=/videos/walk.mp4", "smoothing.window=9"],
        ["video=@good.txt", "output_dir=results", "cache_dir=results/cache"],
        ["video=[walk.mp4,demo]", "smoothing=gaussian", "border.color=[0,0,0]"],
        ["video=demo", "", "  "],
        ["video=demo", "runner=processes"],
    ],
)
def test_a_video_and_its_settings_pass(overrides: list[str], served: Path) -> None:
    guarded(overrides, served)
