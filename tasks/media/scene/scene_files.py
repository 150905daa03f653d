"""The files of the scene stage, opened for rendering."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.media.files.camera_file import read_camera
from tasks.media.files.masks_file import read_masks
from tasks.media.files.plates_file import PlateFile
from tasks.media.planes.layout import PixelLayout
from tasks.media.scene.border import SceneBorder


@dataclass(frozen=True)
class SceneFiles:
    """The clean plates of a clip of ``size_px``, and where people hide the background."""

    plates: Path
    hidden: Path
    camera: Path
    layout: PixelLayout
    size_px: tuple[int, int]
    chroma_location: int

    def hidden_people(self) -> Iterator[NDArray[np.uint8]]:
        """For each frame in order (h, w), small: 255 where people hide the background."""
        for mask in read_masks(self.hidden):
            yield mask.probability

    @cached_property
    def continued(self) -> SceneBorder:
        """The border that shows what other frames saw, then the mirror of the clean picture."""
        return self._border(beyond=True)

    @cached_property
    def mirrored(self) -> SceneBorder:
        """The border that shows the mirror of the clean picture."""
        return self._border(beyond=False)

    def _border(self, *, beyond: bool) -> SceneBorder:
        path, _ = read_camera(self.camera)
        plates = PlateFile(self.plates)
        return SceneBorder(path, plates, self.layout, self.size_px, self.chroma_location, beyond=beyond)
