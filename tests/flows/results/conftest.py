from pathlib import Path

import pytest

from tests.support.finished_job import Finished, finished_job


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    return finished_job(tmp_path, monkeypatch)
