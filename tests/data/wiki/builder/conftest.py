"""A small sample world as dumps, and a corpus built from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_once import made_once

PAIRS = ["en-de", "en-fr"]
# Small enough that the sample is several shards of everything.
SHARDS = {"part_bytes": 10_000, "buckets": 3, "validation": 0.1, "test": 0.2}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of some 60 articles in four languages: `dumps/` and `truth.jsonl`."""
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    return made_once(tmp_path_factory, "world", lambda folder: write_sample(folder, size=0.08))


@pytest.fixture(scope="session")
def dumps(world: Path) -> Path:
    """Its dumps."""
    return world / "dumps"


@pytest.fixture(scope="session")
def built(dumps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus that one worker builds from it, in several parts and buckets."""
    pytest.importorskip("daft")
    from xlretrieval.data.wiki.builder import BuildOptions, Workers, build_corpus

    options = BuildOptions(PAIRS, **SHARDS)
    return made_once(tmp_path_factory, "built", lambda folder: build_corpus(dumps, folder, options, Workers(1)))
