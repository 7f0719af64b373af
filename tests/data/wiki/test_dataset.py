"""The corpus as a dataset with texts: prepared in one process or two, and streamed."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import pytest

from xlretrieval.data.sections import AlignedPair, AlignedSectionsWriter, Section
from xlretrieval.data.wiki.dataset import Wiki


def write_corpus(folder: Path, last: str = "Danube.") -> Path:
    """Four English and three German sections; the last English one is a negative only."""
    english = [("en0", "R0", (), "Rhine."), ("en1", "R0", ("Course",), "Alps."), ("en2", "R1", (), last)]
    german = [("de0", "R0", (), "Rhein."), ("de1", "R0", ("Verlauf",), "Alpen."), ("de2", "R1", (), "Donau.")]
    with AlignedSectionsWriter(folder, overwrite=True) as writer:
        for language, rows in (("en", english), ("de", german)):
            writer.add_sections(language, [Section(row[0], language, row[1], "River", row[2], row[3]) for row in rows])
        pairs = [
            AlignedPair(0, 0, 0.5, source_negatives=[1, 2], target_negatives=[2]),
            AlignedPair(1, 1, 0.25, source_negatives=[0]),
            AlignedPair(2, 2, split="test"),
        ]
        writer.add_pairs("en-de", pairs)
        writer.finish({})
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


FIRST = {
    "source": {"id": "en0", "article_id": "R0", "title": "River", "heading_path": [], "text": "Rhine."},
    "target": {"id": "de0", "article_id": "R0", "title": "River", "heading_path": [], "text": "Rhein."},
    "score": 0.5,
    "source_negatives": ["Alps.", "Danube."],
    "target_negatives": ["Donau."],
}
SECOND = {
    "source": {"id": "en1", "article_id": "R0", "title": "River", "heading_path": ["Course"], "text": "Alps."},
    "target": {"id": "de1", "article_id": "R0", "title": "River", "heading_path": ["Verlauf"], "text": "Alpen."},
    "score": 0.25,
    "source_negatives": ["Rhine."],
    "target_negatives": [],
}


@pytest.mark.parametrize("processes", [None, 2])
def test_prepared_rows(folder: Path, tmp_path: Path, processes: int | None) -> None:
    wiki = Wiki(config_name="en-de", data_dir=folder, cache_dir=str(tmp_path / "cache"))
    wiki.download_and_prepare(num_proc=processes)
    prepared = wiki.as_dataset()
    assert {split: len(rows) for split, rows in prepared.items()} == {"train": 2, "test": 1}
    assert prepared["train"].to_list() == [FIRST, SECOND]
    assert prepared["test"][0]["target"]["text"] == "Donau."
    assert wiki.info.version == "1.0.0"


def test_streamed_rows(folder: Path, tmp_path: Path) -> None:
    wiki = Wiki(config_name="en-de", data_dir=folder, cache_dir=str(tmp_path / "cache"))
    stream = wiki.as_streaming_dataset(split="train")
    assert list(stream) == [FIRST, SECOND]
    assert stream.num_shards == 2
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_the_other_order_turns_the_sides_around(folder: Path, tmp_path: Path) -> None:
    wiki = Wiki(config_name="de-en", data_dir=str(folder), max_negatives=1, cache_dir=str(tmp_path / "cache"))
    row = next(iter(wiki.as_streaming_dataset(split="train")))
    assert (row["source"], row["target"]) == (FIRST["target"], FIRST["source"])
    assert (row["source_negatives"], row["target_negatives"]) == (["Donau."], ["Alps."])


def test_prepared_as_parquet_for_plain_load_dataset(folder: Path, tmp_path: Path) -> None:
    wiki = Wiki(config_name="en-de", data_dir=folder, cache_dir=str(tmp_path / "cache"))
    wiki.download_and_prepare(str(tmp_path / "out"), file_format="parquet")
    files = {"train": str(tmp_path / "out/*train*.parquet")}
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "plain"))
    assert rows.to_list() == [FIRST, SECOND]


def test_a_corpus_that_is_built_again_is_prepared_again(folder: Path, tmp_path: Path) -> None:
    def text() -> str:
        wiki = Wiki(config_name="en-de", data_dir=folder, cache_dir=str(tmp_path / "cache"))
        wiki.download_and_prepare()
        return wiki.as_dataset(split="test")[0]["source"]["text"]

    assert text() == "Danube."
    prepared = {path: os.stat(path).st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")}
    assert text() == "Danube."
    assert {path: os.stat(path).st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")} == prepared
    write_corpus(folder, last="Danube!")
    assert text() == "Danube!"


def test_what_is_not_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pair must be one of en-de, got 'en-fr'"):
        Wiki(config_name="en-fr", data_dir=folder)
    with pytest.raises(FileNotFoundError, match="folder of aligned sections must exist"):
        Wiki(config_name="en-de", data_dir=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="max_negatives must be at least 0, got -1"):
        Wiki(config_name="en-de", data_dir=folder, max_negatives=-1)
