"""Name, tags and artifacts of a run in Prefect's UI: a table of all results and a report of each video.

Artifacts that the server refuses are left out; they never stop a run.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.context import FlowRunContext

from flows.prefect_server import artifact_text
from flows.results.result import Result
from tasks.execution.progress_artifact import REFUSALS, artifact_key, connected, current_api
from tasks.untrusted.plain_text import escape_markdown

MAX_REPORTS: Final = 24  # of one run; the table has all videos, and each has its report.html
MAX_REPEATED_REPORTS: Final = 3  # of a run that computed nothing: an earlier run has made them


class RunArtifacts:
    """The artifacts of one flow run; create and use it inside the run."""

    def __init__(self, cache: Path) -> None:
        context = FlowRunContext.get()
        if context is None or context.flow_run is None:
            raise RuntimeError("there is no flow run to make artifacts for")
        self._api, self._run_id, self._cache = current_api(), context.flow_run.id, cache
        self._about = ""

    def name_run(self, videos: Sequence[str], settings: Sequence[Sequence[str]], sweep: str = "") -> None:
        """Give the run its name and tags; task runs get no tags, which would cost a request each."""
        self._about = sweep or (videos[0] if len(videos) == 1 else f"{len(videos)} videos")
        name, tags = artifact_text.run_name(videos, settings, sweep), artifact_text.run_tags(videos, sweep)
        with suppress(*REFUSALS):  # the run's own client: it was answered a moment ago
            get_client(sync_client=True).update_flow_run(self._run_id, name=name, tags=tags)

    def publish_results(self, results: Sequence[Result]) -> None:
        """Make the table of all results, and the reports of those for which something was computed."""
        with suppress(*REFUSALS), connected(self._api) as client:
            rows = json.dumps(artifact_text.results_table(results))
            self._create(client, "table", artifact_key("results", self._about), rows, self._about)
            new = [one for one in results if one.error or any(stage.status == "ran" for stage in one.stages)]
            for result in new[:MAX_REPORTS] or results[:MAX_REPEATED_REPORTS]:
                text = artifact_text.report_markdown(result, self._picture(result))
                about = f"{result.name} {result.setting}".strip()
                self._create(client, "markdown", artifact_key("report", about), text, about)

    def _picture(self, result: Result) -> bytes:
        sheet = artifact_text.find_contact_sheet(result, self._cache)
        if sheet is None:
            return b""
        if sheet.stat().st_size <= artifact_text.MAX_SHEET_BYTES:
            return sheet.read_bytes()
        from tasks.media.report.small_jpeg import jpeg_within  # loads Pillow

        return jpeg_within(sheet, artifact_text.MAX_SHEET_BYTES)

    def _create(self, client: SyncPrefectClient, kind: str, key: str, data: str, about: str) -> None:
        description = escape_markdown(about)  # Prefect's pages read descriptions as Markdown
        client.create_artifact(
            ArtifactCreate(key=key, type=kind, data=data, description=description, flow_run_id=self._run_id)
        )
