import pytest

from flows.dry_run.dry_run import Piece, on_the_clock


def chain(video: str, *seconds: float) -> list[Piece]:
    names = [f"{video}{number}" for number in range(len(seconds))]
    return [
        Piece(name, took, frozenset(names[:number][-1:]))
        for number, (name, took) in enumerate(zip(names, seconds, strict=True))
    ]


def test_one_after_another_takes_the_sum_however_many_work() -> None:
    assert on_the_clock(chain("a", 1, 2, 3), 1) == on_the_clock(chain("a", 1, 2, 3), 4) == 6


def test_two_videos_take_half_with_two_workers() -> None:
    both = [piece for pair in zip(chain("a", 1, 2), chain("b", 1, 2), strict=True) for piece in pair]
    assert [on_the_clock(both, workers) for workers in (1, 2, 3)] == [6, 3, 3]


def test_what_is_there_already_is_not_waited_for_and_nothing_takes_no_time() -> None:
    assert on_the_clock([Piece("late", 2, frozenset({"cached"}))], 1) == 2
    assert on_the_clock([], 2) == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_order_beats_the_longest_chain_or_the_share_of_each_worker(workers: int) -> None:
    videos = [chain(f"v{number}-", *(1 + (number * k) % 5 for k in range(4))) for number in range(7)]
    pieces = [piece for row in zip(*videos, strict=True) for piece in row]
    total = sum(piece.seconds for piece in pieces)
    longest = max(sum(piece.seconds for piece in video) for video in videos)
    assert max(longest, total / workers) <= on_the_clock(pieces, workers) <= total / workers + longest
