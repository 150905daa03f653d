"""The data set: read by the library that it is made for, and the same bytes each time."""

import gc
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import webdataset
from PIL import Image

from conf.enums import BorderMode, DatasetPicture, Interpolation
from conf.exports import DatasetConf
from conf.render import BorderConf
from tasks.exports.learning.webdataset import write_webdataset
from tasks.exports.requests import DatasetRequest
from tasks.maths.body.landmarks import LANDMARK_COUNT, PoseTrack
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.tables import write_json
from tests.support.artifacts import artifact, pose_artifact
from tests.support.clips import Made, make
from tests.tasks.rendering.render_jobs import job, pictures, stabilized

FRAMES, SHIFT_PX = 7, np.array([12.0, -8.0])
NOBODY = 4  # a frame
BORDER = BorderConf(BorderMode.constant, [0, 0, 0])


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> DatasetRequest:
    """A clip whose frames are shifted, with a square mask, and all landmarks in its middle; nobody in one frame."""
    folder = tmp_path_factory.mktemp("dataset")
    source = make(folder / "clip.mp4", Made(size_px=(96, 64), ticks=range(0, FRAMES * 512, 512)))
    work = job(folder, source, SHIFT_PX[None])
    width, height = work.clip.size_px
    square = np.zeros((height, width), np.uint8)
    square[20:40, 30:50] = 255
    (folder / "masks").mkdir()
    edges_px = np.array([-0.5, -0.5, width - 0.5, height - 0.5], np.float32)
    with mask_writer(folder / "masks" / "masks.npz") as masks:
        for frame in range(FRAMES):
            masks.write(Mask(square, edges_px, MaskState.nobody if frame == NOBODY else MaskState.measured))
    xy_px = np.tile(np.array([39.5, 29.5]), (FRAMES, LANDMARK_COUNT, 1))
    xy_px[NOBODY] = np.nan
    seen = np.where(np.isnan(xy_px[..., 0]), np.nan, 0.9)
    pose_artifact(folder / "subject", PoseTrack(np.arange(FRAMES) / 30, xy_px, seen, seen, seen))
    write_json(folder / "subject" / "subject.json", {"person": 2})
    return DatasetRequest(
        export="webdataset",
        source=source,
        clip=work.decoded,
        subject=artifact("subject", folder / "subject"),
        masks=artifact("masks", folder / "masks"),
        trajectory=work.trajectory,
        border=BORDER,
        interpolation=Interpolation.cubic,
        dataset=DatasetConf(shard_samples=3, picture=DatasetPicture.png),
    )


def written(asked: DatasetRequest, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    return write_webdataset(asked, folder, lambda _: None)


@contextmanager
def closed_by_collector() -> Iterator[None]:
    """The library leaves the last file that it reads to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def samples(folder: Path) -> list[dict[str, Any]]:
    shards = sorted(map(str, folder.glob("*.tar")))
    with closed_by_collector():
        return list(webdataset.WebDataset(shards, shardshuffle=False))


def opened(content: bytes) -> np.ndarray[Any, Any]:
    return np.array(Image.open(BytesIO(content)))


def test_the_library_webdataset_reads_every_frame_in_order(asked: DatasetRequest, tmp_path: Path) -> None:
    facts = written(asked, tmp_path / "out")
    assert (facts["frames"], facts["shards"]) == (FRAMES, 3)
    found = samples(tmp_path / "out")
    assert [one["__key__"] for one in found] == [f"{'0' * 12}-2-{frame:06d}" for frame in range(FRAMES)]
    assert all({"png", "mask.png", "json"} <= set(one) for one in found)
    first, gone = (json.loads(found[frame]["json"]) for frame in (0, NOBODY))
    assert first["keypoints"][0] == pytest.approx([39.5 + SHIFT_PX[0], 29.5 + SHIFT_PX[1], 0.9])
    assert (first["bbox"], first["found"], first["mask"]) == ([42, 12, 20, 20], True, "measured")
    assert (gone["bbox"], gone["found"], gone["mask"]) == ([0, 0, 0, 0], False, "nobody")
    assert not np.any(gone["keypoints"])
    assert not opened(found[NOBODY]["mask.png"]).any()
    mask = opened(found[0]["mask.png"])
    assert np.all(mask[12:32, 42:62] == 255) and np.count_nonzero(mask) == 400


def test_the_pictures_are_those_of_the_stabilized_video(asked: DatasetRequest, tmp_path: Path) -> None:
    written(asked, tmp_path / "out")
    work = job(tmp_path, asked.source, SHIFT_PX[None])
    video, _ = stabilized(work, tmp_path, border=BORDER)
    for one, picture in zip(samples(tmp_path / "out"), pictures(video), strict=True):
        assert np.array_equal(opened(one["png"]), picture.rgb())


def test_the_table_has_a_row_for_each_sample(asked: DatasetRequest, tmp_path: Path) -> None:
    written(asked, tmp_path / "out")
    table = pd.read_parquet(tmp_path / "out" / "metadata.parquet")
    assert list(table.key) == [one["__key__"] for one in samples(tmp_path / "out")]
    assert list(table.shard) == ["000000.tar"] * 3 + ["000001.tar"] * 3 + ["000002.tar"]
    assert list(table.found) == [frame != NOBODY for frame in range(FRAMES)]
    assert table.area_px.tolist() == [400 * (frame != NOBODY) for frame in range(FRAMES)]


def test_the_lines_on_the_page_read_it(asked: DatasetRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[4] / "docs" / "guides" / "machine-learning.md").read_text()
    by_library, by_table = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "import glob" in block
    )
    folder = tmp_path / "outputs" / "walk" / "exports"
    folder.mkdir(parents=True)
    written(replace(asked, dataset=DatasetConf()), folder / "webdataset")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with closed_by_collector():
        exec(by_library, names)
    assert names["facts"]["frame"] == FRAMES - 1
    assert np.array_equal(names["person"].any(axis=2), names["mask"][..., 0] == 255)
    exec(by_table, names)
    assert len(names["seen"]) == FRAMES - 1


def test_the_same_clip_gives_the_same_bytes(asked: DatasetRequest, tmp_path: Path) -> None:
    jpg = replace(asked, dataset=DatasetConf(picture=DatasetPicture.jpg))
    for name in ("one", "two"):
        written(jpg, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["000000.tar", "metadata.parquet"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
