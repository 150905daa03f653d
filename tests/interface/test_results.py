"""What ``load`` gives of a folder, and how ``stabilize`` says settings: without a run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stillwalk
from flows.config import settings
from stillwalk import Frames, OutputError, Results, SettingError, load, stabilize
from stillwalk.runs import _overrides
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.tables import write_table
from tests.support.clips import Made, make

FRAMES, SIZE_PX = 3, (32, 24)


def results(folder: Path, **more: Any) -> Path:
    """A folder of results with masks and a trajectory."""
    names = [f"to_{space}_{row}{column}" for space in ("output", "source") for row in range(2) for column in range(3)]
    columns = {name: np.full(FRAMES, float(place)) for place, name in enumerate(names)}
    columns |= {name: np.arange(FRAMES) / 2 for name in ("time_s", "anchor_x_px", "anchor_y_px")}
    write_table(folder / "trajectory.parquet", columns | {"state": np.array(["measured"] * FRAMES)})
    with mask_writer(folder / "masks.npz") as masks:
        for value in range(FRAMES):
            edges = np.array([7.5, 3.5, 15.5, 11.5], np.float32)
            masks.write(Mask(np.full((4, 4), value + 1, np.uint8), edges, MaskState.measured))
    files = {name: {"sha256": "0" * 64, "bytes": 1} for name in ("trajectory.parquet", "masks.npz")}
    record = {
        "video": {"name": "walk", "path": "/walk.mp4", "sha256": "0"},
        "clip": {"width_px": SIZE_PX[0], "height_px": SIZE_PX[1], "frames": FRAMES},
        "deliverables": files,
    }
    (folder / "run.json").write_text(json.dumps(record | more))
    return folder


def test_the_trajectory_has_a_matrix_for_each_frame(tmp_path: Path) -> None:
    trajectory = load(results(tmp_path)).trajectory
    assert trajectory.to_output.shape == (FRAMES, 2, 3)
    assert trajectory.to_source[1].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert trajectory.anchor_px[:, 1].tolist() == [0, 0.5, 1]
    assert trajectory.state.tolist() == ["measured"] * FRAMES


def test_masks_lie_in_the_source_where_their_box_is(tmp_path: Path) -> None:
    masks = load(results(tmp_path)).masks
    assert len(masks) == len(list(masks)) == FRAMES
    expected = np.zeros(SIZE_PX[::-1], np.uint8)
    expected[4:12, 8:16] = FRAMES
    assert np.array_equal(masks[-1], expected)
    with pytest.raises(IndexError, match="frame 3 of 3"):
        masks[FRAMES]


def test_a_frame_by_its_number_is_the_one_that_iterating_gives(tmp_path: Path) -> None:
    frames = Frames(make(tmp_path / "clip.mp4", Made(ticks=range(0, 5 * 512, 512))))
    every = list(frames)
    assert len(frames) == len(every)
    assert every[0].shape == (*frames.size_px[::-1], 3)
    assert np.array_equal(frames[3], every[3])
    assert np.array_equal(frames[-1], every[-1])
    assert not np.array_equal(every[3], every[-1])


def test_people_come_by_number(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"person-{number}").mkdir()
        results(tmp_path / f"person-{number}", person=number)
    (tmp_path / "person-pictures").mkdir()  # somebody's own
    people = load(results(tmp_path)).people()
    assert [one.record["person"] for one in people] == [1, 2, 10]


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    found = load(results(tmp_path))
    assert isinstance(found, Results)
    with pytest.raises(OutputError, match=r"it holds no stabilized.mp4, but masks.npz, trajectory.parquet"):
        found.frames()
    with pytest.raises(OutputError, match="name the folder of a video"):
        load(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="the run failed: no person"):
        load(results(tmp_path, error="no person"))


@pytest.mark.parametrize("damage", [{"clip": None}, {"clip": {"width_px": 32, "frames": 3}}, {"clip": {}}])
def test_a_record_that_is_not_whole_is_refused(damage: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"run\.json: it is not whole; run again"):
        load(results(tmp_path, **damage))


def test_a_record_that_names_no_files_is_refused(tmp_path: Path) -> None:
    path = results(tmp_path) / "run.json"
    record = json.loads(path.read_text())
    del record["deliverables"]
    path.write_text(json.dumps(record))
    with pytest.raises(OutputError, match=r"run\.json: it is not whole; run again"):
        load(tmp_path)


def test_a_table_is_a_data_frame_with_the_columns_of_its_file(tmp_path: Path) -> None:
    found = load(results(tmp_path, deliverables={name: {} for name in ("trajectory.parquet", "exports/events.csv")}))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports/events.csv").write_text("event,time_s\nheel strike,0.5\n")
    assert found.table("exports/events.csv").to_dict("records") == [{"event": "heel strike", "time_s": 0.5}]
    assert found.table("trajectory.parquet").anchor_y_px.tolist() == [0, 0.5, 1]


def test_what_is_no_table_or_damaged_is_refused_as_a_table(tmp_path: Path) -> None:
    found = load(results(tmp_path))
    with pytest.raises(OutputError, match=r"masks\.npz: it is no table; those of this run are trajectory\.parquet$"):
        found.table("masks.npz")
    (tmp_path / "trajectory.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(OutputError, match=r"trajectory\.parquet: cannot be read .*; run again"):
        found.table("trajectory.parquet")


def test_a_trajectory_without_a_column_is_refused(tmp_path: Path) -> None:
    found = load(results(tmp_path))
    write_table(tmp_path / "trajectory.parquet", {"time_s": np.arange(FRAMES) / 2})
    with pytest.raises(OutputError, match="it has no column 'anchor_x_px'; run again"):
        _ = found.trajectory


def test_the_lazy_names_can_be_listed() -> None:
    assert {"load", "stabilize", "Frames"} <= set(dir(stillwalk))


def test_settings_become_the_words_of_the_command_line() -> None:
    assert _overrides("lock", {"x": 0.5, "scale": True}) == ["lock.x=0.5", "lock.scale=true"]
    assert _overrides("outputs", ["stabilized", "masks"]) == ["outputs=[stabilized,masks]"]
    assert _overrides("cache_dir", Path("/a b")) == ["cache_dir=/a b"]
    assert _overrides("clip.to_s", "00:01:02.5") == ['clip.to_s="00:01:02.5"']
    assert _overrides("subject", 2) == ["subject=2"]
    assert _overrides("crop.keep", None) == ["crop.keep=null"]
    assert _overrides("clip", {"from": 1, "to": 2}) == ["clip.from=1", "clip.to=2"]
    with pytest.raises(SettingError, match="exports: a set is no value of a setting"):
        _overrides("exports", {"trc"})


def test_a_setting_that_is_a_mapping_stays_one() -> None:
    settings.register_schema()
    weights, paths = {"left_hip": 1, "nose": 0.5}, {"/data": "/mnt/my data"}
    given = [*_overrides("anchor", {"landmarks": weights}), *_overrides("runner", {"kind": "dask", "paths": paths})]
    config = settings.load(["video=demo", *given])
    assert (config.anchor.landmarks, config.runner.paths) == (weights, paths)


def test_a_setting_that_does_not_exist_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"smothing.window: there is no such setting; did you mean smoothing.window"):
        stabilize("demo", output_dir=tmp_path, smothing={"window": 5})
    assert not list(tmp_path.iterdir())


def test_one_text_instead_of_a_list_of_overrides_is_refused() -> None:
    with pytest.raises(SettingError, match=r'^overrides: crop=auto is one text; give a list, as in \["crop=auto"\]$'):
        stabilize("demo", "crop=auto")


def test_one_call_is_one_video(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(SettingError, match="names 2 videos"):
        stabilize(tmp_path)
