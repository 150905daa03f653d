"""The ``.task`` file that MediaPipe's PoseLandmarker wants, made from the two bare models of the wheel."""

import gc
import io
import struct
import threading
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Final

from tasks.errors import ModelError

# Input normalisation, (value - mean) / std: the detector sees -1..1, the landmark model 0..1. The values are
# those of ImageToTensorCalculator in pose_detection_cpu.pbtxt and pose_landmark_by_roi_cpu.pbtxt (0.10.21).
_DETECTOR: Final = ("pose_detector.tflite", 127.5, 127.5)
_LANDMARKS: Final = ("pose_landmarks_detector.tflite", 0.0, 255.0)
_ALIGNMENT: Final = 16  # bytes: a flatbuffer read in place must not be misaligned
_making = threading.Lock()


def pose_bundle(files: tuple[Path, ...]) -> bytes:
    """Bytes of a ``.task`` bundle: those of the one file given, or one made of (detector, landmarks).

    The same files give the same bytes; the last ones are kept, since making them takes half a second. ``ModelError``
    when a file cannot be read or is not a model.
    """
    with _making:  # who comes second finds it made
        return _made(files)


@lru_cache(maxsize=1)
def _made(files: tuple[Path, ...]) -> bytes:
    contents = [_read(path) for path in files]
    if len(contents) == 1:
        if not zipfile.is_zipfile(io.BytesIO(contents[0])):
            raise ModelError(f"{files[0]}: is not a .task bundle; fetch it again")
        return contents[0]
    members = {}
    for path, content, (name, mean, std) in zip(files, contents, (_DETECTOR, _LANDMARKS), strict=True):
        members[name] = _with_normalisation(path, content, mean, std)
    return _zip(members)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _with_normalisation(path: Path, model: bytes, mean: float, std: float) -> bytes:
    if model[4:8] != b"TFL3":  # the identifier of TFLite's flatbuffer
        raise ModelError(f"{path}: is not a TFLite model; fetch it again")
    # Imported here: only bare models need it.
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    with warnings.catch_warnings():
        # The writer leaves an open file and a folder to the collector, which is to be quiet about it.
        warnings.simplefilter("ignore", ResourceWarning)
        writer = MetadataWriter.create(bytearray(model))
        writer.add_general_info("stillwalk", "a model of MediaPipe with its input normalisation")
        writer.add_image_input([mean], [std])
        populated = bytes(writer.populate()[0])
        del writer
        gc.collect()
    return populated


def _zip(members: dict[str, bytes]) -> bytes:
    """A zip of stored members, each aligned by padding in its extra field, all dated 1980."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            start = buffer.tell() + 30 + len(name) + 4  # local header, name, head of the extra field
            padding = -start % _ALIGNMENT
            entry.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)  # the id that zipalign uses
            archive.writestr(entry, content)
    return buffer.getvalue()
