"""Open a people tracker: its pose estimators, and the threads in which they look at the same time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from tasks.models.people import PeopleTracker
from tasks.models.people_finder import Result
from tasks.models.pose import PoseEstimator, open_pose_estimator
from tasks.models.runtime import DeviceUse


class AskedTracker(Protocol):
    """What is asked of a tracker: see ``PeopleTracker`` for the first two, ``open_pose_estimator`` for the others."""

    @property
    def people(self) -> int: ...
    @property
    def smallest(self) -> float: ...
    @property
    def min_detection(self) -> float: ...
    @property
    def min_tracking(self) -> float: ...


@contextmanager
def open_people_tracker(
    files: tuple[Path, ...], asked: AskedTracker, *, device: str, with_masks: bool = False
) -> Iterator[tuple[PeopleTracker, DeviceUse]]:
    """A tracker with the pose model of ``files``; ``device`` and errors are those of ``open_pose_estimator``."""
    with ExitStack() as stack, ThreadPoolExecutor(asked.people + 1, "pose") as threads:

        def open_one() -> tuple[PoseEstimator, DeviceUse]:
            opened = open_pose_estimator(
                files,
                device=device,
                min_detection=asked.min_detection,
                min_tracking=asked.min_tracking,
                with_masks=with_masks,
            )
            return stack.enter_context(opened)

        def open_another() -> PoseEstimator:
            if waiting:
                return waiting.pop()
            return (ahead.pop().result() if ahead else open_one())[0]

        def at_once(functions: Sequence[Callable[[], Result]]) -> list[Result]:
            futures = [threads.submit(function) for function in functions]
            wait(futures)  # of two, one may fail while the other one still uses its estimator
            return [future.result() for future in futures]

        first, use = open_one()
        waiting = [first]
        # Beside the first person who is found others are searched for: the second is opened while the first one looks.
        ahead = [threads.submit(open_one)] if asked.people > 1 else []
        yield PeopleTracker(open_another, asked.people, asked.smallest, at_once), use
