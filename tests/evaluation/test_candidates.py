from pathlib import Path

import numpy as np
import pytest

from xlretrieval.data.sections import AlignedPair, AlignedSections, AlignedSectionsWriter, Section
from xlretrieval.evaluation.candidates import held_out_candidates, rank_candidates, rank_candidates_by_embedding
from xlretrieval.evaluation.ranking import evaluate_run

TEST_PAIRS = 8


def section(language: str, row: int, text: str) -> Section:
    return Section(f"{language}{row}", language, f"article {row}", "", (), text)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> AlignedSections:
    """Rows 0-7 are test, 8-11 train. French 6 has the text of French 7; English 5 has no word in it."""
    folder: Path = tmp_path_factory.mktemp("corpus")
    english = [f"Topic {row} opens here. It goes on about topic {row}! Does topic {row} end?" for row in range(12)]
    french = [f"Le sujet {row} commence. Il continue {row}." for row in range(12)]
    english[5] = "... !"
    french[6] = french[7]
    with AlignedSectionsWriter(folder / "corpus") as writer:
        writer.add_sections("en", [section("en", row, text) for row, text in enumerate(english)])
        writer.add_sections("fr", [section("fr", row, text) for row, text in enumerate(french)])
        pairs = [
            AlignedPair(row, row, 1.0, (), (9, 10) if row == 0 else (), "test" if row < TEST_PAIRS else "train")
            for row in range(12)
        ]
        # English 8 has a second translation, French 11: neither may be a negative of the other.
        pairs.append(AlignedPair(8, 11, 1.0, (), (), "train"))
        writer.add_pairs("en-fr", pairs)
        writer.finish({})
    return AlignedSections.load(folder / "corpus", cache_dir=folder / "cache")


def test_every_query_is_a_sentence_of_its_section(corpus):
    forward, backward = held_out_candidates(corpus, "en-fr", candidates=4)
    assert (forward.name, backward.name) == ("en-fr", "fr-en")
    assert forward.dropped == {"no sentence": 1} and backward.dropped == {}
    assert len(forward.queries) == 7 and len(backward.queries) == 8
    for query_id, query in forward.queries.items():
        row = int(query_id.removeprefix("en-fr."))
        assert query in corpus.sections("en").text(row) and query[-1] in ".!?" and query != ""
        assert forward.qrels[query_id] == {f"fr.{row}": 1}
    assert backward.queries["fr-en.2"] in ("Le sujet 2 commence.", "Il continue 2.")


def test_candidates_hold_the_answer_its_hard_negatives_and_held_out_sections(corpus):
    task, _ = held_out_candidates(corpus, "en-fr", candidates=5)
    for query_id, candidates in task.candidates.items():
        rows = [int(document.removeprefix("fr.")) for document in candidates]
        assert len(set(rows)) == len(rows) == 5
        row = int(query_id.removeprefix("en-fr."))
        assert row in rows
        hard = {9, 10} if row == 0 else set()
        assert hard <= set(rows) <= hard | set(range(TEST_PAIRS))
        assert all(
            task.documents[document] == corpus.sections("fr").text(int(document[3:])) for document in candidates
        )
    assert len({candidates.index(f"fr.{q[6:]}") for q, candidates in task.candidates.items()}) > 1


def test_easy_tasks_have_no_hard_negatives(corpus):
    task, _ = held_out_candidates(corpus, "en-fr", candidates=8, hard=False)
    assert not {"fr.9", "fr.10"} & set(task.documents)
    # With a text that stands twice, 8 held-out sections give only 7 candidates to queries 6 and 7.
    assert {query: len(candidates) for query, candidates in task.candidates.items() if len(candidates) < 8} == {
        "en-fr.6": 7,
        "en-fr.7": 7,
    }
    assert task.short == 2


def test_other_translations_and_equal_texts_are_no_negatives(corpus):
    task, _ = held_out_candidates(corpus, "en-fr", "train", candidates=20)
    assert set(task.candidates["en-fr.8"]) == {"fr.8", "fr.9", "fr.10"}
    assert set(task.candidates["en-fr.12"]) == {"fr.9", "fr.10", "fr.11"}
    assert set(task.candidates["en-fr.9"]) == {"fr.8", "fr.9", "fr.10", "fr.11"}
    task, _ = held_out_candidates(corpus, "en-fr", candidates=20)
    assert "fr.7" not in task.candidates["en-fr.6"] and "fr.6" not in task.candidates["en-fr.7"]


def test_a_query_follows_from_seed_and_pair_alone(corpus):
    all_of_them, _ = held_out_candidates(corpus, "fr-en", seed=3)
    few, few_back = held_out_candidates(corpus, "en-fr", queries=3, seed=3)
    assert len(few_back.queries) == 3
    for query_id in few.queries:
        assert few.queries[query_id] == all_of_them.queries[query_id]
        assert few.candidates[query_id] == all_of_them.candidates[query_id]
    other, _ = held_out_candidates(corpus, "en-fr", seed=4)
    assert other.queries != all_of_them.queries


def test_a_split_without_pairs_is_an_error(corpus):
    with pytest.raises(ValueError, match="en-fr: held-out pairs must give at least one query, got none of 0"):
        held_out_candidates(corpus, "en-fr", "validation")
    with pytest.raises(ValueError, match="candidates at least 2 .* got 500, 1 and 0"):
        held_out_candidates(corpus, "en-fr", candidates=1)


class NumberReranker:
    """Knows that numbers match."""

    def score(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        return np.array([len(set(query.split()) & set(text.split())) for query, text in pairs], dtype=np.float32)


class TopicEncoder:
    """The one-hot vector of the first number in a text."""

    def encode(self, texts: list[str], normalize: bool) -> np.ndarray:
        assert normalize
        vectors = np.zeros((len(texts), 12), dtype=np.float32)
        for row, text in enumerate(texts):
            digits = "".join(character if character.isdigit() else " " for character in text).split()
            vectors[row, int(digits[0]) if digits else 0] = 1
        return vectors


def test_runs_have_every_candidate_and_find_the_answers(corpus):
    task, _ = held_out_candidates(corpus, "en-fr", candidates=4)
    run = rank_candidates(NumberReranker(), task)
    assert {query: set(documents) for query, documents in run.items()} == {
        query: set(documents) for query, documents in task.candidates.items()
    }
    run = rank_candidates_by_embedding(TopicEncoder(), task)
    found = {query: values["RR"] for query, values in evaluate_run(run, task.qrels).per_query.items()}
    expected = {f"en-fr.{row}" for row in (0, 1, 2, 3, 4, 7)}
    assert {
        query for query, value in found.items() if value == 1 and run[query][next(iter(task.qrels[query]))]
    } == expected
