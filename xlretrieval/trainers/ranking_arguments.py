"""Arguments of fine-tuning a ranker on collections: those of `TrainingArguments`, with the paper's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from transformers.trainer_utils import IntervalStrategy

from xlretrieval.inference.passages import LongDocuments
from xlretrieval.trainers.fine_tuning_arguments import FineTuningArguments
from xlretrieval.trainers.losses import DISTILLATION_LOSSES, RANKING_LOSSES


@dataclass
class RankingArguments(FineTuningArguments):
    """Arguments of `RelevanceRankingTrainer` on collections.

    Everything that `TrainingArguments` offers, with the paper's protocol as default: 20 epochs at 2e-5 with seed 611,
    the top three layers and the head are trained, and the epoch is chosen by the MAP on the dev queries, from epoch 10
    on. A batch counts examples, a query with a relevant document; the negatives come on top.

    Raises:
        ValueError: When an argument is outside its range or its choices.
    """

    learning_rate: float = field(default=2e-5, metadata={"help": "Learning rate of the encoder; the paper's is 2e-5."})
    head_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of what stands above the encoder; the same by default."}
    )
    num_train_epochs: float = field(default=20.0, metadata={"help": "Epochs; each has every relevant document once."})
    per_device_train_batch_size: int = field(
        default=8,
        metadata={"help": "Examples per device and forward pass; a step takes all devices and accumulation."},
    )
    eval_strategy: IntervalStrategy | str = field(
        default="epoch", metadata={"help": "When to rank the dev queries: after every epoch, or every `eval_steps`."}
    )
    eval_delay: float = field(
        default=10, metadata={"help": "First epoch (or step) that the dev queries are ranked at."}
    )
    metric_for_best_model: str | None = field(default="map", metadata={"help": "What the best epoch has most of."})

    loss: str = field(
        default="pairwise_logistic",
        metadata={"help": "Loss of data sets that name none.", "choices": [*RANKING_LOSSES, *DISTILLATION_LOSSES]},
    )
    negatives: int = field(default=1, metadata={"help": "Negative documents per relevant one."})
    freeze_layers: int | None = field(
        default=None,
        metadata={
            "help": "Lower layers that are frozen, with the embeddings; by default all but the top three (9 of 12). "
            "0 freezes the embeddings alone, -1 nothing."
        },
    )
    max_length: int = field(default=512, metadata={"help": "Longest pair in tokens; the document is cut to fit."})
    max_query_length: int = field(default=64, metadata={"help": "Longest query in tokens."})
    long_documents: str = field(
        default="firstp",
        metadata={
            "help": "How longer documents of dev and test queries are ranked: by the first max_length tokens, as they "
            "are trained, by their best passage (maxp), or by the mean of all (meanp).",
            "choices": list(get_args(LongDocuments)),
        },
    )

    def __post_init__(self):
        super().__post_init__()
        if self.ddp_find_unused_parameters is None:
            self.ddp_find_unused_parameters = False  # those that no score reaches are frozen
        ways = get_args(LongDocuments)
        self._check("long_documents", self.long_documents in ways, self.long_documents, f"be one of {', '.join(ways)}")
        losses = [*RANKING_LOSSES, *DISTILLATION_LOSSES]
        self._check("loss", self.loss in losses, self.loss, f"be one of {', '.join(losses)}")
        self._check_positive("negatives", "max_query_length", "max_length")
        if self.eval_strategy == IntervalStrategy.EPOCH and self.max_steps <= 0:
            rule = f"leave an epoch of {self.num_train_epochs:g} to choose"
            self._check("eval_delay", self.eval_delay <= self.num_train_epochs, self.eval_delay, rule)
