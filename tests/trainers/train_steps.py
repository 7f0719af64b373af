"""Trains a few steps and prints what was logged; started by the tests in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import torch
from accelerate import DistributedType, PartialState
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback, set_seed

from xlretrieval.data.sections import AlignedSections
from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.modeling.xl_retrieval import load_xl_retrieval
from xlretrieval.trainers.arguments import XLPretrainingArguments
from xlretrieval.trainers.pretraining import XLPretrainingTrainer
from xlretrieval.trainers.processes import closing_process_group


class KillAt(TrainerCallback):
    """Kills the process after a step, before anything else can happen."""

    def __init__(self, step: int):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def shard_on_processors() -> None:
    """Lets accelerate cut parameters into shards without a GPU, where it would give every process all of them.

    It asks for the kind of the group that the arguments have joined; torch itself shards with gloo as well.
    """
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU


def train(model: str, corpus: str, output: str, kill_at: int = 0, resume: str | None = None, **options) -> list[dict]:
    """Trains and returns the log lines of the steps and of the evaluations."""
    torch.set_num_threads(1)
    arguments = XLPretrainingArguments(
        output_dir=output,
        **{
            "max_steps": 20,
            "learning_rate": 5e-4,
            "logging_steps": 1,
            "save_strategy": "no",
            "disable_tqdm": True,
            "max_length": 64,
            "max_query_length": 16,
            "use_cpu": True,
            "dataloader_pin_memory": False,
            **options,
        },
    )
    sharded = os.environ.get("ACCELERATE_USE_FSDP") == "true"
    if sharded:
        shard_on_processors()
    set_seed(0)
    trainer = XLPretrainingTrainer(
        load_xl_retrieval(model),
        arguments,
        AlignedSections.load(corpus),
        processing_class=load_tokenizer(model),
        callbacks=[KillAt(kill_at)] if kill_at else [],
    )
    trainer.train(resume_from_checkpoint=resume)
    if sharded != any(isinstance(parameter, DTensor) for parameter in trainer.model.parameters()):
        raise AssertionError(f"ACCELERATE_USE_FSDP and sharded parameters must go together, got {sharded}.")
    return [row for row in trainer.state.log_history if "grad_norm" in row or "eval_loss" in row]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    result_file = options.pop("result_file")
    with closing_process_group():
        rows = train(**options)
    if int(os.environ.get("RANK", 0)) == 0:
        Path(result_file).write_text(json.dumps(rows))
