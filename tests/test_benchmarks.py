"""What ``tests.benchmarks.bench`` says of stages and of another tool, for looks and tools whose figures are obvious."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.benchmarks.cost.stage_trace import BETWEEN, Look, Span, use_by_stage, use_table, watch
from tests.benchmarks.measuring import PeerFailed, peer

POSE_THEN_VIDEOS = [Span("pose", 2.0, 6.0), Span("render", 6.0, 10.0), Span("matte", 6.0, 10.0)]


def looks(*runnable: int) -> list[Look]:
    """One look a second, and one more at the end; memory grows by 1 MB a second."""
    return [Look(float(second), count, 100.0 + second) for second, count in enumerate([*runnable, 0])]


def test_each_moment_belongs_to_the_stages_that_compute_at_that_time() -> None:
    pose, videos, rest = use_by_stage(looks(1, 1, 1, 1, 2, 2, 4, 4, 4, 4), POSE_THEN_VIDEOS, cores=2)
    assert (pose.stages, videos.stages, rest.stages) == ("pose", "matte + render", BETWEEN)
    assert (pose.share, videos.share, rest.share) == pytest.approx((0.4, 0.4, 0.2))
    assert (pose.runnable, videos.runnable, rest.runnable) == pytest.approx((1.5, 4.0, 1.0))
    assert (pose.alone_share, videos.alone_share, rest.alone_share) == pytest.approx((0.2, 0.0, 0.2))
    assert (pose.peak_mb, videos.peak_mb) == (105.0, 109.0)


def test_with_more_cores_only_what_could_use_them_takes_less_time_so_the_rest_weighs_more() -> None:
    pose, *_ = use_by_stage(looks(1, 1, 1, 1, 2, 2, 4, 4, 4, 4), POSE_THEN_VIDEOS, cores=2)
    assert pose.more_cores_share == pytest.approx(2 / 8)  # 4 s with four threads take 2 s, all else takes as long
    same, *_ = use_by_stage(looks(1, 1, 1, 1, 2, 2, 4, 4, 4, 4), POSE_THEN_VIDEOS, cores=4)
    assert same.more_cores_share == same.alone_share


def test_a_moment_without_a_runnable_thread_is_alone_too() -> None:
    (pose,) = use_by_stage(looks(0, 0, 3, 3), [Span("pose", 0.0, 9.0)], cores=2)
    assert pose.alone_share == pytest.approx(0.5)


def test_the_table_names_the_stage_that_is_alone_for_longest_and_not_the_start() -> None:
    spans = [Span("decode", 4.0, 5.0), Span("pose", 5.0, 7.0)]
    said = use_table(use_by_stage(looks(1, 1, 1, 1, 1, 1, 1, 3, 3, 3), spans, cores=2), cores=2)
    assert said.endswith("Alone for longest: pose, 20.0% of the run here, 22.2% with 4 cores.")


def test_the_threads_of_a_child_are_counted_and_the_watch_ends_with_the_process() -> None:
    work = "import time\nheld = b'x' * (100 << 20)\nwhile time.process_time() < 0.5: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    seen: list[Look] = []
    process = subprocess.Popen([sys.executable, "-c", parent])
    watcher = threading.Thread(target=watch, args=(process.pid, seen))
    watcher.start()
    watcher.join(60)
    assert not watcher.is_alive()
    assert process.wait() == 0
    with_child = [look for look in seen if look.resident_mb > 100]
    assert any(look.runnable for look in with_child)


def tool(folder: Path, text: str) -> Path:
    (folder / "src").mkdir()
    (folder / "src" / "run.py").write_text(text)
    return folder


WRITES = "import sys, shutil, helper; shutil.copyfile(sys.argv[2], sys.argv[4] + '/one.mp4')"


def test_another_tool_runs_in_its_own_folder_with_its_own_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"x")
    (tmp_path / "tool").mkdir()
    folder = tool(tmp_path / "tool", WRITES)
    (folder / "src" / "helper.py").write_text("import os; assert 'PYTHONPATH' not in os.environ")
    spent = peer(clip, folder, sys.executable, tmp_path / "out")
    assert spent.wall_s > 0
    assert (tmp_path / "out" / "one.mp4").read_bytes() == b"x"
    assert sorted(path.name for path in folder.iterdir()) == ["src"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('no model'); raise SystemExit(3)", "it ended with 3: no model"),
        ("print('completed successfully!')", "it wrote no video: completed successfully!"),
    ],
)
def test_a_tool_that_fails_is_not_measured_also_where_it_says_that_it_succeeded(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(PeerFailed) as failed:
        peer(tmp_path / "clip.mp4", tool(tmp_path, text), sys.executable, tmp_path / "out")
    assert str(failed.value) == said


def test_an_interpreter_that_is_not_there_is_a_tool_that_fails(tmp_path: Path) -> None:
    with pytest.raises(PeerFailed, match="no_such_python"):
        peer(tmp_path / "clip.mp4", tool(tmp_path, ""), os.fspath(tmp_path / "no_such_python"), tmp_path / "out")
