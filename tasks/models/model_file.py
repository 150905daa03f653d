"""Model files, checked before MediaPipe gets them, and the ``.task`` bundle that its PoseLandmarker needs.

MediaPipe says little about a TFLite model without metadata, and accepts models of another kind whose first output
happens to look right. So every file is checked here: a damaged file, a file without metadata, and
one of another kind are each a ``ModelError``.
"""

import io
import struct
import threading
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tasks.errors import ModelError

# Input normalisation, (value - mean) / std: the detector takes -1..1, the landmark model 0..1. These are the values
# of ImageToTensorCalculator in pose_detection_cpu.pbtxt and pose_landmark_by_roi_cpu.pbtxt (0.10.21).
_DETECTOR: Final = ("pose_detector.tflite", 127.5, 127.5)
_LANDMARKS: Final = ("pose_landmarks_detector.tflite", 0.0, 255.0)
_ALIGNMENT_BYTES: Final = 16  # a flatbuffer that is read in place must be aligned
_TFLITE_ID: Final = b"TFL3"  # identifiers of the flatbuffers, at bytes 4 to 8
_METADATA_ID: Final = b"M001"
_METADATA_NAME: Final = b"TFLITE_METADATA"
# What Python's flatbuffers raises on offsets that lead nowhere.
_FLATBUFFER_ERRORS: Final = (struct.error, IndexError, ValueError, TypeError, OverflowError)
_bundle_lock = threading.Lock()


@dataclass(frozen=True)
class TfliteModel:
    """What a TFLite file says about itself. Shapes are (batch, height, width, channels) for pictures."""

    input_shapes: tuple[tuple[int, ...], ...]
    output_shapes: tuple[tuple[int, ...], ...]
    has_metadata: bool


def read_selfie_model(path: Path) -> bytes:
    """Bytes of the selfie segmentation model at ``path``. ``ModelError`` if it is not one."""
    content = _read(path)
    model = inspect_tflite(str(path), content)
    pictures = [shape for shape in (*model.input_shapes, *model.output_shapes) if len(shape) == 4]
    if len(pictures) != 2 or len(model.output_shapes) != 1 or pictures[0][:3] != pictures[1][:3]:
        raise ModelError(f"{path}: is not a segmentation model; give a selfie model of MediaPipe")
    classes = pictures[1][3]
    if classes != 1:
        raise ModelError(f"{path}: separates {classes} classes, not one person; give a selfie model of MediaPipe")
    _require_metadata(str(path), model)
    return content


def pose_bundle(files: tuple[Path, ...]) -> bytes:
    """Bytes of a ``.task`` bundle: those of the one file given, or a bundle made of (detector, landmarks).

    The same files give the same bytes. The last bundle is kept, because making one takes half a second. ``ModelError``
    if a file cannot be read, is damaged or is not a pose model.
    """
    with _bundle_lock:  # a second thread finds the bundle made
        return _make_bundle(files)


@lru_cache(maxsize=1)
def _make_bundle(files: tuple[Path, ...]) -> bytes:
    contents = [_read(path) for path in files]
    if len(contents) == 1:
        _check_bundle(files[0], contents[0])
        return contents[0]
    members = {}
    for path, content, (name, mean, std) in zip(files, contents, (_DETECTOR, _LANDMARKS), strict=True):
        members[name] = _with_normalisation(path, content, mean, std)
    return _zip(members)


def inspect_tflite(name: str, content: bytes) -> TfliteModel:
    """Read the tables of a TFLite flatbuffer. ``ModelError``, beginning with ``name``, if it is none or damaged."""
    if content[4:8] != _TFLITE_ID:
        raise ModelError(f"{name}: is not a TFLite model; download it again")
    # Imported here: only those who open a model need it.
    from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
    from mediapipe.tasks.metadata import schema_py_generated as schema

    try:
        model = schema.Model.GetRootAsModel(content, 0)
        counts = (model.BuffersLength(), model.MetadataLength(), model.SubgraphsLength())
        if max(counts) > len(content) or not counts[2]:
            raise ValueError(counts)
        for index in range(counts[0]):
            model.Buffers(index).DataAsNumpy()  # raises where the data lie beyond the end of the file
        entries = [model.Metadata(index) for index in range(counts[1])]
        named = [_buffer(model, entry.Buffer()) for entry in entries if entry.Name() == _METADATA_NAME]
        found = [data for data in named if data[4:8] == _METADATA_ID]
        for data in found:
            metadata_schema.ModelMetadataT.InitFromPackedBuf(data)  # reads all of it: MediaPipe does not verify it
        graph = model.Subgraphs(0)
        inputs, outputs = (
            tuple(tuple(map(int, graph.Tensors(int(index)).ShapeAsNumpy())) for index in indices)
            for indices in (graph.InputsAsNumpy(), graph.OutputsAsNumpy())
        )
    except _FLATBUFFER_ERRORS as error:
        raise ModelError(f"{name}: is damaged or incomplete; download it again") from error
    return TfliteModel(inputs, outputs, bool(found))


def _buffer(model: Any, index: int) -> bytes:
    if index >= model.BuffersLength():
        raise ValueError(index)
    buffer = model.Buffers(index)
    return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""


def _require_metadata(name: str, model: TfliteModel) -> None:
    if not model.has_metadata:
        fact = "is a TFLite model without the metadata that MediaPipe needs"
        raise ModelError(f"{name}: {fact}; give MediaPipe's own file")


def _require_picture_input(name: str, model: TfliteModel) -> None:
    if [(len(shape), shape[-1]) for shape in model.input_shapes if shape] != [(4, 3)]:
        raise ModelError(f"{name}: is not a pose model; give a pose landmarker of MediaPipe")


def _check_bundle(path: Path, content: bytes) -> None:
    """``ModelError`` if ``content`` is not a ``.task`` zip with both models of the pose landmarker."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ModelError(f"{path}: is not a .task bundle; download it again")
    for member, _, _ in (_DETECTOR, _LANDMARKS):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                model = inspect_tflite(f"{path}: {member}", archive.read(member))
        except KeyError as error:
            raise ModelError(f"{path}: holds no {member}; give a pose landmarker of MediaPipe") from error
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ModelError(f"{path}: is damaged or incomplete; download it again") from error
        _require_picture_input(f"{path}: {member}", model)
        _require_metadata(f"{path}: {member}", model)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _with_normalisation(path: Path, content: bytes, mean: float, std: float) -> bytes:
    """A bare model with metadata that holds its input normalisation.

    MediaPipe's own writer of metadata needs a native helper that version 1 no longer has. This writes the same fields
    with MediaPipe's generated tables of both formats.
    """
    _require_picture_input(str(path), inspect_tflite(str(path), content))
    # Imported here: only bare models need them.
    import flatbuffers
    from mediapipe.tasks.metadata import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    buffer = schema.BufferT()
    buffer.data = list(_metadata(mean, std))
    entry = schema.MetadataT()
    entry.name, entry.buffer = _METADATA_NAME.decode(), len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), _TFLITE_ID)
    return bytes(builder.Output())


def _metadata(mean: float, std: float) -> bytes:
    """The metadata flatbuffer of a model with one picture as input, normalised by (value - ``mean``) / ``std``."""
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as tables

    normalisation = tables.NormalizationOptionsT()
    normalisation.mean, normalisation.std = [mean], [std]
    step = tables.ProcessUnitT()
    step.optionsType, step.options = tables.ProcessUnitOptions.NormalizationOptions, normalisation
    colours = tables.ImagePropertiesT()
    colours.colorSpace = tables.ColorSpaceType.RGB
    content = tables.ContentT()
    content.contentPropertiesType, content.contentProperties = tables.ContentProperties.ImageProperties, colours
    tensor = tables.TensorMetadataT()
    tensor.name, tensor.content, tensor.processUnits = "image", content, [step]
    graph = tables.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    metadata = tables.ModelMetadataT()
    metadata.name, metadata.subgraphMetadata, metadata.minParserVersion = "stillwalk", [graph], "1.0.0"
    builder = flatbuffers.Builder(0)
    builder.Finish(metadata.Pack(builder), _METADATA_ID)
    return bytes(builder.Output())


def _zip(members: dict[str, bytes]) -> bytes:
    """A zip of uncompressed members, dated 1980, each aligned by padding in its extra field."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            start = buffer.tell() + 30 + len(name) + 4  # local header, name, head of the extra field
            padding = -start % _ALIGNMENT_BYTES
            entry.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)  # the id that zipalign uses
            archive.writestr(entry, content)
    return buffer.getvalue()
