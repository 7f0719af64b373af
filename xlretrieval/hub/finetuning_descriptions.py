"""Fine-tuning in words and rows of tables: on what, how, and what cross validation measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlretrieval.evaluation.report import Estimate

from .descriptions import Rows, plain_value
from .finetuning import FineTuning

_SETTINGS = {
    "loss": "loss",
    "negatives": "negatives per positive",
    "examples_per_step": "examples per step",
    "learning_rate": "learning rate",
    "head_learning_rate": "learning rate of the head",
    "lr_scheduler_type": "schedule of the learning rate",
    "warmup_steps": "warm-up steps",
    "weight_decay": "weight decay",
    "num_train_epochs": "epochs at most",
    "freeze_layers": "lowest layers that stay as they were",
    "freeze_embeddings": "embeddings stay as they were",
    "early_stopping_patience": "evaluations without a better one before it ends",
    "max_length": "longest input in tokens",
    "max_query_length": "longest query in tokens",
    "stride": "tokens that windows share",
    "max_answer_length": "longest answer in tokens",
    "null_threshold": "how much better no answer must be",
    "seed": "seed",
}


def settings(finetuning: FineTuning) -> Rows:
    """How it was fine-tuned; what is not set is left out."""
    arguments = finetuning.arguments
    rows: Rows = [("optimizer steps", f"{finetuning.record['steps']:,}")] if finetuning.record.get("steps") else []
    for name, text in _SETTINGS.items():
        value = arguments.get(name)
        if value is None or (value in (0, False) and name not in ("seed", "null_threshold")):
            continue
        if name == "max_query_length" and finetuning.task == "qa":
            text = "longest question in tokens"
        rows.append((text, "yes" if value is True else plain_value(value).replace("_", " ")))
    by = "MAP on dev queries" if finetuning.task == "ranking" else "F1 on dev questions"
    if arguments.get("load_best_model_at_end"):
        delay = arguments.get("eval_delay")
        rows.append(("epoch of the weights", f"that of the best {by}{f', from epoch {delay:g} on' if delay else ''}"))
    if isinstance(best := finetuning.record.get("best"), float):
        rows.append((f"best {by}", f"{best:.3f}" if finetuning.task == "ranking" else f"{best:.1f}"))
    for name in ("bf16", "fp16"):
        if arguments.get(name):
            rows.append(("mixed precision", name))
    return rows


def data(finetuning: FineTuning) -> Rows:
    """What it was fine-tuned on, and what of it was left out."""
    rows: Rows = []
    for name, provenance in finetuning.record.get("collections", {}).items():
        counts = provenance.get("counts", {})
        documents = counts.get("documents", {})
        number = sum(documents.values()) if isinstance(documents, Mapping) else documents
        parts = [
            f"{number:,} documents",
            f"{counts.get('topics', 0):,} topics",
            f"{counts.get('judgements', 0):,} judgements",
        ]
        if source := provenance.get("candidates", {}).get("source"):
            parts.append(f"candidates: {source}")
        parts += [f"{len(of):,} {what}" for what, of in counts.items() if isinstance(of, list) and of]
        rows.append((name, ", ".join(parts)))
    train = finetuning.record.get("train", {})
    rows += [(str(what), f"{count:,}") for what, count in train.items() if count]
    for name, count in _left_out(finetuning).items():
        rows.append((name, f"{count:,}"))
    return rows


def _left_out(finetuning: FineTuning) -> dict[str, int]:
    """What the examples of this fold, or of the first one, lack; zeros are left out."""
    folds: Mapping[str, Any] = finetuning.record.get("folds", {})
    chosen = folds.get(str(finetuning.fold), next(iter(folds.values()), {}))
    found: dict[str, int] = {}
    for counts in chosen.get("examples", {}).values():
        for what, count in counts.items():
            if count and what not in ("queries", "examples"):
                found[what] = found.get(what, 0) + count
    return found


def folds(finetuning: FineTuning) -> list[tuple[str, ...]]:
    """Rows of the table of folds: fold, queries, best epoch, dev MAP, test MAP; the last one is over all queries."""
    rows = [
        (
            f"{fold.number}{' (these weights)' if fold.number == finetuning.fold else ''}",
            f"{fold.queries:,}",
            f"{fold.best_epoch:g}",
            f"{fold.dev_map:.3f}",
            estimate(fold.test_map),
        )
        for fold in finetuning.folds()
    ]
    if overall := finetuning.overall():
        rows.append(("all", f"{overall[0]:,}", "", "", f"**{estimate(overall[1])}**"))
    return rows


def data_sets(finetuning: FineTuning) -> list[tuple[str, ...]]:
    """Data set, queries, MAP over the folds, where there are several data sets."""
    pooled = finetuning.pooled()
    rows = [(name, f"{number:,}", estimate(measured)) for name, (number, measured) in pooled.items()]
    return rows if len(rows) > 1 else []


def headline(finetuning: FineTuning) -> str:
    """One line on the cross validation, "" without results."""
    overall = finetuning.overall()
    if overall is None:
        return ""
    number, measured = overall
    names = ", ".join(finetuning.data_sets)
    text = f"Ranking of {names} after fine-tuning, cross validation over {len(finetuning.results['folds'])} folds"
    return f"{text}: MAP {measured.value:.3f} (95% {measured.low:.3f} to {measured.high:.3f}) over {number:,} queries"


def estimate(of: Estimate) -> str:
    """`0.437 [0.350, 0.520]`."""
    interval = f" [{of.low:.3f}, {of.high:.3f}]" if of.low is not None and of.high is not None else ""
    return f"{of.value:.3f}{interval}"
