"""Scoring and encoding on several processes: every pair and text once, the same run as one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch.distributed as dist

from xlretrieval.data.collections.collection import Collection
from xlretrieval.data.trec import Run

from .encoder import Encoder
from .passages import ScoreCounts
from .reranker import Reranker
from .text_checks import check_pairs

# Pairs at a time: their token ids are Python lists, some 8 KB a pair of 512 tokens.
PAIRS_PER_CHUNK = 8192

Result = TypeVar("Result")


def place() -> tuple[int, int]:
    """Rank of this process and number of processes in the group; (0, 1) without a group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def together(work: Callable[[], Result]) -> list[Result]:
    """Does something on every process of the group, and tells all of them what came out.

    Args:
        work: What is done here; its result must be one that pickles, as it is sent.

    Returns:
        The results by rank, the same list on every process.

    Raises:
        ValueError: One process got a ValueError or an OSError. It is raised on all: one that left alone would leave
            the others waiting for its result.
    """
    rank, processes = place()
    if processes == 1:
        return [work()]
    result, problem = None, None
    try:
        result = work()
    except (ValueError, OSError) as error:
        problem = str(error)
    gathered: list = [None] * processes
    dist.all_gather_object(gathered, (result, problem))
    if problems := [text for _, text in gathered if text is not None]:
        raise ValueError(problems[0])
    return [found for found, _ in gathered]


def main_first(work: Callable[[], Result]) -> Result:
    """Does something on the main process, and on the others when it has: for files that the first one converts.

    Raises:
        ValueError: As for `together`.
    """
    rank, _ = place()
    kept: list[Result] = []
    together(lambda: kept.append(work()) if rank == 0 else None)
    return kept[0] if rank == 0 else work()


def score_once(
    reranker: Reranker,
    pairs: Sequence[tuple[str, str]],
    batch_tokens: int | None = None,
    show_progress: bool | None = None,
    name_pair: Callable[[int], str] = "pair {}".format,
) -> tuple[np.ndarray, ScoreCounts]:
    """Scores pairs on all processes of the group, each pair on one of them.

    Process p takes the pairs p, p + P, ... in the order of their lengths, so that all have as much to do. A sampler
    for training would pad to equal numbers and score some pairs twice.

    Args:
        reranker: The same model on every process.
        pairs: (query, document), the same ones on every process.
        batch_tokens: As for `Reranker.score`.
        show_progress: By default, only on a terminal.
        name_pair: What an error calls the pair at a place.

    Returns:
        On every process the logits of all pairs, `(pairs,)`, float32, and what became of their texts. Logits differ
        from those of one process by the rounding of other batches, below 1e-6 of their size.

    Raises:
        ValueError: Something is no pair of texts, or a score is not finite.
    """
    rank, processes = place()
    if processes == 1:
        return reranker.score_counted(pairs, batch_tokens, show_progress, name_pair)
    check_pairs(pairs)
    order = sorted(range(len(pairs)), key=lambda place: (-len(pairs[place][0]) - len(pairs[place][1]), place))
    mine = order[rank::processes]

    def score() -> tuple[list[int], np.ndarray, ScoreCounts]:
        own = [pairs[place] for place in mine]
        return mine, *reranker.score_counted(own, batch_tokens, show_progress, lambda index: name_pair(mine[index]))

    parts = together(score)
    result = np.zeros(len(pairs), dtype=np.float32)
    for places, values, _ in parts:
        result[places] = values
    return result, sum((counts for _, _, counts in parts), ScoreCounts())


def encode_once(encoder: Encoder, texts: Sequence[str], **options: Any) -> np.ndarray:
    """Encodes texts on all processes of the group, each text on one of them, shared as pairs are in `score_once`.

    Args:
        encoder: The same model on every process. Its count of what was cut is that of all processes afterwards.
        texts: The same ones on every process.
        **options: For `Encoder.encode`.

    Returns:
        Vectors of all texts on every process, `(texts, hidden)`, float32.

    Raises:
        ValueError: As for `Encoder.encode`.
    """
    rank, processes = place()
    if processes == 1:
        return encoder.encode(texts, **options)
    order = sorted(range(len(texts)), key=lambda row: (-len(texts[row]), row))
    mine = order[rank::processes]
    if rank:
        options["show_progress"] = False
    parts = together(lambda: (mine, encoder.encode([texts[row] for row in mine], **options), encoder.truncated))
    vectors = np.zeros((len(texts), parts[0][1].shape[1]), dtype=np.float32)
    for rows, values, _ in parts:
        vectors[rows] = values
    encoder.truncated = sum(truncated for _, _, truncated in parts)
    return vectors


def name_of(ids: Sequence[tuple[str, str]], place: int) -> str:
    """What an error calls the pair of a query and a document whose ids stand at a place."""
    query, document = ids[place]
    return f"document {document} of query {query}"


def score_collection(
    reranker: Reranker, collection: Collection, queries: Sequence[str] | None = None, batch_tokens: int | None = None
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

    Raises:
        ValueError: A score is not finite.
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
        scores, found = score_once(reranker, pairs, batch_tokens, name_pair=partial(name_of, chunk))
        counts["truncated_documents"] += found.truncated_documents
        counts["truncated_queries"] += found.truncated_queries
        for (query, document), score in zip(chunk, scores.tolist(), strict=True):
            run.setdefault(query, {})[document] = score
    return run, counts
