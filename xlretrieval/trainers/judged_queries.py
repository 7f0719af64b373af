"""Ranking the candidates of judged queries, and the average precision of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.data.trec import Run
from xlretrieval.evaluation.ranking import evaluate_run
from xlretrieval.inference.distributed import score_collection
from xlretrieval.inference.reranker import Reranker
from xlretrieval.trainers.ranking_arguments import RankingArguments


def rank_queries(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    parts: Sequence[CollectionQueries],
    args: RankingArguments,
) -> tuple[dict[str, Run], dict[str, int]]:
    """Scores the candidates of the queries, on all processes, each pair once.

    Scores are computed in the precision of the weights, in training with bf16 too.

    Returns:
        A run per data set, and counts: `pairs`, `truncated_documents`, `truncated_queries`.
    """
    reranker = Reranker(model, tokenizer, args.max_query_length, args.max_length, args.long_documents)
    runs: dict[str, Run] = {}
    counts: dict[str, int] = {}
    with full_precision(model):
        for part in parts:
            tokens = args.per_device_eval_tokens
            runs[part.name], found = score_collection(reranker, part.collection, part.queries, tokens)
            counts = {name: counts.get(name, 0) + count for name, count in found.items()}
    return runs, counts


@contextmanager
def full_precision(model: PreTrainedModel) -> Iterator[None]:
    """The model's own forward inside, without the mixed precision that accelerate wraps it in for training.

    A score in bf16 has 8 bits, so many of the some 300 documents of a query would be tied, and what is loaded from the
    saved model would score otherwise.
    """
    wrapped, own = (vars(model).get(name) for name in ("forward", "_original_forward"))
    if own is None:
        yield
        return
    model.forward = own
    try:
        yield
    finally:
        model.forward = wrapped


def average_precision(parts: Sequence[CollectionQueries], runs: Mapping[str, Run]) -> dict[str, dict[str, float]]:
    """Average precision of every query, by data set; a query without candidates has 0."""
    found = {}
    for part in parts:
        queries = part.collection.queries if part.queries is None else part.queries
        qrels = {query: part.collection.qrels[query] for query in queries}
        result = evaluate_run(runs[part.name], qrels, ["AP"])
        found[part.name] = {query: values["AP"] for query, values in result.per_query.items()}
    return found


def pooled_map(precision: Mapping[str, Mapping[str, float]]) -> float:
    """Mean over all queries of all data sets: every query weighs the same."""
    return float(np.mean([value for values in precision.values() for value in values.values()]))
