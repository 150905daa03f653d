"""What is put up in Prefect's UI of a run: its name and tags, a report of each video, and a table of all.

A notice that the server does not take is left out: none is worth the run.
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

MOST_REPORTS: Final = 24  # of one run; the table has all videos, and each its report.html
MOST_REPEATED: Final = 3  # of a run that computed nothing: they were put up before


class Notices:
    """The notices of one flow run; to be made and used inside it."""

    def __init__(self, cache: Path) -> None:
        context = FlowRunContext.get()
        if context is None or context.flow_run is None:
            raise RuntimeError("there is no flow run to say something of")
        self._api, self._run_id, self._cache = current_api(), context.flow_run.id, cache
        self._about = ""

    def name(self, videos: Sequence[str], settings: Sequence[Sequence[str]], sweep: str = "") -> None:
        """Give the run its name and tags. The tags are the run's alone: each of a task run's costs a request."""
        self._about = sweep or (videos[0] if len(videos) == 1 else f"{len(videos)} videos")
        name, tags = artifact_text.run_name(videos, settings, sweep), artifact_text.tags(videos, sweep)
        with suppress(*REFUSALS):  # with the run's own client: a moment ago it has been answered
            get_client(sync_client=True).update_flow_run(self._run_id, name=name, tags=tags)

    def tell(self, results: Sequence[Result]) -> None:
        """Put up the table of all, and the reports of those for whom something was computed."""
        with suppress(*REFUSALS), connected(self._api) as client:
            rows = json.dumps(artifact_text.table(results))
            self._put(client, "table", artifact_key("results", self._about), rows, self._about)
            told = [one for one in results if one.error or any(stage.status == "ran" for stage in one.stages)]
            for result in told[:MOST_REPORTS] or results[:MOST_REPEATED]:
                text = artifact_text.report(result, self._picture(result))
                about = f"{result.video.name} {result.setting}".strip()
                self._put(client, "markdown", artifact_key("report", about), text, about)

    def _picture(self, result: Result) -> bytes:
        sheet = artifact_text.sheet_of(result, self._cache)
        if sheet is None:
            return b""
        if sheet.stat().st_size <= artifact_text.PICTURE_BYTES:
            return sheet.read_bytes()
        from tasks.media.report.contact_sheet import jpeg_within  # loads OpenCV

        return jpeg_within(sheet, artifact_text.PICTURE_BYTES)

    def _put(self, client: SyncPrefectClient, kind: str, key: str, data: str, about: str) -> None:
        shown = escape_markdown(about)  # Prefect's pages read descriptions as Markdown
        client.create_artifact(
            ArtifactCreate(key=key, type=kind, data=data, description=shown, flow_run_id=self._run_id)
        )
