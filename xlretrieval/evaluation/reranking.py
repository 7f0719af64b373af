"""Ranks the candidates of a task by a reranker, a part at a time, on all processes, and counts what was cut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from tqdm.auto import tqdm

from xlretrieval.inference.distributed import name_of, place, score_once
from xlretrieval.inference.passages import ScoreCounts
from xlretrieval.inference.reranker import Reranker

from .candidates import RankingTask
from .ranking import Run

# Pairs whose texts are read at a time: those of 75,000, 150 queries with 500 documents each, would take 0.2 GB.
_PAIRS = 8192


def rerank(
    reranker: Reranker, task: RankingTask, batch_tokens: int | None = None, show_progress: bool | None = None
) -> tuple[Run, ScoreCounts]:
    """Scores every candidate of every query, on all processes of the group, each candidate on one of them.

    Args:
        reranker: The reranker.
        task: The task.
        batch_tokens: As for `Reranker.score`.
        show_progress: By default, only on a terminal, and of the main process.

    Returns:
        On every process: query id -> document id -> logit, without the queries that have no candidates; and what
        became of the texts.

    Raises:
        ValueError: A score is not finite.
    """
    counts = ScoreCounts()
    ids = ((query, document) for query, documents in task.candidates.items() for document in documents)
    run: Run = {}
    total = sum(map(len, task.candidates.values()))
    disable = place()[0] > 0 or (None if show_progress is None else not show_progress)
    with tqdm(total=total, desc=f"score {task.name}", unit="pair", disable=disable) as progress:
        for part in _parts(ids, _PAIRS):
            pairs = [(task.queries[query], task.documents[document]) for query, document in part]
            named = partial(name_of, part)
            scores, found = score_once(reranker, pairs, batch_tokens, show_progress=False, name_pair=named)
            for (query, document), score in zip(part, scores.tolist(), strict=True):
                run.setdefault(query, {})[document] = score
            counts += found
            progress.update(len(part))
    return run, counts


def _parts(ids: Iterator[tuple[str, str]], size: int) -> Iterator[list[tuple[str, str]]]:
    while part := list(islice(ids, size)):
        yield part
