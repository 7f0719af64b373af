"""What a search finds, and that it does not depend on how the documents came into the index."""

from __future__ import annotations

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.inference.search import Hit, Index, SearchDocument

QUERIES = [("river house", "en"), ("haus", "de"), ("川", "ja"), ("music", None), ("old water", "all")]


def results(index: Index, **options) -> list[list[Hit]]:
    return [index.search(query, language, **options) for query, language in QUERIES]


def test_the_nearest_vectors_and_shared_words_are_fused(make, documents, encoder) -> None:
    index = make()
    hits = index.search("river house", "en", top_k=16)
    contents = [f"{row['title']}\n{row['text']}".strip() for row in documents]
    cosines = encoder.encode(contents) @ encoder.encode(["river house"])[0]
    nearest = sorted(zip(cosines.tolist(), (row["id"] for row in documents), strict=True), reverse=True)
    dense = {name: rank for rank, (_, name) in enumerate(nearest, start=1)}
    assert {hit.id: hit.dense_rank for hit in hits} == dense
    # Of the English documents four share words. "river water house" has both; two documents of two words, of which
    # "old house" has the rarer; "old river" too, which is as good as "water river": then the later id is first.
    shared = {hit.id: hit.words_rank for hit in hits if hit.words_rank}
    assert shared == {"en5": 1, "en1": 2, "en2": 3, "en0": 4}
    for hit in hits:
        assert hit.score == pytest.approx(
            1 / (60 + dense[hit.id]) + (1 / (60 + shared[hit.id]) if hit.words_rank else 0)
        )
    assert [hit.first_rank for hit in hits] == list(range(1, 17))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    row = next(row for row in documents if row["id"] == hits[0].id)
    assert (hits[0].text, hits[0].title, hits[0].language) == (row["text"], row["title"], "en")
    assert hits[0].passage == (0, len(row["text"]))


def test_fewer_are_the_first_of_more(make) -> None:
    index = make()
    for query, language in QUERIES:
        assert index.search(query, language, top_k=16)[:3] == index.search(query, language, top_k=3)
    assert len(index.search("river", top_k=99)) == 16


def test_the_reranker_orders_the_candidates(make, reranker) -> None:
    index = make(reranker=reranker)
    first = index.search("river house", "en", candidates=5, top_k=5, rerank=False)
    hits = index.search("river house", "en", candidates=5, top_k=3)
    scores = reranker.score([("river house", f"{hit.title}\n{hit.text}".strip()) for hit in first])
    expected = sorted(zip(scores.tolist(), (hit.id for hit in first), strict=True), reverse=True)[:3]
    assert [hit.id for hit in hits] == [name for _, name in expected]
    assert [hit.score for hit in hits] == pytest.approx([score for score, _ in expected], abs=1e-5)
    assert [hit.first_rank for hit in first] == [1, 2, 3, 4, 5]
    ranks = {hit.id: hit.first_rank for hit in first}
    assert [hit.first_rank for hit in hits] == [ranks[hit.id] for hit in hits]


def test_the_passage_that_matters(make, reranker) -> None:
    """By the reranker where it ranks, else by the encoder; each is asked for what it says of every passage."""
    text = "Music and people in the land. " * 10 + "The river is water in an old house. " * 8 + "Rain. " * 50
    index = make([{"id": "1", "text": text, "language": "en"}], reranker=reranker)
    from xlretrieval.inference.search.passages import windows

    spans = windows(text, "en")
    passages = [text[start:end] for start, end in spans]
    assert len(passages) == 3
    by_reranker = reranker.score([("water river", passage) for passage in passages])
    assert index.search("water river")[0].passage == spans[int(np.argmax(by_reranker))]
    vectors = index._vectors.encode(["water river", *passages])[0]
    assert index.search("water river", rerank=False)[0].passage == spans[int(np.argmax(vectors[1:] @ vectors[0]))]
    assert index.search("water river", passages=False)[0].passage is None


def test_documents_are_replaced_and_deleted(make) -> None:
    index = make()
    changed = index.add([{"id": "en0", "text": "completely new"}, SearchDocument("new", "text", "title", "fr")])
    assert (changed.added, changed.replaced, changed.truncated) == (2, 1, 0) and len(index) == 17
    texts = {hit.id: hit.text for hit in index.search("new", top_k=99)}
    assert texts["en0"] == "completely new" and texts["new"] == "text"
    assert index.languages == {"": 1, "de": 6, "en": 6, "fr": 1, "ja": 3}
    assert index.delete(["en0", "de1", "en0"]) == 2
    assert index.languages == {"de": 5, "en": 6, "fr": 1, "ja": 3} and len(index) == 15
    assert "en0" not in {hit.id for hit in index.search("new", top_k=99)}
    assert index.add([]).added == 0 and index.delete([]) == 0 and len(index) == 15
    index.delete([hit.id for hit in index.search("new", top_k=99)])
    assert len(index) == 0 and index.search("new", "en") == [] and index.languages == {}
    index.add([{"id": "again", "text": "river", "language": "en"}])
    assert [hit.id for hit in index.search("river", "en")] == ["again"]


def test_an_opened_index_is_the_built_one(make, encoder) -> None:
    index = make()
    opened = Index.open(index.folder, encoder)
    assert results(opened) == results(index)
    index.add([{"id": "x", "text": "river house", "language": "en"}])
    index.delete(["en1"])
    # It stays as it was, although its files are gone.
    assert "x" not in {hit.id for hit in opened.search("river house", "en", top_k=99)}
    assert "en1" in {hit.id for hit in opened.search("house", "en", top_k=99)}
    assert results(Index.open(index.folder, encoder)) == results(index)
    # What it adds is added to what there is now.
    opened.add([{"id": "y", "text": "river house", "language": "en"}])
    assert {"x", "y"} <= {hit.id for hit in opened.search("river house", top_k=99)} and len(opened) == 17


def test_options_are_remembered(tmp_path, encoder, documents) -> None:
    index = Index.build(
        documents, tmp_path / "cls", encoder, pooling="cls", layer=1, max_length=8, show_progress=False
    )
    expected = [encoder.encode([text], "cls", 1, 8, 1024)[0] for text in ("river", "old house")]
    opened = Index.open(tmp_path / "cls", encoder)
    assert np.array_equal(opened._vectors.encode(["river", "old house"])[0], expected)
    assert results(opened) == results(index)
    stored = np.fromfile(next((tmp_path / "cls").glob("segments/*/vectors.f32")), np.float32).reshape(-1, 32)
    assert np.array_equal(stored[1], encoder.encode(["old house"], "cls", 1, 8, 1024)[0])


IDS = [f"D{number}" for number in range(8)]
TEXTS = ["river", "river house", "old water house", "music. The river", "haus", "das alte haus", "水がある", "..."]
ROWS = st.tuples(st.sampled_from(IDS), st.sampled_from(TEXTS), st.sampled_from(["en", "de", "", "ja"]))
STEPS = st.lists(
    st.one_of(
        st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: row[0]),
        st.sets(st.sampled_from(IDS), min_size=1, max_size=4),
    ),
    max_size=8,
)


@pytest.fixture
def quick(monkeypatch) -> None:
    """Waiting for the disk is most of the time of changes this small."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, start=st.lists(ROWS, min_size=1, max_size=8, unique_by=lambda row: row[0]))
@pytest.mark.parametrize("approximate_from", [50_000, 2])
def test_any_way_to_the_same_documents_gives_the_same_results(approximate_from, start, steps, encoder, quick) -> None:
    """Additions, replacements, deletions and the merges between them leave what one build makes of what is left: the
    same hits with the same scores, not to rounding only."""

    def rows(content):
        return [{"id": name, "text": text, "language": language} for name, text, language in content]

    with tempfile.TemporaryDirectory() as folder:
        options = {"approximate_from": approximate_from, "show_progress": False}
        index = Index.build(rows(start), Path(folder) / "steps", encoder, **options)
        left = {name: (name, text, language) for name, text, language in start}
        for step in steps:
            if isinstance(step, list):
                index.add(rows(step))
                left |= {row[0]: row for row in step}
            elif step & set(left):
                index.delete(sorted(step & set(left)))
                left = {name: row for name, row in left.items() if name not in step}
        assert len(index) == len(left)
        if not left:
            assert results(index) == [[]] * len(QUERIES)
            return
        fresh = Index.build(rows(sorted(left.values())), Path(folder) / "fresh", encoder, **options)
        assert results(index) == results(fresh)
        assert results(Index.open(index.folder, encoder)) == results(fresh)
        assert index.languages == fresh.languages


def test_ten_additions_are_one_build(make, documents, model, tokenizer) -> None:
    """With an encoder as it is, whose vectors depend on the batch in their last digits."""
    from xlretrieval.inference.encoder import Encoder

    plain = Encoder(model, tokenizer)
    one = Index.build(documents, make().folder.parent / "one", plain, show_progress=False)
    ten = Index.build(documents[:1], one.folder.parent / "ten", plain, show_progress=False)
    for number in range(1, 11):
        ten.add(documents[number : number + 1] if number < 10 else documents[10:], show_progress=False)
    for expected, found in zip(results(one, top_k=16), results(ten, top_k=16), strict=True):
        assert {hit.id: hit.dense_rank for hit in found} == {hit.id: hit.dense_rank for hit in expected}
        assert {hit.id: hit.score for hit in found} == pytest.approx({hit.id: hit.score for hit in expected})


def test_a_graph_finds_most_of_the_nearest(make, encoder) -> None:
    """3,000 random vectors, a fifth of them deleted: what it finds has the exact cosines, in their order."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    encoder.known |= {(f"t{number}", ("mean", -1, None, 2048)): vector for number, vector in enumerate(vectors)}
    rows = [{"id": str(number), "text": f"t{number}"} for number in range(3000)]
    exact, graph = make(rows, "exact"), make(rows, "graph", approximate_from=1000)
    gone = [str(number) for number in range(0, 3000, 5)]
    exact.delete(gone), graph.delete(gone)
    assert (graph.folder / "segments").is_dir() and list(graph.folder.rglob("graph.usearch"))
    assert not list(exact.folder.rglob("graph.usearch"))
    found = {True: 0, False: 0}
    for number in range(0, 3000, 50):
        expected = [hit.id for hit in exact.search(f"t{number}", top_k=20, passages=False)]
        truth = vectors @ vectors[number]
        truth[::5] = -2
        assert expected == [str(row) for row in np.argsort(-truth)[:20]]
        hits = [hit.id for hit in graph.search(f"t{number}", top_k=20, candidates=20, passages=False)]
        assert len(hits) == 20 and not set(hits) & set(gone)
        assert hits == sorted(hits, key=lambda name: -truth[int(name)])
        for name in expected:
            found[name in hits] += 1
    assert found[True] / sum(found.values()) > 0.9


def test_threads_find_what_one_finds(make, reranker) -> None:
    index = make(reranker=reranker, approximate_from=5)
    expected = results(index)
    # Opened anew, so that words and model are first used by all threads at once.
    fresh, barrier = Index.open(index.folder, index._vectors._encoder, reranker), threading.Barrier(8)

    def search(number: int) -> list[list[Hit]]:
        barrier.wait()
        order = [(number + step) % len(QUERIES) for step in range(len(QUERIES))]
        found = {place: fresh.search(*QUERIES[place]) for place in order}
        return [found[place] for place in range(len(QUERIES))]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(search, range(8)))
    for hits in found:
        for one, other in zip(hits, expected, strict=True):
            assert [hit.id for hit in one] == [hit.id for hit in other]
            assert [hit.score for hit in one] == pytest.approx([hit.score for hit in other], abs=1e-6)


def test_opening_loads_no_model(make, tmp_path, tiny_checkpoint, documents) -> None:
    """The name of the encoder is remembered; it is loaded for the first query."""
    folder = tiny_checkpoint("BertModel")
    index = Index.build(documents, tmp_path / "named", str(folder), show_progress=False)
    assert index.manifest.model == str(folder.resolve())
    opened = Index.open(tmp_path / "named")
    assert opened._vectors._encoder is None and len(opened) == 16
    assert [hit.id for hit in opened.search("river house", "en")] == [
        hit.id for hit in index.search("river house", "en")
    ]
