"""Collections of ir_datasets: through a data set that stands in for theirs, and through the package where it is."""

from __future__ import annotations

import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from xlretrieval.data.collections import Document, load_collection

Article = namedtuple("Article", "doc_id title text url")
Query = namedtuple("Query", "query_id title description ht_title")
Judgement = namedtuple("Judgement", "query_id doc_id relevance iteration")


class Text(namedtuple("Text", "doc_id body")):
    def default_text(self) -> str:
        return self.body


class Words(namedtuple("Words", "query_id words")):
    def default_text(self) -> str:
        return self.words


class DataSet:
    """What a data set of ir_datasets answers."""

    def __init__(self, docs=(), queries=(), qrels=(), docs_lang=None, queries_lang=None):
        self._parts = {"docs": docs, "queries": queries, "qrels": qrels}
        self._languages = {"docs": docs_lang, "queries": queries_lang}

    def __getattr__(self, name: str):
        part, _, what = name.partition("_")
        if part == "has":
            return lambda: bool(self._parts[what])
        return {"iter": lambda: iter(self._parts[part]), "lang": lambda: self._languages[part]}[what]


DATASETS = {
    "hc4/zh/dev": DataSet(
        docs=[Article("z1", "Titel\n1", "Text 1", "http://a"), Article("z2", None, "Text 2", "")],
        queries=[Query("5", "Boko Haram", "What?", "博科圣地"), Query("6", "Gibraltar", "", "直布罗陀")],
        qrels=[Judgement("5", "z1", 3, "0"), Judgement("5", "z2", 0, "0"), Judgement("6", "z2", 1, "0")],
        docs_lang="zh",
    ),
    "words": DataSet(
        docs=[Text("d1", " body "), Text("d2", "")],
        queries=[Words("q-a", "some words")],
        qrels=[Judgement("q-a", "d1", 1, "0"), Judgement("q-a", "d1", 2, "0")],
        queries_lang="en",
    ),
}


def configuration(name: str, documents: str, queries: str, **topics: str) -> dict:
    return {
        "name": "theirs",
        "documents": {documents: f"irds:{name}"},
        "topics": {queries: {"path": f"irds:{name}", **topics}},
        "qrels": {documents: f"irds:{name}"},
    }


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_datasets", SimpleNamespace(load=DATASETS.__getitem__))


def test_documents_queries_and_judgements(package: None, tmp_path: Path) -> None:
    config = configuration("hc4/zh/dev", "zh", "en") | {"fields": "title+description"}
    collection = load_collection(config, cache_dir=tmp_path)
    assert collection.queries == {"5": "Boko Haram What?", "6": "Gibraltar"}
    assert collection.candidates == {"5": ["z1", "z2"], "6": ["z2"]} and collection.qrels["5"] == {"z1": 3, "z2": 0}
    assert collection.documents["z1"] == Document("z1", "Titel 1", "Text 1")
    assert collection.documents["z2"] == Document("z2", "", "Text 2")
    assert collection.provenance["files"]["documents"] == ["irds:hc4/zh/dev"]


def test_translations_of_queries(package: None, tmp_path: Path) -> None:
    config = configuration("hc4/zh/dev", "zh", "zh", title="ht_title")
    assert load_collection(config, cache_dir=tmp_path).queries == {"5": "博科圣地", "6": "直布罗陀"}
    config = configuration("hc4/zh/dev", "zh", "zh", title="mt_title")
    with pytest.raises(ValueError, match="hc4/zh/dev, query 1: query must have 'mt_title', got .*'ht_title'"):
        load_collection(config, cache_dir=tmp_path)


def test_records_that_are_only_text(package: None, tmp_path: Path) -> None:
    collection = load_collection(configuration("words", "fr", "en"), cache_dir=tmp_path)
    assert collection.queries == {"q-a": "some words"} and collection.qrels == {"q-a": {"d1": 2}}
    assert collection.documents["d1"].text == "body"
    assert collection.provenance["problems"]["empty document"]["examples"] == ["words, document 2: d2"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (configuration("hc4/zh/test", "zh", "en"), "data set must be one of ir_datasets, got 'hc4/zh/test'"),
        (configuration("hc4/zh/dev", "fa", "en"), "data set hc4/zh/dev must be in 'fa', got 'zh'"),
        (configuration("words", "fr", "de"), "data set words must be in 'de', got 'en'"),
        (configuration("empty", "fr", "de"), "data set empty must have queries, got none"),
    ],
)
def test_what_does_not_fit(
    config: dict, message: str, package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "empty", DataSet())
    with pytest.raises(ValueError, match=message):
        load_collection(config, cache_dir=tmp_path)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(ValueError, match=r"data set words must have the package ir_datasets.*xlretrieval\[ir\]"):
        load_collection(configuration("words", "fr", "en"), cache_dir=tmp_path)


def test_with_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "home"))
    package = pytest.importorskip("ir_datasets")
    (tmp_path / "docs.tsv").write_text("d1\tDas Brot ist alt.\nd2\tEs regnet.\n")
    (tmp_path / "queries.tsv").write_text("1\told bread\n")
    (tmp_path / "qrels.txt").write_text("1 0 d1 1\n1 0 d2 0\n")
    made = package.create_dataset(
        docs_tsv=str(tmp_path / "docs.tsv"),
        queries_tsv=str(tmp_path / "queries.tsv"),
        qrels_trec=str(tmp_path / "qrels.txt"),
    )
    if "little-of-ours" not in package.registry:
        package.registry.register("little-of-ours", made)
    collection = load_collection(configuration("little-of-ours", "de", "en"), cache_dir=tmp_path / "cache")
    assert collection.queries == {"1": "old bread"} and collection.candidates == {"1": ["d1", "d2"]}
    assert collection.documents["d1"].text == "Das Brot ist alt."
    with pytest.raises(ValueError, match="data set must be one of ir_datasets, got 'no/such'"):
        load_collection(configuration("no/such", "de", "en"), cache_dir=tmp_path / "cache")
