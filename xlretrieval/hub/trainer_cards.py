"""Cards and pushes of a trainer: what it did becomes the records that cards are written from.

The commands leave these records themselves; of a trainer that somebody uses in Python they are made here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import Trainer, TrainingArguments

from xlretrieval import __version__
from xlretrieval.data.files import write_text
from xlretrieval.trainers.question_answering import QuestionAnsweringTrainer
from xlretrieval.trainers.ranking import CollectionRankingTrainer

from .card import compose_card, is_own, save_card
from .card_options import stored_card
from .finetuning import RECORD
from .json_records import read_record
from .publish import push_model
from .records import LOG, PRETRAINING, read_model

logger = logging.getLogger(__name__)


def write_trainer_card(
    trainer: Trainer,
    licence: str | None = None,
    base_model: str | None = None,
    datasets: Sequence[str] | None = None,
) -> None:
    """Writes the records of a training and the card into the trainer's output folder; a foreign README.md is kept.

    Args:
        trainer: One of ours, whose model was saved.
        licence: Of the weights; by default as in the card before, or apache-2.0.
        base_model: Hub id of the checkpoint that it all began with; by default as the records say.
        datasets: Hub ids of the data that it was trained on.
    """
    folder = Path(trainer.args.output_dir)
    write_records(trainer)
    readme = folder / "README.md"
    if readme.exists() and not is_own(readme):
        logger.warning("%s was not written by xlretrieval and is kept; remove it to get a card.", readme)
        return
    options, evaluations = stored_card(folder)
    given = {"licence": licence, "base_model": base_model, "datasets": datasets, "name": trainer.hub_model_id}
    options = replace(options, **{name: value for name, value in given.items() if value})
    save_card(compose_card(read_model(folder), evaluations, options, readme), readme)


def push_trainer(
    trainer: Trainer, message: str = "End of training", token: str | None = None, revision: str | None = None
) -> str:
    """Publishes a trainer's output folder, see `push_model`.

    Args:
        trainer: One of ours, whose model and card were written.
        message: Of the commit.
        token: Access token.
        revision: Branch.

    Returns:
        Address of the repository.
    """
    return push_model(trainer.args.output_dir, trainer.hub_model_id, revision=revision, token=token, message=message)


def write_records(trainer: Trainer) -> None:
    """Writes what was trained into the output folder, unless nothing was: that of a model loaded and pushed stays.

    A record that the command wrote of this run is completed. While the training goes on, it counts no steps: the card
    then says that it did not come to its end.
    """
    if not trainer.state.global_step:
        return
    folder = Path(trainer.args.output_dir)
    is_finetuning = isinstance(trainer, CollectionRankingTrainer | QuestionAnsweringTrainer)
    path = folder / (RECORD if is_finetuning else PRETRAINING)
    made = _finetuning_record(trainer) if is_finetuning else _pretraining_record(trainer)
    written = read_record(path) if path.is_file() else {}
    record = made | written if _is_of_run(written, made) else made
    record.pop("steps", None)
    if not trainer.is_in_train:
        record["steps"] = trainer.state.global_step
        record |= {name: made[name] for name in ("best", "truncated") if name in made}
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n")
    trainer.state.save_to_json(str(folder / LOG))


def _is_of_run(written: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether a record was written by the command of this very run: then it knows more."""
    if written.get("command") != made["command"]:
        return False
    now = json.loads(json.dumps(made["arguments"], default=str))
    return all(now[name] == value for name, value in written["arguments"].items() if name in now and name != "model")


def _record(trainer: Trainer, command: str) -> dict[str, Any]:
    """Arguments of ours, others that differ from their defaults, and versions."""
    args = trainer.args
    of_transformers = {option.name: option.default for option in fields(TrainingArguments)}
    defaults = {option.name: option.default for option in fields(args)}
    values = args.to_dict()
    given = {
        name: value for name, value in values.items() if name not in of_transformers or value != defaults.get(name)
    }
    start = trainer.model.config.name_or_path
    return {
        "command": command,
        "arguments": {
            **given,
            **({"model": start} if start else {}),
            "examples_per_step": args.examples_per_step,
        },
        "versions": {
            "xlretrieval": __version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
    }


def _pretraining_record(trainer: Any) -> dict[str, Any]:
    record = _record(trainer, "pretrain")
    record["arguments"]["objectives"] = list(trainer.schedule.objectives)
    record["corpus_provenance"] = trainer.corpus.provenance
    record["pairs"] = {
        pair: {split: len(trainer.corpus.pair(pair).rows(split)) for split in ("train", "validation", "test")}
        for pair in trainer.schedule.pairs
    }
    record["truncated"] = trainer.data_collator.counts()
    return record


def _finetuning_record(trainer: Any) -> dict[str, Any]:
    best = {} if trainer.state.best_metric is None else {"best": trainer.state.best_metric}
    if isinstance(trainer, QuestionAnsweringTrainer):
        return _record(trainer, "finetune qa") | {"train": trainer.train_dataset.counts} | best
    parts = {part.name: part.collection.provenance for part in trainer.train_dataset.parts}
    return _record(trainer, "finetune ranking") | {"collections": parts} | best
