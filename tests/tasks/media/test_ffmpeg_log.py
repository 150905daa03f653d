"""FFmpeg's log is off after each block, however many threads use it."""

import threading

import av.logging
import pytest

from tasks.media.ffmpeg_log import ffmpeg_log


def test_the_log_is_off_after_a_block_and_after_an_error() -> None:
    with ffmpeg_log(av.logging.ERROR):
        assert av.logging.get_level() == av.logging.ERROR
    with pytest.raises(KeyError), ffmpeg_log(av.logging.VERBOSE):
        raise KeyError
    assert av.logging.get_level() is None


def test_blocks_of_several_threads_follow_one_another_and_leave_it_off() -> None:
    seen: list[int | None] = []
    first_is_in, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with ffmpeg_log(av.logging.ERROR):
            first_is_in.set()
            go_on.wait(10)
            seen.append(av.logging.get_level())

    def second() -> None:
        first_is_in.wait(10)
        with ffmpeg_log(av.logging.VERBOSE):
            seen.append(av.logging.get_level())

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    first_is_in.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert seen == [av.logging.ERROR, av.logging.VERBOSE]
    assert av.logging.get_level() is None
