"""The neural networks, behind protocols with one method. MediaPipe is used only here.

MediaPipe's package loads parts that no model needs: drawing, which loads matplotlib, and audio, which opens the sound
device. Empty modules stand for them: that saves 0.5 s of CPU time and 33 MB in each process (MediaPipe 1.2.3).
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

UNUSED_PARTS: Final = (
    "mediapipe.tasks.python.audio",
    "mediapipe.tasks.python.vision.drawing_styles",
    "mediapipe.tasks.python.vision.drawing_utils",
)


class _EmptyParts(MetaPathFinder, Loader):
    """Finds an empty module for each of ``UNUSED_PARTS``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in UNUSED_PARTS else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own way to make a module."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: the module stays empty."""


sys.meta_path.insert(0, _EmptyParts())
