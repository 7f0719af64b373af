"""Documents by id from memory-mapped files."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.collections import Document, DocumentStore, LocatedDocument, Problems, build_store
from xlretrieval.data.collections import store as store_module


def located(*ids: str) -> Iterator[LocatedDocument]:
    for line, name in enumerate(ids, start=1):
        yield LocatedDocument(Document(name, f"Title {name}", f"Text {name} ü"), f"a.sgml, line {line}")


def test_documents_by_id(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(2_500)]
    store = build_store({"a": located(*names[:1_700]), "b": located(*names[1_700:])}, tmp_path / "store")
    assert len(store) == 2_500 and store.sources == {"a": 1_700, "b": 800}
    for name in ("d0", "d999", "d1000", "d1699", "d1700", "d2499"):
        assert store[name] == Document(name, f"Title {name}", f"Text {name} ü")
    assert store.content("d7") == "Title d7\nText d7 ü"
    assert list(store) == names == store.ids.to_pylist()
    assert "d2500" not in store and 3 not in store and "\ud800" not in store
    with pytest.raises(KeyError, match="d2500"):
        store["d2500"]
    assert store.get("d2500") is None
    copy = pickle.loads(pickle.dumps(store))
    assert copy["d1234"] == store["d1234"] and repr(copy) == f"DocumentStore('{tmp_path}/store', 2,500 documents)"
    assert store == store and store != copy


def test_the_same_documents_make_the_same_files(tmp_path: Path) -> None:
    for name in "ab":
        build_store({"x": located("q", "r", "s")}, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["documents.arrow", "hashes.npy", "rows.npy", "store.json"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_ids_with_the_same_hash_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_hash", lambda document_id: len(document_id))
    store = build_store({"x": located("aa", "bb", "c", "dd")}, tmp_path / "store")
    assert [store[name].title for name in ("aa", "bb", "c", "dd")] == ["Title aa", "Title bb", "Title c", "Title dd"]
    assert "ee" not in store


def test_an_id_that_occurs_twice(tmp_path: Path) -> None:
    message = r"a\.sgml, line 3: a document id must occur once, got x which is also at a\.sgml, line 1\."
    with pytest.raises(ValueError, match=message):
        build_store({"a": located("x", "y", "x")}, tmp_path / "store")
    assert not list(tmp_path.iterdir())
    problems = Problems("skip")
    documents = [*located("x", "y"), LocatedDocument(Document("x", "", "other"), "b.sgml, line 9")]
    store = build_store({"a": documents}, tmp_path / "store", problems)
    assert (len(store), store["x"].text, dict(problems.counts)) == (2, "Text x ü", {"duplicate document": 1})
    assert "b.sgml, line 9" in store.record["duplicate document"]["examples"][0]
    assert DocumentStore(tmp_path / "store").record == json.loads(json.dumps(problems.record()))


def test_nothing_is_left_of_a_store_that_fails(tmp_path: Path) -> None:
    build_store({"a": located("x")}, tmp_path / "store")

    def broken() -> Iterator[LocatedDocument]:
        yield from located("y")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_store({"a": broken()}, tmp_path / "store")
    with pytest.raises(ValueError, match="a collection must have documents, got none from a, b"):
        build_store({"a": [], "b": []}, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert list(DocumentStore(tmp_path / "store")) == ["x"]


def test_texts_do_not_sit_in_memory(tmp_path: Path) -> None:
    # 10,000 documents of 4,000 characters are 40 MB.
    documents = (LocatedDocument(Document(f"d{number}", "", "word " * 800), "a, line 1") for number in range(10_000))
    tracemalloc.start()
    store = build_store({"a": documents}, tmp_path / "store")
    built = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    assert all(store[f"d{number}"].text == "word " * 800 for number in np.arange(0, 10_000, 7).tolist())
    read = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert built < 16e6 and read < 4e6
