"""What the sources of rankings hand to the report; and rankings of tasks by checkpoints."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlretrieval.evaluation.candidates import RankingTask
    from xlretrieval.evaluation.comparison import Ranking
    from xlretrieval.evaluation.ranking import Run


@dataclass
class Ranked:
    """Rankings, and what became of their inputs.

    Args:
        rankings: One per task.
        details: (Task, side) -> counts, for results.json.
        notes: One line each, for people.
        collections: Task -> provenance of its collection.
    """

    rankings: list[Ranking]
    details: dict[tuple[str, str], dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)


def rank_tasks(
    arguments: argparse.Namespace,
    folder: Path | None,
    tasks: Sequence[RankingTask],
    checkpoints: Mapping[str, str],
    runs: Mapping[tuple[str, str], Run] | None = None,
) -> Ranked:
    """Ranks every task by every checkpoint, and writes runs and judgements.

    Args:
        arguments: Of the command.
        folder: For `runs/`; None for nowhere.
        tasks: What is ranked.
        checkpoints: Side -> checkpoint.
        runs: (Task, side) -> a ranking that is there already.
    """
    from xlretrieval.evaluation.comparison import Ranking
    from xlretrieval.evaluation.ranking import write_qrels, write_run

    found = dict(runs or {})
    details: dict[tuple[str, str], dict[str, Any]] = {}
    for side, checkpoint in checkpoints.items():
        score = _scorer(arguments, checkpoint)
        for task in tasks:
            found[task.name, side], counts = score(task)
            details[task.name, side] = {
                "side": side,
                "checkpoint": checkpoint,
                "name": task.name,
                "queries": len(task.queries),
                "pairs": sum(map(len, task.candidates.values())),
                "short": task.short,
                "dropped": task.dropped,
                "truncated": sum(number for name, number in counts.items() if name.startswith("truncated_")),
                **counts,
            }
    rankings = []
    for task in tasks:
        sides = {side: found[task.name, side] for side in ("before", "after") if (task.name, side) in found}
        if folder:
            for side, run in sides.items():
                write_run(run, folder / "runs" / f"{task.name}.{side}.run", side)
            write_qrels(task.qrels, folder / "runs" / f"{task.name}.qrels")
        rankings.append(Ranking(task.name, task.qrels, sides, task.queries, task.languages))
    return Ranked(rankings, details)


def _scorer(arguments: argparse.Namespace, checkpoint: str) -> Callable[[RankingTask], tuple[Run, dict[str, int]]]:
    """A function that ranks a task and counts what it cut."""
    from xlretrieval.evaluation.candidates import rank_candidates_by_embedding
    from xlretrieval.evaluation.reranking import rerank
    from xlretrieval.inference.encoder import Encoder
    from xlretrieval.inference.reranker import Reranker

    if arguments.scorer == "head":
        reranker = Reranker.from_pretrained(
            checkpoint,
            max_length=arguments.max_length,
            long_documents=arguments.passages or "firstp",
            passage_tokens=arguments.passage_tokens,
            passage_stride=arguments.passage_stride,
        )
        names = ["truncated_documents", "truncated_queries", *(["split", "passages"] if arguments.passages else [])]

        def score(task: RankingTask) -> tuple[Run, dict[str, int]]:
            run, counts = rerank(reranker, task)
            return run, {name: getattr(counts, name) for name in names}

        return score
    encoder = Encoder.from_pretrained(checkpoint)
    options = {"pooling": arguments.pooling, "layer": arguments.layer, "max_length": arguments.max_length}
    return lambda task: (
        rank_candidates_by_embedding(encoder, task, **options),
        {"truncated_texts": encoder.truncated},
    )
