"""Open a people tracker: its pose estimators, and the threads in which they look at the same time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tasks.models.people import PeopleTracker
from tasks.models.people_finder import Result
from tasks.models.pose import PoseEstimator, open_pose_estimator
from tasks.models.runtime import DeviceUse


@contextmanager
def open_people_tracker(
    files: tuple[Path, ...],
    *,
    device: str,
    max_people: int,
    smallest: float,
    min_detection: float = 0.5,
    min_tracking: float = 0.5,
    with_masks: bool = False,
) -> Iterator[tuple[PeopleTracker, DeviceUse]]:
    """A tracker with the pose model of ``files``; see ``PeopleTracker`` for ``max_people`` and ``smallest``.

    Other settings and errors are those of ``open_pose_estimator``.
    """
    with ExitStack() as stack, ThreadPoolExecutor(max_people + 1, "pose") as threads:

        def open_one() -> tuple[PoseEstimator, DeviceUse]:
            opened = open_pose_estimator(
                files,
                device=device,
                min_detection=min_detection,
                min_tracking=min_tracking,
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
        ahead = [threads.submit(open_one)] if max_people > 1 else []
        yield PeopleTracker(open_another, max_people, smallest, at_once), use
