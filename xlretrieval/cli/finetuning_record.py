"""What a fine-tuning run is made of, and whether a folder belongs to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlretrieval.cli.finetuning_options import RunArguments
    from xlretrieval.trainers.ranking_arguments import RankingArguments

# Folds that were trained otherwise must not stand in one table. How a step is cut into batches and processes is not
# among these; examples_per_step, which is recorded besides, says what it contains.
_RESULT = (
    "seed loss negatives freeze_layers learning_rate head_learning_rate lr_scheduler_type warmup_steps weight_decay "
    "optim max_grad_norm num_train_epochs max_steps eval_strategy eval_steps eval_delay load_best_model_at_end "
    "early_stopping_patience max_length max_query_length long_documents bf16 fp16"
).split()


def describe(
    run_arguments: RunArguments, data_sets: list[dict[str, Any]], args: RankingArguments, folds: Mapping[str, int]
) -> dict[str, Any]:
    """Arguments that make the result, other ones that differ from their defaults, and versions."""
    import torch
    import transformers

    from xlretrieval import __version__

    # Not from a second instance: making one resets the process group that the first has joined.
    defaults = {option.name: option.default for option in fields(args)}
    values = args.to_dict()
    given = {name: value for name, value in values.items() if name in _RESULT or value != defaults.get(name)}
    return {
        "command": "finetune ranking",
        "experiment": {
            "model": run_arguments.model,
            "collections": data_sets,
            "folds": dict(folds),
            "examples_per_step": args.examples_per_step,
            **{name: values[name] for name in _RESULT},
        },
        "arguments": {**vars(run_arguments), **given},
        "versions": {
            "xlretrieval": __version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
    }


def check_same_run(output: Path, record: Mapping[str, Any]) -> None:
    """Refuses to add to the folds of another experiment.

    Raises:
        ValueError: The folder has a record of one.
    """
    path = output / "finetuning.json"
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))["experiment"]
    now = json.loads(json.dumps(record["experiment"], default=str))
    changed = [name for name in now if before.get(name) != now[name]]
    if changed:
        what = ", ".join(f"{name} {_short(before.get(name))} -> {_short(now[name])}" for name in changed)
        raise ValueError(
            f"{output} must belong to this configuration to be continued, got other values: {what}. Choose another "
            "output_dir, or delete the folder."
        )


def final_model(output: Path) -> dict[str, Any] | None:
    """What an earlier start says of the model of all queries, or None where it was not finished."""
    path = output / "finetuning.json"
    if not path.exists() or not (output / "model.safetensors").exists():
        return None
    return json.loads(path.read_text(encoding="utf-8")).get("final_model")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
