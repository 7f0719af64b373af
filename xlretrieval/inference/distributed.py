"""Scoring on several processes: every pair once, the same run as one process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch.distributed as dist

from xlretrieval.data.collections.collection import Collection
from xlretrieval.data.trec import Run

from .reranker import Reranker

# Pairs at a time: their token ids are Python lists, some 8 KB a pair of 512 tokens.
PAIRS_PER_CHUNK = 8192


def score_once(reranker: Reranker, pairs: Sequence[tuple[str, str]], batch_tokens: int = 16384) -> np.ndarray:
    """Scores pairs on all processes of the group, each pair on one of them.

    Process p takes the pairs p, p + P, ... in the order of their lengths, so that all have as much to do. A sampler
    for training would pad to equal numbers and score some pairs twice.

    Args:
        reranker: The same model on every process. Its counts of what was cut are those of all processes afterwards.
        pairs: (query, document), the same ones on every process.
        batch_tokens: As for `Reranker.score`.

    Returns:
        Logits of all pairs on every process, `(pairs,)`, float32. They differ from those of one process by the
        rounding of other batches, below 1e-6 of their size.

    Raises:
        ValueError: A score is not finite.
    """
    rank, processes = (dist.get_rank(), dist.get_world_size()) if _joined() else (0, 1)
    order = sorted(range(len(pairs)), key=lambda place: (-len(pairs[place][0]) - len(pairs[place][1]), place))
    mine = order[rank::processes]
    scores, cut, problem = np.zeros(0, np.float32), (0, 0), None
    try:
        if mine:
            scores = reranker.score([pairs[place] for place in mine], batch_tokens=batch_tokens, show_progress=None)
            cut = reranker.truncated, reranker.truncated_queries
    except ValueError as error:
        # Raised on all processes below: one that left alone would leave the others waiting for its scores.
        problem = str(error)
    gathered = [(mine, scores, cut, problem)]
    if processes > 1:
        gathered = [None] * processes
        dist.all_gather_object(gathered, (mine, scores, cut, problem))
    if problems := [part[3] for part in gathered if part[3]]:
        raise ValueError(problems[0])
    result = np.zeros(len(pairs), dtype=np.float32)
    for places, values, _, _ in gathered:
        result[places] = values
    reranker.truncated, reranker.truncated_queries = (sum(part[2][side] for part in gathered) for side in (0, 1))
    return result


def score_collection(
    reranker: Reranker, collection: Collection, queries: Sequence[str] | None = None, batch_tokens: int = 16384
) -> tuple[Run, dict[str, int]]:
    """Scores the candidates of queries, on all processes of the group.

    Args:
        reranker: As for `score_once`.
        collection: With candidates.
        queries: Which ones; all by default.
        batch_tokens: As for `Reranker.score`.

    Returns:
        The run, query -> document -> logit, on every process; and counts: `pairs`, `truncated_documents`,
        `truncated_queries`.
    """
    ids = [
        (query, document)
        for query in (collection.queries if queries is None else queries)
        for document in collection.candidates.get(query, ())
    ]
    run: Run = {}
    counts = {"pairs": len(ids), "truncated_documents": 0, "truncated_queries": 0}
    for start in range(0, len(ids), PAIRS_PER_CHUNK):
        chunk = ids[start : start + PAIRS_PER_CHUNK]
        pairs = [(collection.queries[query], collection.documents.content(document)) for query, document in chunk]
        scores = score_once(reranker, pairs, batch_tokens)
        counts["truncated_documents"] += reranker.truncated
        counts["truncated_queries"] += reranker.truncated_queries
        for (query, document), score in zip(chunk, scores.tolist(), strict=True):
            run.setdefault(query, {})[document] = score
    return run, counts


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
