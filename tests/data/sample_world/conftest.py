"""The whole sample world, written once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the sample of seed 0; the tests are skipped where Babel is missing."""
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    folder = tmp_path_factory.mktemp("world") / "sample"
    write_sample(folder)
    return folder
