"""The page: what it asks for, in order, and that a type checker refuses a mistake on it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conf.config import Config
from conf.enums import BackgroundMode, BorderMode, CropMode, Export, Output
from conf.input import MasksConf
from conf.lock import AnchorConf, CropConf
from conf.render import BackgroundConf, BorderConf
from flows.cli.run_progress import USUAL_COSTS
from flows.graph.nodes import Graph
from flows.graph.output_needs import titles_after_first_pass
from flows.graph.stage_requests import RequestedStages
from flows.jobs import Job
from flows.pipeline import pipeline
from flows.videos import Video
from tests.support.done import DIGESTS

ROOT = Path(__file__).parents[2]
PAGE = Path("flows/pipeline.py")
REQUESTS = Path("flows/graph/stage_requests.py")


def titles(config: Config, *, metrics_only: bool = False) -> list[str]:
    stages = RequestedStages(
        Job(Video("a", Path("a.mp4")), Path("a.mp4"), "0" * 64, config, DIGESTS, "run"), Graph(Path("cache"))
    )
    pipeline(stages, config, metrics_only=metrics_only)
    return list(stages.asked)


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(outputs=[Output.pose]),
        Config(outputs=[Output.person, Output.masks]),
        Config(outputs=[Output.masks]),
        Config(outputs=[Output.stabilized], verify=True),
        Config(outputs=[Output.stabilized], border=BorderConf(mode=BorderMode.constant)),
        Config(outputs=[Output.pose], exports=[Export.webdataset]),
    ],
)
def test_the_work_behind_the_first_pass_is_known_before_it_is_asked_for(config: Config) -> None:
    graph = Graph(Path("cache"))
    job = Job(Video("a", Path("a.mp4")), Path("a.mp4"), "0" * 64, config, DIGESTS, "run")
    pipeline(RequestedStages(job, graph), config)
    costly = {unit.title for unit in graph.take_new()} & (USUAL_COSTS.keys() - {"pose", "demo"})
    assert set(titles_after_first_pass(config)) == costly


PATH = ["decode", "pose", "subject", "offsets", "trajectory"]
WITH_PEOPLE = ["decode", "pose", "people", "subject", "offsets", "trajectory"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Config(outputs=[Output.pose]), [*WITH_PEOPLE, "report.html"]),
        (
            Config(outputs=[Output.pose], exports=[Export.angles, Export.events]),
            [*WITH_PEOPLE, "exports/events", "exports/angles", "report.html"],
        ),
        (
            Config(outputs=[Output.pose], exports=[Export.rle]),
            [*WITH_PEOPLE[:4], "masks", *WITH_PEOPLE[4:], "exports/rle", "report.html"],
        ),
        (
            Config(outputs=[Output.pose], exports=[Export.webdataset]),
            [*WITH_PEOPLE[:4], "masks", "scene", *WITH_PEOPLE[4:], "exports/webdataset", "report.html"],
        ),
        (
            Config(outputs=[Output.stabilized], verify=True),
            [*WITH_PEOPLE[:4], "scene", *WITH_PEOPLE[4:], "stabilized.mp4", "verify", "report.html"],
        ),
        (
            Config(outputs=[Output.preview, Output.overlay, Output.contact]),
            [
                *WITH_PEOPLE[:4],
                "scene",
                *WITH_PEOPLE[4:],
                *["stabilized.mp4", "overlay.mp4", "preview.webp", "report.html"],
            ],
        ),
        (
            Config(outputs=[Output.stabilized], border=BorderConf(BorderMode.mirror)),
            [*WITH_PEOPLE, "stabilized.mp4", "report.html"],
        ),
        (
            Config(outputs=[Output.person], background=BackgroundConf(BackgroundMode.transparent)),
            [*WITH_PEOPLE[:4], "masks", "scene", *WITH_PEOPLE[4:], "person.webm", "report.html"],
        ),
        (
            Config(outputs=[Output.person], masks=MasksConf(plate=False)),
            [*WITH_PEOPLE[:4], "masks", *WITH_PEOPLE[4:], "person.mp4", "report.html"],
        ),
        (
            Config(outputs=[Output.pose], crop=CropConf(CropMode.auto, shared=True)),
            [*WITH_PEOPLE[:5], "room", "trajectory", "report.html"],
        ),
    ],
)
def test_the_page_asks_for_what_the_settings_need_in_order(config: Config, expected: list[str]) -> None:
    assert titles(config) == expected


def test_for_metrics_only_no_more_than_the_path_is_asked_for() -> None:
    assert titles(Config(), metrics_only=True) == PATH
    masks = Config(anchor=AnchorConf(masks=True))
    assert titles(masks, metrics_only=True) == [*PATH[:3], "masks", *PATH[3:]]


def test_the_page_is_one_page() -> None:
    assert len((ROOT / PAGE).read_text().splitlines()) <= 150


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, to be edited."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("conf", "flows", "tasks"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def checked(copy: Path) -> str:
    """What mypy has against the page and the requests that it leads to; empty for nothing.

    Libraries are not read, which takes ten times as long: neither file uses one.
    """
    ours_only = ["--follow-imports=silent", "--no-site-packages", "--ignore-missing-imports"]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *ours_only, str(PAGE), str(REQUESTS)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "MYPYPATH": str(copy)}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr


MISTAKES = [
    (PAGE, "stages.render(clip, path, masks,", "stages.render(clip, path, subject,", r'"Handle\[ChosenSubject\]"'),
    (PAGE, "stages.subject(clip, found,", "stages.subject(found, clip,", r'expected "Handle\[DecodedClip\]"'),
    (REQUESTS, "MasksRequest(\n", "MasksRequest(people=made(found),\n", r'"people"'),
    (REQUESTS, "found=made(found)", "found=made(subject)", r'expected "Handle\[FoundPeople\]"'),
]


def test_a_type_checker_refuses_a_wrong_stage_and_a_wrong_field(copy: Path) -> None:
    """All mistakes at once: each is refused in its own line."""
    wanted, places = [], []
    for file, before, after, refused in MISTAKES:
        text = (copy / file).read_text()
        assert before in text
        (copy / file).write_text(text.replace(before, after, 1))
        places.append(f"{file}:{text[: text.index(before)].count(chr(10)) + 1}: ")
        wanted.append(rf"^{places[-1]}.*{refused}")
    said = checked(copy)
    for line in wanted:
        assert re.search(line, said, re.MULTILINE), said
    assert all(line.startswith(tuple(places)) for line in said.splitlines()), said  # nothing else is refused
