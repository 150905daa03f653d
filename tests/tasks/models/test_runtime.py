"""Only native log lines are kept off the terminal, and the choice of a device is reported."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelError
from tasks.models.runtime import DeviceUse, create_on_device, quiet_native_stderr

NOISE = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795367623.828278   11416 task_runner.cc:85] GPU suport is not available\n"
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"WARNING: INFO: [model_load.cc:402] Sparsity tensors may not yet be fully supported.\n"
    b"Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"WARNING: WARNING: [model_load.cc:402] Sparsity tensors may not yet be fully supported.\n"
    b"[model_load.cc:402] Sparsity tensors may not yet be fully supported.\n"
    b"\n"
)


def test_native_lines_are_dropped_and_others_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_native_stderr():
        os.write(2, NOISE)
        print("from another thread", file=sys.stderr)
    os.write(2, b"after\n")
    assert capfd.readouterr().err.splitlines() == ["from another thread", "after"]


def test_all_lines_are_shown_if_an_exception_escapes(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LookupError), quiet_native_stderr():
        os.write(2, NOISE)
        raise LookupError
    assert capfd.readouterr().err == NOISE.decode()


def test_a_stillwalk_error_shows_no_native_lines(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError), quiet_native_stderr():
        os.write(2, NOISE)
        raise ModelError("device=gpu: it does not start; use device=cpu")
    assert capfd.readouterr().err == ""


def test_threads_take_turns(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy() -> None:
        for _ in range(20):
            with quiet_native_stderr():
                os.write(2, NOISE)

    threads = [threading.Thread(target=noisy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still open\n")
    assert capfd.readouterr().err == "still open\n"


class Factory:
    """Creates a model. Without a working GPU it fails on it as MediaPipe does without EGL."""

    def __init__(self, gpu_works: bool) -> None:
        self.gpu_works = gpu_works

    def __call__(self, delegate: Any) -> str:
        if delegate.name == "GPU" and not self.gpu_works:
            raise RuntimeError("; RET_CHECK failure (gl_context_egl.cc:84) egl_initializedUnable to initialize EGL")
        return str(delegate.name)


def test_the_gpu_is_used_where_it_works() -> None:
    for device in ("gpu", "auto"):
        assert create_on_device("m.task", device, Factory(gpu_works=True)) == ("GPU", DeviceUse("gpu"))


def test_a_required_but_missing_gpu_is_an_error_with_its_reason() -> None:
    with pytest.raises(ModelError, match=r"device=gpu: .*\(Unable to initialize EGL\); use device=cpu"):
        create_on_device("m.task", "gpu", Factory(gpu_works=False))


def test_auto_falls_back_to_the_cpu_with_a_note() -> None:
    model, use = create_on_device("m.task", "auto", Factory(gpu_works=False))
    assert model == "CPU" and use.device == "cpu"
    assert "Unable to initialize EGL" in use.note


def test_cpu_gives_no_note() -> None:
    assert create_on_device("m.task", "cpu", Factory(gpu_works=False)) == ("CPU", DeviceUse("cpu", ""))


def test_a_model_that_does_not_load_is_a_model_error() -> None:
    def broken(_: Any) -> None:
        raise ValueError("model is not a flatbuffer")

    with pytest.raises(ModelError, match=r"m\.task: MediaPipe cannot load the model \(model is not a flatbuffer\)"):
        create_on_device("m.task", "cpu", broken)


def told_in_a_new_process(*lines: str) -> str:
    root = Path(__file__).parents[3]
    code = "\n".join(["import sys, tasks.models.pose", *lines])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def test_mediapipe_loads_neither_matplotlib_nor_the_sound_device() -> None:
    assert told_in_a_new_process("print({'matplotlib', 'sounddevice'} & set(sys.modules) or 'nothing')") == "nothing"


def test_another_program_in_this_process_still_has_all_of_mediapipe() -> None:
    told = told_in_a_new_process(
        "from mediapipe.tasks.python import audio, vision",
        "from mediapipe.tasks.python.vision.drawing_styles import get_default_pose_landmarks_style as style",
        "print(len(style()), vision.drawing_utils.DrawingSpec().thickness, audio.AudioClassifier.__name__)",
    )
    assert told == "33 2 AudioClassifier"
