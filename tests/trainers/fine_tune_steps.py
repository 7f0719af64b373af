"""Fine-tunes a few steps and writes what was logged; started by the tests in processes of its own, too."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from transformers import set_seed

from xlretrieval.data.collections import load_collection
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.trainers.processes import closing_process_group
from xlretrieval.trainers.ranker import load_ranker
from xlretrieval.trainers.ranking import RelevanceRankingTrainer
from xlretrieval.trainers.ranking_arguments import RankingArguments


def make_trainer(model: str, config: str, output: str, dev: bool | str = False, parts=None, **options):
    """A trainer on all queries but the last five, which are the dev queries, unless `dev` is "train"."""
    torch.set_num_threads(1)
    defaults = {
        "max_steps": 8,
        "learning_rate": 5e-4,
        "logging_steps": 1,
        "save_strategy": "no",
        "eval_strategy": "epoch" if dev else "no",
        "load_best_model_at_end": False,
        "disable_tqdm": True,
        "max_length": 64,
        "max_query_length": 16,
        "use_cpu": True,
        "freeze_layers": 1,
    }
    args = RankingArguments(output_dir=output, **(defaults | options))
    collection = load_collection(config, cache_dir=Path(config).parent / "cache")
    queries = tuple(collection.queries)
    set_seed(0)
    ranker, tokenizer = load_ranker(model)
    train = [CollectionQueries(collection, queries[:-5], loss=args.loss)] if parts is None else parts
    held_out = [CollectionQueries(collection, queries[:-5] if dev == "train" else queries[-5:])] if dev else []
    return RelevanceRankingTrainer(ranker, args, train, tokenizer, dev=held_out)


def fine_tune(**options) -> list[dict]:
    """Trains and returns the log lines of the steps and of the evaluations."""
    trainer = make_trainer(**options)
    trainer.train()
    return [row for row in trainer.state.log_history if "grad_norm" in row or "eval_map" in row]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    result_file = options.pop("result_file")
    with closing_process_group():
        rows = fine_tune(**options)
    if int(os.environ.get("RANK", 0)) == 0:
        Path(result_file).write_text(json.dumps(rows))
