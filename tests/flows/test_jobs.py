"""Jobs: with ``subject=all`` one job becomes one for each person of its video."""

from dataclasses import replace
from pathlib import Path

from conf.config import Config
from conf.enums import SubjectRule
from conf.input import SubjectConf
from flows.jobs import Job
from flows.videos import Video
from tasks.records import AnyArtifact, Artifact

NUMBERED: AnyArtifact = Artifact("people", "key", "/cache", {}, {}, "run", 0.0)


def test_a_job_for_all_becomes_one_for_each_person() -> None:
    config = Config(video="a.mp4", subject=SubjectConf(rule=SubjectRule.all))
    job = Job(Video("a", Path("a.mp4")), Path("a.mp4"), "0" * 64, config, {}, "run")
    assert job.asks_for_all and not replace(job, refusal="too small").asks_for_all
    for numbers in ([1], [1, 2, 4]):
        each = job.of_each_person(replace(NUMBERED, facts={"everybody": numbers}))
        assert [one.person for one in each] == numbers and not any(one.asks_for_all for one in each)
        assert [one.name for one in each] == [f"a person {number}" for number in numbers]
    assert job.of_each_person(replace(NUMBERED, facts={"everybody": []})) == [job]
