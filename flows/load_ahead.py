"""What a run needs later is loaded while its Prefect server starts, which keeps another core busy for seconds.

Nothing depends on it: the run loads by itself what was not loaded here, and meets again whatever went wrong here.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from conf.config import Config
from flows import preflight
from flows.graph.nodes import AnyHandle, Given, Graph
from flows.graph.stage_requests import RequestedStages
from flows.jobs import Job, digest_of
from flows.pipeline import pipeline
from flows.runner import compute_of
from flows.videos import Video, missing_reason
from tasks.cache.keys import stage_key
from tasks.cache.store import find
from tasks.errors import StillwalkError
from tasks.execution.computation import function_of, here
from tasks.models.model_file import pose_bundle
from tasks.models.sources import model_files
from tasks.records import AnyArtifact
from tasks.requests import PoseRequest


def load_ahead(config: Config, video: Video, cache: Path) -> None:
    """Load the modules of the stages of ``video`` that are not in the cache, and make the pose model's bundle for them.

    The bundle is kept for the process. To make it keeps Python's lock for 0.3 to 0.4 s.
    """
    if compute_of(config) is not here or video.path is None or missing_reason(video):
        return  # its stages are computed in another process, or its file is made by a stage
    with suppress(StillwalkError, OSError):
        source = video.path
        job = Job(video, source, digest_of(source)[0], config, preflight.find_model_digests(config), run_id="")
        names = list(_missing_functions(job, cache))
        for name in names:
            function_of(name)
        if PoseRequest.compute in names:
            pose_bundle(model_files(config.pose.model.value, config.models.dir))


def _missing_functions(job: Job, cache: Path) -> Iterator[str]:
    """The functions of the stages that are not in the cache, or that wait for such a stage, in the order of a run.

    What is put behind the videos is left out: its libraries would take memory beside the encoders.
    """
    graph = Graph(cache)
    pipeline(RequestedStages(job, graph), job.config)
    found: dict[AnyHandle, AnyArtifact] = {}
    for handle in (handle for unit in graph.take_new() for handle in unit.handles):
        if not handle.shares and found.keys() >= set(handle.takes):
            request = handle.request(Given(found))
            artifact = find(cache, request.stage, stage_key(request))
            if artifact is not None:
                found[handle] = artifact
                continue
        if not handle.behind:
            yield from handle.functions
