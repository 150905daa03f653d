"""MediaPipe's runtime: its native log lines, its delegates, its picture type."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.core import mediapipe_c_bindings
from mediapipe.tasks.python.core.serial_dispatcher import SerialDispatcher
from numpy.typing import NDArray

from tasks.errors import ModelError, StillwalkError

MEDIAPIPE_ERRORS: Final = (RuntimeError, ValueError, NotImplementedError)  # what creating or running a graph raises
# glog, absl, TFLite. TFLite writes a line in three pieces, so lines of two models that are created at once get mixed:
# one may begin with the text of another, or be empty.
_NATIVE: Final = re.compile(
    rb"[IWEF]\d{4} \d|INFO: |WARNING: |\[\w+\.cc:\d+\] |Created TensorFlow Lite |Stack trace:|    @ |$"
)
Model = TypeVar("Model")
_stderr_lock = threading.Lock()


@dataclass(frozen=True)
class DeviceUse:
    """The device that runs a model. ``note`` says why it is not the one asked for; empty if there is nothing to say."""

    device: str  # cpu or gpu
    note: str = ""


@contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Keep native log lines off the terminal. They are shown if an exception other than ``StillwalkError`` escapes.

    No setting silences these lines, and file descriptor 2 belongs to the whole process. So keep the block short. What
    others write meanwhile is passed on afterwards. One thread at a time.
    """
    with _stderr_lock, tempfile.TemporaryFile() as captured:
        _flush()
        saved = os.dup(2)
        os.dup2(captured.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        except StillwalkError:
            failed = False
            raise
        finally:
            _flush()
            os.dup2(saved, 2)
            captured.seek(0)
            for line in captured.read().splitlines(keepends=True):
                if failed or not _NATIVE.match(line):
                    os.write(saved, line)
            os.close(saved)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()


@contextmanager
def closed_quietly(model: Any) -> Iterator[None]:
    """Close ``model``, a landmarker or a segmenter, at the end, without the log lines that MediaPipe writes then."""
    try:
        yield
    finally:
        with quiet_native_stderr():
            model.close()


def create_on_device(name: str, device: str, create: Callable[[Any], Model]) -> tuple[Model, DeviceUse]:
    """``create(delegate)`` on ``device``: cpu, gpu, or auto (gpu if it works, else cpu and a note with the reason).

    ``create`` makes the model and runs it once, because some drivers fail only then. ``ModelError`` if it fails; the
    sentence begins with ``name``, that of the model's file.
    """
    delegate = BaseOptions.Delegate
    with quiet_native_stderr():
        if device == "cpu":
            return _created(name, create), DeviceUse("cpu")
        try:
            return create(delegate.GPU), DeviceUse("gpu")
        except MEDIAPIPE_ERRORS as error:
            reason = _reason(error)
        if device == "gpu":
            raise ModelError(f"device=gpu: MediaPipe's GPU delegate does not start ({reason}); use device=cpu")
        note = f"MediaPipe runs on the CPU: its GPU delegate does not start ({reason})"
        return _created(name, create), DeviceUse("cpu", note)


class _CallingThread(Executor):
    """Calls what is submitted at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **options))
        except Exception as error:  # noqa: BLE001 - who asked gets it from the future
            done.set_exception(error)
        return done


def _direct_library(signatures: Sequence[Any] = ()) -> Any:
    """MediaPipe's native library, called in the thread that asks for it."""
    library = SerialDispatcher(mediapipe_c_bindings.load_raw_library(), ())
    library._executor = _CallingThread()
    for signature in signatures:
        library._register_signature(signature)
    return library


@contextmanager
def _direct_calls() -> Iterator[None]:
    """Models that are created in the block are called in the thread that asks, which must be one at a time.

    MediaPipe's package hands each call to a thread of the model's own, and waits. With three calls a frame that took
    5 % of the pose stage's time and 25 MB (1920x1088, two cores, MediaPipe 1.2.3). Models on a GPU are left as they
    are: their drivers may want one thread. One block at a time.
    """
    kept = mediapipe_c_bindings.load_shared_library
    mediapipe_c_bindings.load_shared_library = _direct_library
    try:
        yield
    finally:
        mediapipe_c_bindings.load_shared_library = kept


def _created(name: str, create: Callable[[Any], Model]) -> Model:
    """The model on the CPU; ``ModelError`` where it cannot be loaded."""
    try:
        with _direct_calls():
            return create(BaseOptions.Delegate.CPU)
    except MEDIAPIPE_ERRORS as error:
        fact = f"MediaPipe cannot load the model ({_reason(error)})"
        raise ModelError(f"{name}: {fact}; give MediaPipe's own file") from error


def _reason(error: Exception) -> str:
    """The cause, which is at the end of MediaPipe's message, after statuses and places in its source."""
    egl = "Unable to initialize EGL"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return egl if egl in lines[0] else lines[0].rstrip(":. ").rsplit(": ", 1)[-1]


def mediapipe_image(rgb: NDArray[np.uint8]) -> Any:
    """MediaPipe's image of ``rgb`` (h, w, 3)."""
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
