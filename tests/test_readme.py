"""The README says the truth: its list of settings is the program's own, and its lines of Python run."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy
import pytest

from flows.cli.help import manual
from tasks.media.files.masks_file import CHUNK_FRAMES, Mask, State, mask_writer

README = Path(__file__).parents[1] / "README.md"


def test_the_settings_of_the_readme_are_those_of_the_program() -> None:
    """Renew the block with `make readme`."""
    settings = manual().partition("each given as name=value:\n")[2].partition("\n--cfg job")[0].strip("\n")
    assert f"```\n{settings}\n```" in README.read_text()


def test_the_readmes_lines_lay_a_mask_over_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```\n(masks = numpy\.load.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    mask = numpy.zeros((8, 8), numpy.uint8)
    mask[:, 4:] = 255  # of a box that reaches 20 px beyond the left and the lower edge: x from 19.5, y to the edge
    box = numpy.array([-20.5, 9.5, 59.5, 89.5], numpy.float32)
    with mask_writer(tmp_path / "masks.npz") as writer:
        for _ in range(CHUNK_FRAMES):
            writer.write(Mask(numpy.zeros_like(mask), box, State.measured))
        writer.write(Mask(mask, box, State.measured))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"numpy": numpy, "cv2": cv2, "i": CHUNK_FRAMES, "width": 100, "height": 70}
    exec(found[1], names)
    person = names["person"]
    assert person.shape == (70, 100)
    rows, columns = numpy.nonzero(person > 127)
    assert (columns.min(), columns.max(), rows.max()) == (20, 59, 69)
    assert rows.min() in (9, 10)
