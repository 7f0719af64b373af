"""Ranks the candidates of a task by a reranker, a part at a time, on all processes, and counts what was cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tqdm.auto import tqdm

from xlretrieval.inference.distributed import place, score_once
from xlretrieval.inference.passages import PassageReranker
from xlretrieval.inference.reranker import Reranker

from .candidates import RankingTask
from .ranking import Run

# Pairs encoded at a time: 75,000 of 512 tokens, 150 queries with 500 documents each, would take 0.6 GB at once.
_PAIRS = 8192
# With passages fewer: a document of 4,096 tokens is 20 rows of 512 tokens, 160 KB.
_PAIRS_OF_PASSAGES = 1024


def rerank(
    reranker: Reranker | PassageReranker,
    task: RankingTask,
    batch_tokens: int = 16384,
    show_progress: bool | None = None,
) -> tuple[Run, dict[str, int]]:
    """Scores every candidate of every query, on all processes of the group, each candidate on one of them.

    Args:
        reranker: Scores whole documents, or passages of them.
        task: The task.
        batch_tokens: Most tokens in a batch, padding included.
        show_progress: By default, only on a terminal, and of the main process.

    Returns:
        On every process: query id -> document id -> logit, without the queries that have no candidates; and the
        number of `truncated_documents` and `truncated_queries` (of pairs), with passages also of documents that were
        `split` and of `passages`.

    Raises:
        ValueError: A score is not finite.
    """
    names = {"truncated_documents": "truncated", "truncated_queries": "truncated_queries"}
    if isinstance(reranker, PassageReranker):
        names |= {"split": "split", "passages": "passages"}
    counts = dict.fromkeys(names, 0)
    size = _PAIRS_OF_PASSAGES if isinstance(reranker, PassageReranker) else _PAIRS
    ids = ((query, document) for query, documents in task.candidates.items() for document in documents)
    run: Run = {}
    total = sum(map(len, task.candidates.values()))
    disable = place()[0] > 0 or (None if show_progress is None else not show_progress)
    with tqdm(total=total, desc=f"score {task.name}", unit="pair", disable=disable) as progress:
        for part in _parts(ids, size):
            pairs = [(task.queries[query], task.documents[document]) for query, document in part]
            scores = score_once(reranker, pairs, batch_tokens, show_progress=False)
            for (query, document), score in zip(part, scores.tolist(), strict=True):
                run.setdefault(query, {})[document] = score
            for name, attribute in names.items():
                counts[name] += getattr(reranker, attribute)
            progress.update(len(part))
    return run, counts


def _parts(ids: Iterator[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    while part := list(islice(ids, size)):
        yield part
