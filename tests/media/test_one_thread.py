"""OpenCV's threads are set aside and come back, whichever block ends first."""

from collections.abc import Iterator

import cv2
import pytest

from tasks.media.one_thread import one_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    usual = cv2.getNumThreads()
    cv2.setNumThreads(3)
    yield
    cv2.setNumThreads(usual)


def test_opencv_has_one_thread_within_and_its_own_again_after_an_error() -> None:
    with pytest.raises(KeyError), one_thread():
        assert cv2.getNumThreads() == 1
        raise KeyError
    assert cv2.getNumThreads() == 3


def test_the_first_to_begin_may_be_the_first_to_end() -> None:
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert cv2.getNumThreads() == 3
