"""What a step of fine-tuning contains: every relevant document once a pass, with documents judged not relevant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from transformers import AutoTokenizer

from xlretrieval.data.ranking_collator import JudgedGroupCollator
from xlretrieval.data.ranking_examples import CollectionQueries, JudgedGroup, RankingDataset

NAME = "little.en-de"


@pytest.fixture(scope="module")
def ids(judged) -> dict[str, str]:
    """Text of a document -> its id."""
    return {judged.documents.content(document): document for document in judged.documents}


def epoch(dataset: RankingDataset, number: int = 0) -> list[JudgedGroup]:
    return [dataset[number * len(dataset) + index] for index in range(len(dataset))]


def test_every_relevant_document_once_an_epoch(judged, ids):
    dataset = RankingDataset([CollectionQueries(judged)], examples_per_step=12, negatives=2)
    assert (dataset.steps_per_epoch, len(dataset)) == (5, 60)  # 20 queries with 3 relevant documents
    assert dataset.counts()[NAME] | {"queries": 20, "examples": 60} == dataset.counts()[NAME]
    for number in (0, 3):
        seen = Counter()
        for group in epoch(dataset, number):
            query = next(query for query, text in judged.queries.items() if text == group.query)
            grades = [judged.qrels[query].get(ids[text]) for text in group.documents]
            assert grades == [1, 0, 0] and len(set(group.documents)) == 3
            assert group.labels == [1.0, 0.0, 0.0] and group.name == NAME
            seen[query, ids[group.documents[0]]] += 1
        assert len(seen) == 60 and set(seen.values()) == {1}


def test_negatives_and_order_are_drawn_anew_every_epoch(judged):
    dataset = RankingDataset([CollectionQueries(judged)], examples_per_step=12)
    first, second = ({(group.query, *group.documents) for group in epoch(dataset, number)} for number in (0, 1))
    assert len(first & second) < 30  # one of nine negatives is drawn again by chance
    assert [group.query for group in epoch(dataset, 0)] != [group.query for group in epoch(dataset, 1)]


def test_what_a_step_contains_follows_from_its_number(judged):
    parts = [CollectionQueries(judged)]
    one = RankingDataset(parts, examples_per_step=12)
    other = RankingDataset(parts, examples_per_step=12)
    forward = [one[index] for index in range(150)]
    assert forward == [other[index] for index in reversed(range(150))][::-1]
    assert forward != [RankingDataset(parts, examples_per_step=12, seed=1)[index] for index in range(150)]


def test_only_the_queries_that_are_named(judged):
    dataset = RankingDataset([CollectionQueries(judged, ("7", "9"))], examples_per_step=4)
    assert {group.query for group in epoch(dataset)} == {judged.queries["7"], judged.queries["9"]}
    with pytest.raises(ValueError, match="a query must be of little, got 99"):
        RankingDataset([CollectionQueries(judged, ("99",))], examples_per_step=4)


def test_data_sets_share_the_steps_by_weight(judged):
    twin = replace(judged, name="twin")
    parts = [CollectionQueries(judged), CollectionQueries(twin, weight=2, loss="listwise")]
    dataset = RankingDataset(parts, examples_per_step=10)
    served = [dataset.step(number) for number in range(36)]
    assert dataset.steps_per_epoch == 18
    for start in (0, 18):
        assert Counter(served[start : start + 18]) == {("rr", NAME): 6, ("rr", "twin.en-de"): 12}
    assert served[:18] != served[18:]
    for number in range(18):
        names = {dataset[number * 10 + position].name for position in range(10)}
        assert names == {served[number][1]} == {dataset.part(number).name}
    # Twelve steps are two passes of the twin: each relevant document twice.
    of_twin = [group for group in epoch(dataset) if group.name == "twin.en-de"]
    assert set(Counter((group.query, group.documents[0]) for group in of_twin).values()) == {2}


def test_negatives_of_queries_without_judged_ones(judged, ids):
    """Unjudged candidates of a first stage come next, then any documents; both are counted."""
    positives = {
        query: {document: 1 for document, grade in grades.items() if grade} for query, grades in judged.qrels.items()
    }
    sparse = replace(judged, qrels=positives, candidates={query: list(judged.qrels[query]) for query in judged.qrels})
    dataset = RankingDataset([CollectionQueries(sparse)], examples_per_step=12)
    assert dataset.counts()[NAME]["queries whose negatives are candidates"] == 20
    for group in epoch(dataset):
        query = next(query for query, text in judged.queries.items() if text == group.query)
        assert judged.qrels[query][ids[group.documents[1]]] == 0
    bare = RankingDataset([CollectionQueries(replace(sparse, candidates={}))], examples_per_step=12, negatives=3)
    assert bare.counts()[NAME]["queries whose negatives are any documents"] == 20
    drawn = set()
    for group in epoch(bare):
        query = next(query for query, text in judged.queries.items() if text == group.query)
        negatives = [ids[text] for text in group.documents[1:]]
        assert len(set(negatives)) == 3 and not set(negatives) & set(positives[query])
        drawn |= set(negatives)
    assert len(drawn) > 90


def test_negatives_from_the_candidates_of_a_run(judged, ids):
    """Where one document was judged not relevant, candidates that nobody judged are negatives on request."""
    sparse = {
        query: {d: grade for d, grade in of.items() if not d.endswith(("04", "05"))}
        for query, of in judged.qrels.items()
    }
    run = {query: [d for d in of if d.endswith(("00", "03", "04", "05"))] for query, of in judged.qrels.items()}
    part = CollectionQueries(replace(judged, qrels=sparse, candidates=run), negatives_from="candidates")
    dataset = RankingDataset([part], examples_per_step=12, negatives=2)
    assert dataset.counts()[NAME]["queries whose negatives are candidates"] == 20
    drawn = {ids[text][-2:] for number in range(3) for group in epoch(dataset, number) for text in group.documents[1:]}
    assert drawn == {"03", "04", "05"}
    with pytest.raises(ValueError, match="negatives_from must be one of judged, candidates, got 'run'"):
        RankingDataset([replace(part, negatives_from="run")], examples_per_step=1)


def test_more_negatives_than_there_are_repeat_them(judged):
    group = RankingDataset([CollectionQueries(judged, ("1",))], examples_per_step=3, negatives=20)[0]
    assert set(Counter(group.documents[1:]).values()) == {2, 3} and len(set(group.documents[1:])) == 9


def test_a_teacher_gives_the_labels(judged, ids):
    teacher = {"1": {"D0100": 3.5, "D0103": -1.0, "D0104": 0.25}, "2": {"D0200": 1.0}}
    part = CollectionQueries(judged, ("1", "2", "3"), loss="margin_mse", teacher=teacher)
    dataset = RankingDataset([part], examples_per_step=2, negatives=2)
    counts = dataset.counts()[NAME]
    assert counts["queries"] == 1 and counts["queries left out, without two documents that the teacher scored"] == 2
    assert counts["documents without a score of the teacher"] == 9 + 11 + 12
    for group in epoch(dataset):
        assert [teacher["1"][ids[text]] for text in group.documents] == group.labels and group.labels[0] == 3.5


def test_relevant_documents_that_are_missing_are_counted(judged):
    qrels = {"1": {"gone": 1, "D0100": 1, "D0103": 0}, "2": {"lost": 1, "D0203": 0}}
    part = CollectionQueries(replace(judged, qrels=qrels), ("1", "2"))
    counts = RankingDataset([part], examples_per_step=1).counts()[NAME]
    assert counts["relevant documents that are not in the collection"] == 2
    assert counts["queries left out, without a relevant document"] == 1
    assert (counts["queries"], counts["examples"]) == (1, 1)


def test_mistakes(judged):
    part = CollectionQueries(judged)
    with pytest.raises(ValueError, match="examples_per_step must be at least 1"):
        RankingDataset([part], examples_per_step=0)
    with pytest.raises(ValueError, match="names of their own, got little.en-de, little.en-de"):
        RankingDataset([part, part], examples_per_step=1)
    with pytest.raises(ValueError, match="weight of little.en-de must be above 0"):
        RankingDataset([replace(part, weight=0.0)], examples_per_step=1)
    with pytest.raises(ValueError, match="there must be a relevant document to train on, got none for 1 queries"):
        RankingDataset([replace(part, queries=("1",), teacher={})], examples_per_step=1)
    with pytest.raises(IndexError):
        RankingDataset([part], examples_per_step=1)[-1]


def test_batches_keep_the_query_and_the_labels(wordpiece_folder):
    tokenizer = AutoTokenizer.from_pretrained(wordpiece_folder)
    collator = JudgedGroupCollator(tokenizer, max_length=10, max_query_length=4, global_attention=False)
    groups = [
        JudgedGroup("the red house", ["das haus ist rot und blau und rot", "wasser"], [7.5, -2.0], NAME),
        JudgedGroup("water", ["wasser", "berg"], [1.0, 0.0], NAME),
    ]
    batch = collator(groups)
    assert batch["labels"].tolist() == [7.5, -2.0, 1.0, 0.0]
    assert batch["input_ids"].shape == (4, 10) and set(batch) == {
        "input_ids",
        "attention_mask",
        "token_type_ids",
        "labels",
    }
    query = tokenizer("the red house")["input_ids"]
    assert torch.equal(batch["input_ids"][0, :5], torch.tensor(query))
    assert collator.counts() == {
        "examples": 4,
        "tokens": int(batch["attention_mask"].sum()),
        "truncated_queries": 0,
        "truncated_documents": 1,
    }
