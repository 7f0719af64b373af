"""A first stage: the documents of a whole collection that are nearest to each query, as candidates for a reranker.

Documents are encoded and compared block by block, so memory grows with queries x top_k, not with the collection. An
approximate index would not pay: for some hundred queries, encoding the documents takes nearly all of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

import numpy as np
from tqdm.auto import tqdm

from xlretrieval.data.collections.collection import Collection
from xlretrieval.data.trec import Run, rank_documents

from .distributed import place, together
from .encoder import Encoder

# Documents at a time: their texts and token ids take some 40 MB.
_BLOCK = 4096
# Queries that are compared with a block at a time: 32 MB of cosines.
_QUERIES = 1024


def first_stage(
    encoder: Encoder,
    collection: Collection,
    top_k: int = 100,
    pooling: Literal["mean", "cls"] = "mean",
    layer: int = -1,
    max_length: int | None = None,
    batch_tokens: int | None = None,
    show_progress: bool | None = None,
) -> tuple[Run, dict[str, int]]:
    """Finds the documents of a collection whose vectors have the largest cosine with that of each query.

    On several processes, each encodes every P-th block of documents; the run is the same as on one.

    Args:
        encoder: Of queries and documents.
        collection: Its documents need no judgements; its candidates do not matter.
        top_k: Documents per query; all where there are fewer. Equal cosines rank as in trec_eval: the later document
            id first.
        pooling: As for `Encoder.encode`.
        layer: As for `Encoder.encode`.
        max_length: Tokens of a text; by default what the encoder takes. What is beyond is cut.
        batch_tokens: Most tokens in a batch, padding included; by default 2,048 on a CPU and 131,072 elsewhere.
        show_progress: By default, only on a terminal, and of the main process.

    Returns:
        On every process: query id -> document id -> cosine, float32, the best first; and the numbers of `documents`,
        `truncated_documents` and `truncated_queries`.

    Raises:
        ValueError: `top_k` is smaller than 1, a vector is not finite, or an option is not one of the encoder.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}. The default is 100.")
    rank, processes = place()

    def encode(texts: Sequence[str], ids: Sequence[str]) -> np.ndarray:
        vectors = encoder.encode(texts, pooling, layer, max_length, batch_tokens, show_progress=False)
        if not (finite := np.isfinite(vectors).all(axis=1)).all():
            raise ValueError(
                f"Vectors must be finite, got NaN or infinity for {ids[int(np.argmin(finite))]}. "
                "Load the model with dtype=torch.float32."
            )
        # In float64, equal vectors have equal cosines, whatever block they are in.
        return vectors.astype(np.float64)

    def find() -> tuple[list[dict[str, float]], int, int]:
        queries = encode(list(collection.queries.values()), list(collection.queries))
        best: list[dict[str, float]] = [{} for _ in queries]
        truncated_queries, truncated = encoder.truncated, 0
        disable = rank > 0 or (None if show_progress is None else not show_progress)
        with tqdm(
            total=len(collection.documents), desc=f"search {collection.direction}", unit="document", disable=disable
        ) as progress:
            for number, ids in enumerate(_blocks(collection.documents)):
                if number % processes == rank:
                    vectors = encode([collection.documents[document].content for document in ids], ids)
                    truncated += encoder.truncated
                    for start in range(0, len(queries), _QUERIES):
                        cosines = (queries[start : start + _QUERIES] @ vectors.T).astype(np.float32)
                        _keep_best(best[start : start + _QUERIES], cosines, ids, top_k)
                progress.update(len(ids))
        return best, truncated, truncated_queries

    parts = together(find)
    run: Run = {}
    for index, query in enumerate(collection.queries):
        found = {document: score for best, _, _ in parts for document, score in best[index].items()}
        run[query] = {document: found[document] for document in rank_documents(found)[:top_k]}
    return run, {
        "documents": len(collection.documents),
        "truncated_documents": sum(truncated for _, truncated, _ in parts),
        "truncated_queries": parts[0][2],
    }


def _blocks(ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while block := list(islice(remaining, _BLOCK)):
        yield block


def _keep_best(best: list[dict[str, float]], cosines: np.ndarray, ids: Sequence[str], top_k: int) -> None:
    """Adds a block to the best documents of some queries.

    Args:
        best: Of each query, document -> cosine; changed in place.
        cosines: `(queries, block)`.
        ids: Of the block.
        top_k: Most documents of a query.
    """
    place = max(len(ids) - top_k, 0)
    lowest = np.partition(cosines, place, axis=1)[:, place]
    for row, found in enumerate(best):
        # A document as good as the last one stays in: the ids decide.
        least = max(lowest[row], min(found.values())) if len(found) >= top_k else lowest[row]
        added = np.flatnonzero(cosines[row] >= least).tolist()
        if added:
            found.update((ids[column], float(cosines[row, column])) for column in added)
            if len(found) > top_k:
                kept = {document: found[document] for document in rank_documents(found)[:top_k]}
                found.clear()
                found.update(kept)
