"""What benchmarks say where their figures are obvious: of stages, of another tool, of cameras."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from tests.benchmarks.accuracy.cameras import misses_px, read_cameras
from tests.benchmarks.cost.search_share import smaller
from tests.benchmarks.cost.stage_trace import BETWEEN, Look, Span, use_by_stage, use_table, watch
from tests.benchmarks.measuring import PeerFailed, peer
from tests.support.clips import Made, make

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


def test_a_clip_is_made_smaller_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mp4", Made())
    with av.open(str(smaller(clip, tmp_path / "new" / "folder", 0.5))) as made:
        assert [(frame.width, frame.height) for frame in made.decode(video=0)] == [(32, 24)] * 12


def calibration(path: Path, turns_deg: Sequence[float]) -> Path:
    """Cameras in a circle of 4 m around the middle of the room, which all look there."""
    lens = {"focalLengthU": 64_000, "focalLengthV": 64_000, "centerPointU": 32_000, "centerPointV": 32_000}
    lens |= {f"radialDistortion{one}": 0 for one in "123"} | {f"tangentalDistortion{one}": 0 for one in "12"}
    root = ElementTree.Element("calibration")
    for number, turn in enumerate(np.deg2rad(turns_deg)):
        camera = ElementTree.SubElement(root, "camera", serial=f"cam{number}")
        back = np.array([np.cos(turn), np.sin(turn), 0])  # from the middle to the camera; z points up
        turned = np.array([np.cross([0, 0, 1], back), [0, 0, 1], back])
        place = {f"r{row + 1}{column + 1}": turned[row, column] for row in range(3) for column in range(3)}
        place |= dict(zip("xyz", 4000 * back, strict=True))
        for name, values in (("transform", place), ("intrinsic", lens)):
            ElementTree.SubElement(camera, name, {key: str(value) for key, value in values.items()})
    ElementTree.ElementTree(root).write(path)
    return path


def test_cameras_that_see_one_point_agree_and_one_that_trembles_does_not(tmp_path: Path) -> None:
    cameras = list(read_cameras(calibration(tmp_path / "three.qca.txt", (0, 70, 160))).values())
    walk_mm = np.stack([np.linspace(-500, 500, 40), np.full(40, 100.0), np.linspace(0, 80, 40)], axis=1)
    rays = [(pose[:, :3] @ walk_mm.T).T + pose[:, 3] for _, _, pose in cameras]
    seen = np.stack([500 + 1000 * ray[:, :2] / ray[:, 2:] for ray in rays], axis=1)
    assert seen[0, 0, 1] == pytest.approx(500) and np.all(rays[0][:, 2] > 3000), "y down, z forward"
    assert np.abs(misses_px(cameras, seen)).max() < 1e-6
    seen[::2, 0] += 5
    missed = misses_px(cameras, seen)
    assert np.abs(missed[1::2]).max() < 1e-6
    assert np.hypot(*missed[::2, 0].T).min() > 1
