"""What runs again after which change: the table that the whole design stands on, seen in ``run.json``."""

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.support import program

CLIP = "walk.mp4"
RENDERS = {"stabilized.mp4", "comparison.mp4", "person.mp4", "preview.webp", "report.html"}
ALL = {"decode", "pose", "people", "subject", "masks", "offsets", "trajectory", "scene"} | RENDERS
DATA = {"pose.json", "pose.csv", "pose.parquet", "trajectory.parquet", "masks.npz", "metrics.json"}
SAME = sorted(DATA | RENDERS - {"report.html"})  # of one video with the same settings; the report says what was cached
EMPTY_BOX = b"\0\0\0\x08free"  # at the end of an MP4 file: other bytes, the same video


class Bench:
    """A folder of the user's with a clip for which all is done, and the program run in it."""

    def __init__(self, home: Path, api: str) -> None:
        self.home, self.api = home, api
        self.cache = home / "outputs" / ".cache"

    def run(self, *overrides: str, video: str = CLIP) -> program.Ended:
        done = program.run(f"video={video}", *overrides, cwd=self.home, api=self.api)
        assert done.status == 0, done.err
        return done

    def folder(self, clip: str = "walk") -> Path:
        return self.home / "outputs" / clip

    def ran(self) -> set[str]:
        return program.ran(self.folder())

    def cached(self, title: str) -> Path:
        """Folder of the cache that holds a stage of the clip."""
        for stage in program.record(self.folder())["stages"]:
            if title in (stage["output"], stage["stage"]):
                return Path(self.cache, stage["stage"], stage["key"])
        raise KeyError(title)


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in SAME}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, finished: Path, drawn: Path, api: str) -> Bench:
    """The clip is the drawn walker, for which the demo has done everything."""
    assert program.ran(finished / "outputs" / "demo") == {"demo"} | ALL
    ready = Bench(tmp_path_factory.mktemp("clips"), api)
    shutil.copytree(finished / "outputs" / ".cache", ready.cache)
    shutil.copy(drawn, ready.home / CLIP)
    return ready


def test_the_same_again_runs_nothing(bench: Bench) -> None:
    bench.run()
    assert bench.ran() == set()


def test_another_window_runs_trajectory_and_render_only(bench: Bench) -> None:
    bench.run("smoothing.window=9")
    assert bench.ran() == {"trajectory"} | RENDERS
    kept = [path for path in (bench.cache / "matte").iterdir() if (path / "done.json").exists()]
    assert len(kept) == 1  # the mattes of the first run


def test_another_size_of_the_output_runs_trajectory_and_render_only(bench: Bench) -> None:
    bench.run("crop.output=320x180", "lock.height=0.5", "outputs=[stabilized]")
    assert bench.ran() == {"trajectory", "stabilized.mp4", "report.html"}


def test_another_rule_that_chooses_the_same_person_runs_the_choice_only(bench: Bench) -> None:
    bench.run("subject=largest")
    assert bench.ran() == {"subject"}


def test_another_background_runs_the_person_only(bench: Bench) -> None:
    bench.run("background.color=[10,20,30]")
    assert bench.ran() == {"person.mp4"}


@pytest.mark.parametrize(
    ("deleted", "truncated"),
    [
        ({"pose": "people.parquet"}, {"person.mp4": "person.mp4"}),
        ({"subject": "pose.parquet"}, {}),
        ({"trajectory": "trajectory.parquet"}, {"masks": "masks.npz"}),
    ],
)
def test_a_damaged_artifact_runs_its_stage_and_the_same_bytes_stop_there(
    bench: Bench, deleted: dict[str, str], truncated: dict[str, str]
) -> None:
    """Two that are damaged together take nothing of one another: what takes something of either is whole."""
    bench.run()
    for stage, file in deleted.items():
        (bench.cached(stage) / file).unlink()
    for stage, file in truncated.items():
        broken = bench.cached(stage) / file
        broken.write_bytes(broken.read_bytes()[:100])
    bench.run()
    assert bench.ran() == {*deleted, *truncated}


def test_the_same_file_under_another_name_runs_nothing(bench: Bench) -> None:
    shutil.copy(bench.home / CLIP, bench.home / "Übung [2] (neu).mov")
    bench.run(video="Übung [2] (neu).mov")
    assert program.ran(bench.folder("Übung [2] (neu)")) == set()


def test_a_second_video_of_the_same_name_gets_a_folder_of_its_own(bench: Bench) -> None:
    bench.run()
    (bench.home / "other").mkdir()
    (bench.home / "other" / CLIP).write_bytes((bench.home / CLIP).read_bytes() + EMPTY_BOX)
    before = program.record(bench.folder())
    done = bench.run("outputs=[pose]", video=f"other/{CLIP}")
    assert program.record(bench.folder()) == before
    assert "outputs/walk-" in done.out


def test_an_edited_helper_runs_the_stages_that_use_it(bench: Bench) -> None:
    copy = bench.home / "copy"
    for folder in ("conf", "flows", "tasks"):
        shutil.copytree(program.ROOT / folder, copy / folder)
    smoothers = copy / "tasks" / "maths" / "path" / "smoothers.py"
    smoothers.write_text(smoothers.read_text() + "\nEDITED = True\n")
    done = program.ended(program.start(f"video={CLIP}", cwd=bench.home, api=bench.api, root=copy))
    assert done.status == 0, done.err
    assert bench.ran() == {"trajectory"}


def test_two_commands_at_once_are_both_right(drawn: Path, finished: Path, tmp_path: Path, api: str) -> None:
    both = [program.start_copy(f"video={drawn}", cwd=tmp_path, api=api) for _ in range(2)]
    assert [program.ended(one).status for one in both] == [0, 0]
    assert digests(tmp_path / "outputs" / "demo") == digests(finished / "outputs" / "demo")
