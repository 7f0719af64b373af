"""CLEF as a dataset: rows of judged documents, prepared and streamed."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import pytest

from xlretrieval.data.clef import Clef

YAML = """name: clef
fields: title
documents:
  de: {path: de.sgml, encoding: iso-8859-1}
  nl: {source: AD9495, path: ad}
topics: {en: topics.xml}
qrels: {de: qrels.txt}
"""
TOPIC = "<topic><identifier>{}-AH</identifier><title>{}</title><description>more</description></topic>\n"
DOCUMENT = "<DOC><DOCNO>{}</DOCNO><TITLE>{}</TITLE><TEXT>{}</TEXT></DOC>\n"
ROWS = [
    {"query_id": "41", "query": "bread", "document_id": "D1", "title": "Brot", "text": "Altes Brot.", "relevance": 1},
    {"query_id": "41", "query": "bread", "document_id": "D2", "title": "Müll", "text": "Es regnet.", "relevance": 0},
    {"query_id": "42", "query": "rain", "document_id": "D2", "title": "Müll", "text": "Es regnet.", "relevance": 2},
]


@pytest.fixture
def clef_file(tmp_path: Path) -> Path:
    documents = DOCUMENT.format("D1", "Brot", "Altes Brot.") + DOCUMENT.format("D2", "Müll", "Es regnet.")
    (tmp_path / "de.sgml").write_bytes(documents.encode("iso-8859-1"))
    (tmp_path / "topics.xml").write_text(
        "<topics>" + TOPIC.format(41, "bread") + TOPIC.format(42, "rain") + "</topics>"
    )
    (tmp_path / "qrels.txt").write_text("41 0 D2 0\n41 0 D1 1\n42 0 D2 2\n")
    (tmp_path / "clef.yaml").write_text(YAML)
    return tmp_path / "clef.yaml"


@pytest.fixture
def build(clef_file: Path):
    folder = clef_file.parent

    def call(name: str = "en-de") -> Clef:
        return Clef(config_name=name, data_dir=clef_file, cache_dir=str(folder / "cache"), store_dir=folder / "store")

    return call


def test_prepared_rows(build) -> None:
    clef = build()
    clef.download_and_prepare()
    assert clef.as_dataset(split="test").to_list() == ROWS
    assert clef.info.version == "1.0.0" and list(clef.info.splits) == ["test"]


def test_streamed_rows(build, tmp_path: Path) -> None:
    stream = build().as_streaming_dataset(split="test")
    assert list(stream) == ROWS and stream.num_shards == 2
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_as_parquet_for_plain_load_dataset(build, tmp_path: Path) -> None:
    build().download_and_prepare(str(tmp_path / "out"), file_format="parquet")
    files = {"test": str(tmp_path / "out/*test*.parquet")}
    rows = datasets.load_dataset("parquet", data_files=files, split="test", cache_dir=str(tmp_path / "plain"))
    assert rows.to_list() == ROWS


def test_a_file_that_changes_is_prepared_again(build, tmp_path: Path) -> None:
    def rows() -> list[dict]:
        clef = build()
        clef.download_and_prepare()
        return clef.as_dataset(split="test").to_list()

    assert rows() == ROWS
    prepared = {path: os.stat(path).st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")}
    assert rows() == ROWS
    assert {path: os.stat(path).st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")} == prepared
    (tmp_path / "qrels.txt").write_text("42 0 D2 1\n")
    assert rows() == [ROWS[2] | {"relevance": 1}]
    (tmp_path / "clef.yaml").write_text(YAML.replace("fields: title", "fields: title+description"))
    assert rows() == [ROWS[2] | {"relevance": 1, "query": "rain more"}]


def test_configurations_are_all_directions() -> None:
    assert len(Clef.builder_configs) == 36
    assert {"en-de", "de-en", "es-it", "fr-nl", "nl-fr", "it-it"} <= set(Clef.builder_configs)


def test_what_is_not_there(build, clef_file: Path) -> None:
    with pytest.raises(ValueError, match="direction must be one of en-de, en-nl, got 'de-en'"):
        build("de-en")
    message = r"got none for:\n- AD9495 \(Algemeen Dagblad 1994-1995, nl\): 106,483 documents in iso-8859-1 at .*/ad\n"
    with pytest.raises(ValueError, match=message):
        build("en-nl")
    clef_file.write_text(YAML.replace("qrels: {de: qrels.txt}\n", ""))
    with pytest.raises(ValueError, match=r"clef\.yaml: a dataset must have qrels, got none"):
        build().download_and_prepare()
