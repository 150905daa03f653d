"""The neural networks, behind protocols with one method. MediaPipe is used only here.

MediaPipe's package loads parts that no model needs: drawing, which loads matplotlib, and audio, which opens the sound
device. This module lets them load at their first use, which saves 0.5 s of CPU time and 33 MB in each process
(MediaPipe 1.2.3). A program that uses ``from stillwalk import stabilize`` still has all of MediaPipe.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Final

UNUSED_PARTS: Final = (
    "mediapipe.tasks.python.audio",
    "mediapipe.tasks.python.vision.drawing_styles",
    "mediapipe.tasks.python.vision.drawing_utils",
)


class _LazyParts(MetaPathFinder):
    """Finds each of ``UNUSED_PARTS``; its source runs when one of its attributes is first asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in UNUSED_PARTS else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, _LazyParts())
