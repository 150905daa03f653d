"""What several settings ask for alike is one node of the graph, and a task goes before those that wait for it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conf.config import Config
from conf.enums import MaskSource, Output
from conf.input import MasksConf
from conf.lock import CropConf, SmoothingConf
from conf.render import BackgroundConf
from flows.graph import submission
from flows.graph.stage_requests import RequestedStages
from flows.graph.submission import Submission
from flows.jobs import Job
from flows.pipeline import pipeline
from flows.videos import Video
from tasks.cache.making import Outcome
from tasks.errors import VideoError
from tasks.execution.task_run import CallRun
from tasks.records import Artifact, Content, StoredFile


def made(title: str) -> Outcome:
    """An artifact of its own."""
    return Artifact[Content](title, title, title, {title: StoredFile(uuid4().hex, 0, 0)}, {}, "run", 0.0)


class Finished:
    """A future of a task that is over as soon as it is submitted."""

    def __init__(self, *, blocked: bool) -> None:
        self.task_run_id = uuid4()
        self.blocked = blocked  # it was not run, as one before it has failed

    def add_done_callback(self, tell: Callable[["Finished"], None]) -> None:
        tell(self)


class Submitted(list[CallRun]):
    """The runs that a graph submits. Each is over at once with artifacts, or the error that its title has here."""

    def __init__(self) -> None:
        self.errors: dict[str, VideoError] = {}
        self.fails: Callable[[CallRun], bool] = lambda _: False
        self.blocked: list[str] = []  # titles of runs after one that has failed

    def submit(self, run: CallRun, after: Sequence[Any], failed: Sequence[Any]) -> Finished:
        self.append(run)
        self.blocked += [run.title] if failed else []
        return Finished(blocked=bool(failed))

    def outcomes_of(self, run: CallRun, future: Any) -> Sequence[Outcome]:
        if future.blocked:
            return []
        if self.fails(run):
            return [VideoError(f"{run.call.shown}: {run.title}")]
        return run.outcomes or [self.errors.get(title) or made(title) for title in run.title.split(" and ")]


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> Submitted:
    runs = Submitted()
    monkeypatch.setattr(submission, "submit", runs.submit)
    monkeypatch.setattr(submission, "outcomes_of", runs.outcomes_of)
    return runs


def all_over(graph: Submission) -> None:
    """Submit what was asked for, and all that comes after it."""
    graph.submit()
    graph.wait(for_one=False)


def job(video: str, setting: str, config: Config) -> Job:
    path = Path(f"{video}.mp4")
    digests: dict[str, dict[str, str]] = {"pose": {"full": "0"}, "masks": {"general": "0"}}
    return Job(Video(video, path), path, video * 64, config, digests, "run", setting)


def asked(graph: Submission, *jobs: Job, metrics_only: bool = False) -> list[RequestedStages]:
    """What the page asks for each job."""
    all_stages = [RequestedStages(each, graph) for each in jobs]
    for stages in all_stages:
        pipeline(stages, stages.job.config, metrics_only=metrics_only)
    return all_stages


def configs() -> dict[str, Config]:
    return {f"window={size}": Config(smoothing=SmoothingConf(window=size)) for size in (5, 9, 15)}


def test_shared_stages_are_submitted_once_and_named_by_who_shares_them(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run", 3)
    jobs = [job(video, name, config) for video in "ab" for name, config in configs().items()]
    stages = asked(graph, *jobs, metrics_only=True)
    all_over(graph)
    titles = [run.title for run in submitted]
    assert titles == [*["decode"] * 2, *["pose"] * 2, *["subject"] * 2, *["offsets"] * 2, *["trajectory"] * 6]
    shown = [run.call.shown for run in submitted]
    assert [run.call.video for run in submitted[-6:]] == [*"aaabbb"]
    assert shown[:2] == ["a", "b"]
    assert shown[-6:] == [f"{video} {name}" for video in "ab" for name in configs()]
    assert len({id(each.asked["pose"]) for each in stages}) == 2


def test_what_takes_from_another_stage_is_another_stage() -> None:
    other = Config()
    other.subject.at_s = 1.0
    first, second = asked(Submission(Path("cache"), "run", 2), job("a", "x", Config()), job("a", "y", other))
    assert first.asked["pose"] is second.asked["pose"]
    assert first.asked["subject"] is not second.asked["subject"]
    assert first.asked["trajectory"] is not second.asked["trajectory"]


def test_where_the_bytes_lie_makes_no_other_stage() -> None:
    here = job("a", "", Config())
    there = Job(Video("b", Path("b.mp4")), Path("b.mp4"), here.digest, Config(), here.models, "run")
    first, second = asked(Submission(Path("cache"), "run"), here, there)
    assert first.asked["decode"] is second.asked["decode"]


def test_a_stage_that_is_not_over_has_no_outcome() -> None:
    graph = Submission(Path("cache"), "run")
    (stages,) = asked(graph, job("a", "", Config()))
    with pytest.raises(RuntimeError, match="decode was asked for"):
        graph.outcome(stages.asked["decode"])


def test_all_outputs_of_a_video_and_setting_are_one_task_but_for_those_that_another_setting_makes(
    submitted: Submitted,
) -> None:
    graph = Submission(Path("cache"), "run", 2)
    red = Config(background=BackgroundConf(color=[255, 0, 0]))
    first, second = asked(graph, job("a", "green", Config()), job("a", "red", red))
    all_over(graph)
    assert [run.title for run in submitted].count("render") == 1  # the other makes one output, which is its title
    shown = {run.title: run.call for run in submitted if run.outcomes}
    assert {"stabilized.mp4", "comparison.mp4", "person.mp4"} <= shown.keys()
    outputs = [call for title, call in shown.items() if title not in ("masks", "scene")]
    assert {call.title for call in outputs} == {"render"} and len({id(call) for call in outputs}) == 1
    assert first.asked["stabilized.mp4"] is second.asked["stabilized.mp4"]
    assert first.asked["person.mp4"] is not second.asked["person.mp4"]


def test_the_page_run_again_with_rendering_submits_only_what_is_new(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    (before,) = asked(graph, job("a", "", Config(outputs=[Output.person])), metrics_only=True)
    all_over(graph)
    assert "masks" not in before.asked
    submitted.clear()
    (after,) = asked(graph, job("a", "", Config(outputs=[Output.person])))
    all_over(graph)
    assert {run.call.title for run in submitted} == {"people", "masks and scene", "render", "report.html"}
    assert before.asked["trajectory"] is after.asked["trajectory"]


def titles(runs: Submitted, *of: str) -> list[str]:
    """Those titles that the runs have, of some."""
    return [run.title for run in runs if run.title in of]


@pytest.mark.parametrize("source", MaskSource)
def test_masks_and_scene_are_one_task(source: MaskSource, submitted: Submitted) -> None:
    stages = ("masks and scene", "masks", "scene")
    graph = Submission(Path("cache"), "run")
    asked(graph, job("a", "", Config(masks=MasksConf(source=source))))
    all_over(graph)
    assert titles(submitted, *stages) == [*stages]
    assert all(run.outcomes for run in submitted if run.title in stages[1:])  # which only show what the first has made


@pytest.mark.parametrize("source", MaskSource)
def test_where_masks_are_asked_for_no_scene_is_made_without_a_subject(source: MaskSource, submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    submitted.errors["subject"] = VideoError("a.mp4: there is no person 2")
    (stages,) = asked(graph, job("a", "", Config(masks=MasksConf(source=source))))
    all_over(graph)
    assert graph.outcome(stages.asked["scene"]) is None and "masks and scene" in submitted.blocked


def test_another_setting_of_the_masks_asks_for_no_scene_again(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run", 2)
    other = Config(masks=MasksConf(body=False))
    first, second = asked(graph, job("a", "x", Config()), job("a", "y", other))
    all_over(graph)
    assert titles(submitted, "masks and scene", "masks", "scene") == ["masks and scene", "masks", "masks", "scene"]
    assert first.asked["scene"] is second.asked["scene"] and first.asked["masks"] is not second.asked["masks"]


def test_without_a_subject_there_is_still_the_scene_that_another_setting_shows(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run", 2)
    nobody = Config()
    nobody.subject.at_s = 99.0
    first, second = asked(graph, job("a", "nobody", nobody), job("a", "somebody", Config()))
    failing = first.asked["subject"]
    submitted.fails = lambda run: run.call.shown == "a nobody" and run.title == failing.title
    all_over(graph)
    assert isinstance(graph.outcome(failing), VideoError) and graph.outcome(first.asked["masks"]) is None
    assert first.asked["scene"] is second.asked["scene"]
    later = ("masks", "scene", "stabilized.mp4", "report.html")
    assert all(isinstance(graph.outcome(second.asked[title]), Artifact) for title in later)


def test_a_stage_is_submitted_when_those_that_it_takes_from_are_over(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    (stages,) = asked(graph, job("a", "", Config()), metrics_only=True)
    graph.submit()
    assert [run.title for run in submitted] == ["decode"] and not graph.is_over(stages.asked["decode"])
    graph.wait(for_one=True)
    assert [run.title for run in submitted] == ["decode", "pose", "subject", "offsets", "trajectory"]
    assert all(map(graph.is_over, stages.asked.values()))


@pytest.mark.parametrize("error", [None, VideoError("a.mp4: the disk is full")])
def test_charts_are_drawn_when_the_videos_are_over_whatever_became_of_them(
    submitted: Submitted, error: VideoError | None
) -> None:
    graph = Submission(Path("cache"), "run")
    if error is not None:
        submitted.errors["render"] = error
    (stages,) = asked(graph, job("a", "", Config()))
    all_over(graph)
    titles = [run.title for run in submitted]
    assert titles[-1] == "report.html" and {"stabilized.mp4", "comparison.mp4", "person.mp4"} <= {*titles}
    assert graph.outcome(stages.asked["stabilized.mp4"]) is error or error is None
    assert isinstance(graph.outcome(stages.asked["report.html"]), Artifact)


def test_after_a_stage_that_failed_none_is_run_and_only_that_one_has_an_error(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    submitted.errors["pose"] = VideoError("a.mp4: nobody")
    (stages,) = asked(graph, job("a", "", Config()), metrics_only=True)
    all_over(graph)
    assert graph.outcome(stages.asked["pose"]) is submitted.errors["pose"]
    later = ("subject", "offsets", "trajectory")
    assert submitted.blocked == [*later] and [graph.outcome(stages.asked[title]) for title in later] == [None] * 3


def test_after_a_pass_that_was_not_run_none_of_its_stages_is(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    submitted.errors["pose"] = VideoError("a.mp4: nobody")
    (stages,) = asked(graph, job("a", "", Config()))
    all_over(graph)
    of_passes = ("masks and scene", "masks", "scene", "render", "stabilized.mp4", "comparison.mp4", "person.mp4")
    assert {*of_passes} <= {*submitted.blocked}
    assert {graph.outcome(stages.asked[title]) for title in of_passes if title in stages.asked} == {None}


def test_the_first_who_asks_for_charts_decides_which_videos_they_come_after() -> None:
    graph = Submission(Path("cache"), "run", 2)
    first, second = asked(graph, job("a", "x", Config()), job("a", "y", Config(outputs=[Output.person])))
    charts = first.asked["report.html"]
    assert second.asked["report.html"] is charts
    assert len(charts.behind) > 1 and {*charts.behind} <= {*first.asked.values()}


def test_a_video_that_is_forgotten_takes_no_memory_but_what_another_one_uses(submitted: Submitted) -> None:
    graph = Submission(Path("cache"), "run")
    here = job("a", "", Config())
    there = Job(Video("b", Path("b.mp4")), Path("b.mp4"), here.digest, Config(), here.models, "run")
    first, second, other = asked(graph, here, there, job("c", "", Config()))
    all_over(graph)
    graph.forget("a")
    assert all(map(graph.is_over, second.asked.values()))
    graph.forget("b")
    assert not any(map(graph.is_over, first.asked.values())) and all(map(graph.is_over, other.asked.values()))
    assert graph._futures.keys() == {*other.asked.values()}
    (again,) = asked(graph, here)
    assert again.asked["decode"] is not first.asked["decode"]


def test_what_needs_a_shared_size_goes_after_the_stages_of_all_videos_that_decide_it() -> None:
    graph = Submission(Path("cache"), "run")
    shared = Config(crop=CropConf(aspect="1:1", shared=True))
    asked(graph, *(job(video, "", shared) for video in "abc"), metrics_only=True)
    order = [handle.title for unit in graph.take_new() for handle in unit.handles]
    assert order == [title for title in ("decode", "pose", "subject", "offsets", "trajectory") for _ in "abc"]


def test_what_reads_the_video_goes_before_other_stages_that_could_begin_as_well() -> None:
    graph = Submission(Path("cache"), "run")
    asked(graph, job("a", "", Config(outputs=[Output.stabilized])))
    order = [handle.title for unit in graph.take_new() for handle in unit.handles]
    assert order[:5] == ["decode", "pose", "scene", "people", "subject"]


def test_of_many_videos_the_first_few_are_finished_before_the_next_begin() -> None:
    graph = Submission(Path("cache"), "run")
    asked(graph, *(job(f"v{number:02}", "", Config()) for number in range(10)), metrics_only=True)
    units = list(graph.take_new())
    titles = [(unit.handles[0].askers[0].video, unit.handles[0].title) for unit in units]
    assert titles.index(("v03", "trajectory")) < titles.index(("v04", "decode"))
    seen: set[object] = set()
    for unit in units:  # each comes after all that it waits for
        assert unit.waits_for <= seen
        seen |= {*unit.handles}


def test_a_size_that_all_of_many_videos_share_waits_for_all_of_them() -> None:
    graph = Submission(Path("cache"), "run")
    shared = Config(crop=CropConf(aspect="1:1", shared=True))
    asked(graph, *(job(f"v{number:02}", "", shared) for number in range(10)), metrics_only=True)
    units, seen = [*graph.take_new()], set[object]()
    assert any(unit.shares for unit in units)
    for unit in units:
        assert unit.waits_for <= seen
        seen |= {*unit.handles}


def test_a_video_decides_a_shared_size_once_whoever_of_its_people_asks() -> None:
    graph = Submission(Path("cache"), "run")
    here = job("a", "", Config(crop=CropConf(aspect="1:1", shared=True)))
    people = asked(graph, replace(here, person=1), replace(here, person=1), metrics_only=True)
    (shared,) = people[0].asked["offsets"].shares
    assert people[1].asked["offsets"].shares == (shared,) and len(shared.members) == 1


def test_a_video_that_shares_a_size_asks_for_more_after_another_one_was_forgotten() -> None:
    graph = Submission(Path("cache"), "run")
    first, second = (job(video, "", Config(crop=CropConf(aspect="1:1", shared=True))) for video in "ab")
    asked(graph, first, second, metrics_only=True)
    list(graph.take_new())
    graph.forget("a")
    asked(graph, second)
    titles = {handle.title for unit in graph.take_new() for handle in unit.handles}
    assert {"scene", "stabilized.mp4", "report.html"} <= titles and "trajectory" not in titles
