"""The program as its users meet it: exit status, one line for every mistake, and every clip to its right end."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.support import program
from tests.support.clips import Made, make


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def counted(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


WRONG: tuple[tuple[list[str], str], ...] = (
    (["video=demo", "smoothing.window=0"], "smoothing.window: 0 is not an odd number"),
    (["video=demo", "smothing.window=5"], "smothing.window: there is no such setting; did you mean smoothing.w"),
    (["video=demo", "target=[5000,10]"], "target: [5000,10] lies outside the output"),
    (["video=demo", "crop.size=[4000,100]"], "the largest possible is [960,540]"),
    (["video=demo", "pose.model=heavy"], "pose.model: the model 'heavy' is not in"),
    (["video=demo", "smoothing.window=999"], "smoothing.window: "),
    (["video=demo", "smoothing=butterworth", "smoothing.cutoff_hz=15"], "smoothing.cutoff_hz: "),
    (["video=nothing-*.mp4"], "no file matches"),
    (["video=http://example.org/walk.mp4"], "is a web address; download the file first, and give its path"),
    ([], "video: no value was given"),
    (["video=demo", "border=[1,2]"], "border: [1,2] is not one preset; choose one of blur,"),
    (["video=demo", "outputs=[[stabilized]]"], "outputs: its list contains ['stabilized']; "),
    (["video=demo", "pose.min_detection=" + "9" * 400], "pose.min_detection: the number is too large"),
    (["video=demo", "--foo"], "--foo: there is no such option; `stillwalk --help`"),
    (["prune"], "prune: it is a part of cache; type `stillwalk cache prune --help`"),
    (["prune", "--older-than", "30d"], "type `stillwalk cache prune --older-than 30d`"),
    (["video=demo", "output_dir=" + "x" * 300], "output_dir: the name xxxxxxxxxxxxxxxxxxxx... has 300 bytes"),
    (["video=demo", "plan=true", "cache_dir=" + "a/" * 2500], "cache_dir: the path has "),
)


def test_a_wrong_setting_is_one_line_and_status_2(home: Path) -> None:
    asked, sentences = zip(*WRONG, strict=True)
    for done, sentence in zip(program.run_each(asked, cwd=home), sentences, strict=True):
        assert (done.status, done.out, len(done.err.strip().splitlines())) == (2, "", 1), sentence
        assert sentence in done.err


def test_a_file_whose_name_looks_like_a_setting_is_that_file(home: Path) -> None:
    make(home / "${oc.env:HOME}.mp4", Made())
    done = program.run("video=${oc.env:HOME}.mp4", "plan=true", cwd=home, api="http://127.0.0.1:9/api")
    assert f"{home}/${{oc.env:HOME}}.mp4" in done.out
    swept = program.run("-m", "video=${oc.env:HOME}.mp4", "smoothing.window=5,7", "plan=true", cwd=home, api="")
    assert f"{home}/${{oc.env:HOME}}.mp4" in swept.out


def test_videos_that_cannot_be_read_fail_each_with_a_line(home: Path, api: str) -> None:
    (home / "folder.mp4").mkdir()
    (home / "text.mp4").write_text("not a video")
    (home / "empty.mp4").touch()
    make(home / "seen.mp4", Made())
    names = ["text", "empty", "missing"]
    done = program.run(f"video=[{','.join(f'{name}.mp4' for name in [*names, 'seen'])}]", cwd=home, api=api)
    assert done.status == 1
    for name in names:
        (line,) = [line for line in done.err.splitlines() if line.startswith(f"{name}: FAILED: ")]
        assert f"{name}.mp4" in line
    assert "Traceback" not in done.err
    assert "0 of 4 videos done, 4 failed" in done.out


def test_two_unreadable_files_with_equal_bytes_fail_each_under_its_own_name(tmp_path: Path, api: str) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.mp4").write_text("not a video")
    make(tmp_path / "seen.mp4", Made())
    asked = "video=[first.mp4,second.mp4,seen.mp4]"
    done = program.run(asked, cwd=tmp_path, api=api)
    assert done.status == 1
    planned = program.run(asked, "plan=true", cwd=tmp_path, api=api)
    assert planned.status == 1
    lines = [line for line in done.err.splitlines() if not line.startswith("seen: ")]
    for name, line in zip(("first", "second"), lines, strict=True):
        assert line.startswith(f"{name}: FAILED: {name}.mp4: ")
        assert f"  would fail: {name}.mp4: " in planned.out
        assert f"{name}.mp4: " in program.record(tmp_path / "outputs" / name)["error"]


def test_the_demo_gives_every_deliverable_whole(finished: Path) -> None:
    folder = finished / "outputs" / "demo"
    data = "pose.json pose.csv pose.parquet trajectory.parquet masks.npz metrics.json run.json"
    shown = "stabilized.mp4 comparison.mp4 person.mp4 preview.webp report.html"
    assert {*data.split(), *shown.split()} == {path.name for path in folder.iterdir()}
    for name in ("stabilized.mp4", "comparison.mp4", "person.mp4"):
        assert counted(folder / name) == 36
    assert pq.read_table(folder / "trajectory.parquet").num_rows == 36
    assert len(json.loads((folder / "pose.json").read_text())["hip_centers"]) == 36
    assert program.record(folder)["error"] == ""


def test_a_broken_clip_without_a_person_says_both(home: Path, api: str, videos: Path) -> None:
    done = program.run(f"video={videos / 'corrupted_midway.mp4'}", cwd=home, api=api)
    assert done.status == 1
    assert "no person found in 28 frames" in done.err
    folder = home / "outputs" / "corrupted_midway"
    for text in (done.err, json.dumps(program.record(folder)), (folder / "report.html").read_text()):
        assert "28 of 50 frames" in text


def test_a_broken_clip_is_an_error_when_strict(home: Path, api: str, videos: Path) -> None:
    done = program.run(f"video={videos / 'corrupted_midway.mp4'}", "decode.strict=true", cwd=home, api=api)
    assert done.status == 1
    assert "28 of 50 frames" in done.err
    assert "decode.strict=false" in done.err


def test_a_clip_without_a_person_ends_with_status_1_and_that_is_kept(tmp_path: Path, api: str, videos: Path) -> None:
    """With worker processes, which have to tell it; that threads keep a finding too, the sweeps show."""
    asked = (f"video={videos / 'thermal_vfr_no_person.mp4'}", "runner=processes")
    done = program.run(*asked, cwd=tmp_path, api=api)
    assert done.status == 1
    assert "no person found in 84 frames" in done.err
    folder = tmp_path / "outputs" / "thermal_vfr_no_person"
    assert not (folder / "stabilized.mp4").exists()
    (key,) = program.record(folder)["findings"]
    pruned = program.run("cache", "prune", "--unused", cwd=tmp_path, api=api)
    assert pruned.out.startswith("0 entries and 0 leftovers of ")
    assert [path.name for path in (tmp_path / "outputs" / ".cache" / "pose").iterdir()] == [key]
    planned = program.run(*asked, "plan=true", cwd=tmp_path, api=api)
    assert planned.status == 1
    assert "  would fail: no person found in 84 frames" in planned.out


def lying_on_its_side(source: Path, path: Path, frames: int) -> None:
    """The start of a clip as a telephone stores it: pictures a quarter turn clockwise, a display matrix, the sound."""
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        picture, sound = read.streams.video[0], read.streams.audio[0]
        stored = write.add_stream("libx264", rate=30, width=picture.height, height=picture.width)
        stored.options = {"preset": "ultrafast"}
        stored.set_display_rotation(90)
        copied = write.add_stream_from_template(sound)
        for number, frame in enumerate(read.decode(picture)):
            if number == frames:
                break
            turned = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), -1), np.uint8)
            write.mux(stored.encode(av.VideoFrame.from_ndarray(turned, format="rgb24")))
        write.mux(stored.encode())
        read.seek(0)
        for packet in read.demux(sound):
            if packet.pts is not None and packet.pts * float(sound.time_base or 0) < frames / 30:
                packet.stream = copied
                write.mux(packet)


def test_a_rotated_clip_comes_out_upright_with_its_sound(home: Path, api: str, videos: Path) -> None:
    clip = home / "telephone.mov"
    lying_on_its_side(videos / "lab_walk_side.mp4", clip, frames=60)
    done = program.run(f"video={clip}", "outputs=[stabilized]", cwd=home, api=api)
    assert done.status == 0, done.err
    with av.open(str(home / "outputs" / clip.stem / "stabilized.mp4")) as made, av.open(str(clip)) as source:
        assert (source.streams.video[0].width, source.streams.video[0].height) == (720, 1280)
        assert (made.streams.video[0].width, made.streams.video[0].height) == (1280, 720)
        assert [one.name for one in made.streams.audio] == [one.name for one in source.streams.audio] == ["aac"]
    assert counted(home / "outputs" / clip.stem / "stabilized.mp4") == 60


def test_a_printed_figure_is_no_person(home: Path, api: str, videos: Path) -> None:
    clip = videos / "phone_rotated_printed_figure.mov"
    done = program.run(f"video={clip}", "outputs=[pose]", cwd=home, api=api)
    assert done.status == 1 and "no person found in 120 frames" in done.err


def test_a_failure_never_replaces_an_earlier_success(
    finished: Path, drawn: Path, home: Path, api: str, videos: Path
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", home / "outputs" / ".cache", dirs_exist_ok=True)
    shutil.copy(drawn, home / "mine.mp4")
    assert program.run("video=mine.mp4", "outputs=[pose]", cwd=home, api=api).status == 0
    before = {path.name: path.read_bytes() for path in (home / "outputs" / "mine").iterdir()}
    shutil.copy(videos / "corrupted_midway.mp4", home / "mine.mp4")
    assert program.run("video=mine.mp4", "outputs=[pose]", cwd=home, api=api).status == 1
    assert {path.name: path.read_bytes() for path in (home / "outputs" / "mine").iterdir()} == before


@pytest.mark.parametrize("arguments", [["--help"], ["video=demo", "--cfg", "job"], ["-sc", "query=bash"]])
def test_help_configuration_and_completion_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv[1:] = " + repr(arguments) + "\n"
        "from flows.stabilize import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'prefect', 'mediapipe', 'cv2', 'av', 'PIL', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    environment = {"COMP_LINE": "stillwalk smoothing.w", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(program.ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert "HEAVY []" in done.stdout
    assert len(done.stdout.splitlines()) > 1


def test_a_configuration_of_ones_own_goes_on_from_ours(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("defaults: [config, _self_]\nsmoothing: {window: 21}\n")
    (tmp_path / "bare.yaml").write_text("smoothing: {window: 21}\n")

    def run(name: str) -> program.Ended:
        mine = (f"--config-dir={tmp_path}", f"--config-name={name}")
        return program.run(*mine, *program.DEMO, "plan=true", cwd=finished, api="http://127.0.0.1:9/api")

    done = run("mine")
    assert (done.status, done.err) == (0, "")
    assert "smoothing.window: 5 -> 21" in done.out
    done = run("bare")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(
        "stillwalk: --config-name: the file does not include the program's settings; begin it with"
    )
