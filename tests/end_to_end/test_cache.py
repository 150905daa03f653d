"""What runs again after which change: the table that the whole design stands on, seen in ``run.json``."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.support import program

RENDERS = {"stabilized.mp4", "comparison.mp4", "person.mp4", "preview.webp", "report.html"}
ALL = {"decode", "pose", "people", "subject", "masks", "offsets", "trajectory", "scene"} | RENDERS
START = "clip.to=1.5"  # seconds: what runs again does not depend on the length
DATA = ("pose.json", "pose.csv", "pose.parquet", "trajectory.parquet", "masks.npz", "metrics.json")


class Bench:
    """A folder of the user's with two real clips, and the program run in it."""

    def __init__(self, home: Path, api: str, videos: Path) -> None:
        self.home, self.api = home, api
        for name in ("moonwalk.mp4", "gym_jog_moving_camera.mp4"):
            shutil.copy(videos / name, home)
        self.clips = ["moonwalk", "gym_jog_moving_camera"]

    def run(self, *overrides: str, video: str = "*.mp4") -> program.Ended:
        done = program.run(f"video={video}", START, *overrides, cwd=self.home, api=self.api)
        assert done.status == 0, done.err
        return done

    def folder(self, clip: str) -> Path:
        return self.home / "outputs" / clip

    def ran(self) -> list[set[str]]:
        return [program.ran(self.folder(clip)) for clip in self.clips]

    def cached(self, clip: str, title: str) -> Path:
        """Folder of the cache that holds a stage of a clip."""
        for stage in program.record(self.folder(clip))["stages"]:
            if title in (stage["output"], stage["stage"]):
                return Path(self.home, "outputs", ".cache", stage["stage"], stage["key"])
        raise KeyError(title)

    def bytes_of(self, clip: str) -> dict[str, str]:
        return {name: hashlib.sha256((self.folder(clip) / name).read_bytes()).hexdigest() for name in DATA}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, api: str, videos: Path) -> Bench:
    ready = Bench(tmp_path_factory.mktemp("clips"), api, videos)
    ready.run()
    assert ready.ran() == [ALL, ALL]
    return ready


def test_the_same_again_runs_nothing(bench: Bench) -> None:
    bench.run()
    assert bench.ran() == [set(), set()]


def test_another_window_runs_trajectory_and_render_only(bench: Bench) -> None:
    bench.run("smoothing.window=9")
    assert bench.ran() == [{"trajectory"} | RENDERS] * 2
    kept = [path for path in Path(bench.home, "outputs", ".cache", "matte").iterdir() if (path / "done.json").exists()]
    assert len(kept) == 2  # each video's mattes, of the first run


def test_another_size_of_the_output_runs_trajectory_and_render_only(bench: Bench) -> None:
    bench.run("crop.output=320x180", "lock.height=0.5", "outputs=[stabilized]", video="moonwalk.mp4")
    assert program.ran(bench.folder("moonwalk")) == {"trajectory", "stabilized.mp4", "report.html"}


def test_another_rule_that_chooses_the_same_person_runs_the_choice_only(bench: Bench) -> None:
    bench.run("subject=largest")
    assert bench.ran() == [{"subject"}] * 2


def test_another_background_runs_the_person_only(bench: Bench) -> None:
    bench.run("background.color=[10,20,30]")
    assert bench.ran() == [{"person.mp4"}] * 2


@pytest.mark.parametrize(
    ("stage", "file", "damage"),
    [
        ("pose", "people.parquet", "deleted"),
        ("subject", "pose.parquet", "deleted"),
        ("masks", "masks.npz", "truncated"),
        ("trajectory", "trajectory.parquet", "deleted"),
        ("person.mp4", "person.mp4", "truncated"),
    ],
)
def test_a_damaged_artifact_runs_its_stage_and_the_same_bytes_stop_there(
    bench: Bench, stage: str, file: str, damage: str
) -> None:
    bench.run()
    broken = bench.cached("moonwalk", stage) / file
    if damage == "deleted":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:100])
    bench.run(video="moonwalk.mp4")
    assert program.ran(bench.folder("moonwalk")) == {stage}


def test_the_same_file_under_another_name_runs_nothing(bench: Bench) -> None:
    shutil.copy(bench.home / "moonwalk.mp4", bench.home / "Übung [2] (neu).mov")
    bench.run(video="Übung [2] (neu).mov")
    assert program.ran(bench.folder("Übung [2] (neu)")) == set()


def test_a_second_video_of_the_same_name_gets_a_folder_of_its_own(bench: Bench) -> None:
    (bench.home / "other").mkdir()
    shutil.copy(bench.home / "gym_jog_moving_camera.mp4", bench.home / "other" / "moonwalk.mp4")
    before = program.record(bench.folder("moonwalk"))
    done = bench.run(video="other/moonwalk.mp4")
    assert program.record(bench.folder("moonwalk")) == before
    assert "outputs/moonwalk-" in done.out


def test_an_edited_helper_runs_the_stages_that_use_it(bench: Bench) -> None:
    copy = bench.home / "copy"
    for folder in ("conf", "flows", "tasks"):
        shutil.copytree(program.ROOT / folder, copy / folder)
    smoothers = copy / "tasks" / "maths" / "path" / "smoothers.py"
    smoothers.write_text(smoothers.read_text() + "\nEDITED = True\n")
    done = program.run("video=moonwalk.mp4", START, cwd=bench.home, api=bench.api, root=copy)
    assert done.status == 0, done.err
    assert program.ran(bench.folder("moonwalk")) == {"trajectory"}


def test_two_commands_at_once_are_both_right(bench: Bench, videos: Path) -> None:
    home = bench.home / "twice"
    home.mkdir()
    shutil.copy(videos / "moonwalk.mp4", home)
    both = [program.start("video=moonwalk.mp4", START, cwd=home, api=bench.api) for _ in range(2)]
    assert [program.ended(one).status for one in both] == [0, 0]
    twice = Path(home / "outputs" / "moonwalk")
    alone = bench.bytes_of("moonwalk")
    assert {name: hashlib.sha256((twice / name).read_bytes()).hexdigest() for name in DATA} == alone
