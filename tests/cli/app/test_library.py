"""What a page searches, and what it says to bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlretrieval.cli.app.library import Library
from xlretrieval.cli.app.settings import PageSettings
from xlretrieval.inference.reranker import Reranker


@pytest.fixture(scope="module")
def library(index_folder: Path, long_folder: Path) -> Library:
    return Library(PageSettings([str(index_folder)], [str(long_folder)]))


def test_the_reranker_orders_and_the_first_stage_stands_beside(
    library: Library, index_folder: Path, long_folder: Path
):
    found = library.search("the city on the mountain", str(index_folder), str(long_folder), "all", 3)
    assert found.reranked
    assert len(found.hits) == len(found.first_stage) == 3
    assert [hit.first_rank for hit in found.first_stage] == [1, 2, 3]
    reranker = Reranker.from_pretrained(str(long_folder), dtype="auto")
    scores = reranker.score([("the city on the mountain", f"{hit.title}\n{hit.text}".strip()) for hit in found.hits])
    assert [hit.score for hit in found.hits] == pytest.approx(scores.tolist(), abs=0.05)  # bfloat16 where it is native
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_the_first_stage_alone(library: Library, index_folder: Path):
    found = library.search("the city", str(index_folder), None, "en", 5)
    assert not found.reranked
    assert [hit.first_rank for hit in found.hits] == [1, 2, 3, 4, 5]
    assert all(hit.passage for hit in found.hits)


def test_what_is_known_of_an_index(library: Library, index_folder: Path):
    assert library.size(str(index_folder)) == 5
    assert library.languages(str(index_folder)) == {"de": 2, "en": 2, "fr": 1}
    examples = library.examples(str(index_folder))
    assert len(examples) == len(set(examples)) == 4
    assert "La ville" in examples


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Type a query"),
        (" \n", "Type a query"),
        ("a" * 1001, "at most 1000 characters, got 1001"),
        ("\ud800", "Unicode"),
    ],
)
def test_bad_queries_get_an_answer(library: Library, index_folder: Path, query: str, message: str):
    with pytest.raises(ValueError, match=message):
        library.search(query, str(index_folder), None, "all", 5)


def test_a_visitor_gets_nothing_that_the_page_does_not_show(library: Library, index_folder: Path):
    with pytest.raises(ValueError, match="There is no index '/etc'"):
        library.search("city", "/etc", None, "all", 5)
    assert len(library.search("city", str(index_folder), None, "all", 10**9).hits) == 5


def test_what_is_no_index_or_reranker_is_an_error(index_folder: Path, encoder_folder: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="must be a folder, or a dataset repository on the Hub, got nowhere/index"):
        Library(PageSettings(["nowhere/index"]))
    with pytest.raises((ValueError, OSError), match=str(tmp_path)):
        Library(PageSettings([str(tmp_path)]))
    with pytest.raises(ValueError, match="must have a trained relevance head"):
        Library(PageSettings([str(index_folder)], [str(encoder_folder)]))


def test_settings_are_checked():
    with pytest.raises(ValueError, match="must have an index, got none"):
        PageSettings([])
    with pytest.raises(ValueError, match="Every reranker must be given once, got a, a"):
        PageSettings(["i"], ["a", "a"])
    with pytest.raises(ValueError, match="candidates must be at least 1, got 0"):
        PageSettings(["i"], candidates=0)
