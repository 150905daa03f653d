"""No encoder makes the process more important than others: real-time threads that wait in a loop starve a machine."""

import os
from fractions import Fraction
from pathlib import Path
from typing import cast

import pytest
from av.video.codeccontext import VideoCodecContext

from tasks.media.output.codecs import CODECS, coded_layout, missing, open_encoder
from tasks.media.output.priority import same_priority
from tasks.media.planes.layout import nearest_layout

TASKS = Path("/proc/self/task")


def schedulers() -> set[int]:
    return {os.sched_getscheduler(int(folder.name)) for folder in TASKS.iterdir()}


@pytest.mark.skipif(not TASKS.is_dir(), reason="only Linux tells how threads are scheduled")
@pytest.mark.parametrize("name", list(CODECS))
def test_every_thread_stays_an_ordinary_one(name: str) -> None:
    codec = CODECS[name]
    if reason := missing(codec):
        pytest.skip(f"{name} does not run here: {reason}")
    context = cast(VideoCodecContext, VideoCodecContext.create(codec.encoder, "w"))
    context.width, context.height, context.time_base = 256, 144, Fraction(1, 30)
    context.pix_fmt = coded_layout(nearest_layout("yuv420p"), codec).name
    open_encoder(context)
    assert schedulers() == {os.SCHED_OTHER}


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler") or os.geteuid() != 0, reason="only root may raise a priority")
def test_a_priority_raised_in_the_block_is_put_back() -> None:
    with same_priority():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    assert schedulers() == {os.SCHED_OTHER}
