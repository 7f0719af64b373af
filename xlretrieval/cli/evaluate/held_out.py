"""Rankings of held-out aligned sections by checkpoints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .ranked import Ranked, rank_tasks
from .report import checkpoints

if TYPE_CHECKING:
    from xlretrieval.evaluation.candidates import RankingTask


def rank(arguments: argparse.Namespace, folder: Path | None) -> Ranked:
    """Draws queries and candidates of all directions and ranks them."""
    from xlretrieval.data.sections import AlignedSections
    from xlretrieval.evaluation.candidates import held_out_candidates
    from xlretrieval.inference.distributed import main_first

    sides = checkpoints(arguments)
    if not arguments.corpus:
        raise ValueError(
            "--corpus must be given with --model, or --collection, got neither. Give a folder of aligned sections, or "
            "the YAML file of a collection."
        )
    corpus = main_first(lambda: AlignedSections.load(arguments.corpus, arguments.pairs))
    tasks: list[RankingTask] = []
    for pair in corpus.pairs:
        tasks.extend(
            held_out_candidates(
                corpus,
                pair,
                arguments.split,
                arguments.queries,
                arguments.candidates,
                arguments.hard,
                arguments.seed,
            )
        )
    return rank_tasks(arguments, folder, tasks, sides)
