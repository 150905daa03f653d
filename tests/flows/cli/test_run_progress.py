"""What is said of a run while it goes on: the stage, the share that is done, the time that is left."""

import re

from flows.cli.run_progress import RunProgress, time_text
from tasks.execution.progress import Work

STAGES = ("decode", "pose", "render")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def planned(clock: Clock, *videos: str) -> RunProgress:
    run = RunProgress(clock)
    run.doing("starting")
    run.expected(len(videos), "video")
    for video in videos:
        for stage in STAGES:
            run.planned(Work(video, stage, 0))
    return run


def compute(run: RunProgress, clock: Clock, work: Work, seconds: float) -> list[str]:
    """The last line after each tenth of a piece of work."""
    run.started(work)
    lines = []
    for tenth in range(1, 11):
        clock.now_s += seconds / 10
        run.advanced(work, work.frames * tenth // 10)
        lines.append(run.lines()[-1])
    run.ended(work)
    run.settled(work)
    return lines


def test_before_the_first_stage_it_says_what_the_run_is_doing() -> None:
    run = RunProgress()
    run.doing("reading walk.mp4, 3.2 GB")
    assert run.lines() == ["reading walk.mp4, 3.2 GB"] and not run.computing


def test_when_all_videos_are_finished_it_no_longer_says_what_the_run_was_doing() -> None:
    run = planned(Clock(), "a", "b")
    run.doing("looking into the cache")
    run.finished("a", "")
    assert run.lines()[0] == "looking into the cache"
    run.finished("b", "")
    assert "looking into the cache" not in run.lines()


def test_one_line_a_video_has_the_stage_the_percent_and_the_time_left() -> None:
    clock = Clock()
    run = planned(clock, "walk")
    lines = [line for stage in STAGES for line in compute(run, clock, Work("walk", stage, 100), 10)]
    assert all(re.fullmatch(r"walk: \w+ frame \d+ of 100; \d+%(, \d+ (s|min) left)?", line) for line in lines)
    percents = [int(re.findall(r"(\d+)%", line)[0]) for line in lines]
    assert percents == sorted(percents) and percents[-1] == 100
    assert [line for line in lines if "left" in line] and lines[-1].endswith("100%, 1 s left")


def test_nothing_is_told_as_complete_before_it_is() -> None:
    run = RunProgress(Clock())
    run.started(Work("walk", "render", 1000))
    run.advanced(Work("walk", "render", 1000), 999)
    assert run.lines() == ["walk: render frame 999 of 1000; 99%"]


def test_the_time_left_falls_to_nothing_when_stages_cost_what_they_usually_do() -> None:
    clock = Clock()
    run = RunProgress(clock)
    run.planned(Work("walk", "pose", 0))
    lines = compute(run, clock, Work("walk", "pose", 100), 100)
    left_s = [int(found[0]) for line in lines if (found := re.findall(r"(\d+) s left", line))]
    assert left_s == [80, 70, 60, 50, 40, 30, 20, 10, 1]


def test_of_several_videos_the_last_line_says_which_it_is_and_how_long_all_take() -> None:
    clock = Clock()
    run = planned(clock, "a", "b", "c")
    for stage in STAGES:
        lines = compute(run, clock, Work("a", stage, 100), 60)
    assert lines[-1] == "video 1 of 3, 6 min left"
    run.finished("a", "")
    run.started(Work("b", "decode", 100))
    assert run.lines() == ["b: decode; 0%", "video 2 of 3, 6 min left"]


def test_what_comes_from_the_cache_is_neither_done_nor_left() -> None:
    clock = Clock()
    run = planned(clock, "walk")
    for stage in ("decode", "pose"):
        run.settled(Work("walk", stage, 0))
    assert compute(run, clock, Work("walk", "render", 100), 10)[0].endswith("; 10%")


def test_a_video_that_failed_leaves_no_work() -> None:
    clock = Clock()
    run = planned(clock, "bad", "good")
    run.started(Work("bad", "decode", 0))
    run.ended(Work("bad", "decode", 0))
    run.finished("bad", "")
    for stage in STAGES:
        lines = compute(run, clock, Work("good", stage, 100), 10)
    assert lines[-1].startswith("video 2 of 2, 1 s left")


def test_many_videos_at_once_take_few_lines() -> None:
    run = RunProgress()
    for number in range(20):
        run.started(Work(f"v{number}", "pose", 0))
    assert run.lines(3) == ["v0: pose; 0%", "v1: pose; 0%", "v2: pose; 0%", "and 17 more"]


def test_times_and_sizes_are_in_the_words_of_a_person() -> None:
    assert [time_text(seconds) for seconds in (0.2, 89, 100, 5300, 7500)] == [
        "1 s",
        "89 s",
        "2 min",
        "88 min",
        "2 h 5 min",
    ]


def test_results_that_are_not_asked_for_yet_count_as_much_as_those_that_had_to_be_computed() -> None:
    clock = Clock()
    run = RunProgress(clock)
    run.expected(4, "video")
    run.asked(2)
    run.finished("cached", "")
    for stage in STAGES:
        run.planned(Work("new", stage, 100))
    for stage in STAGES:
        lines = compute(run, clock, Work("new", stage, 100), 100)
    assert lines[-1] == "video 2 of 4, 10 min left"  # two more, of which each takes 300 s
