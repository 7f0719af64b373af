"""Arguments of fine-tuning a ranker on collections: those of `TrainingArguments`, with the paper's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from transformers import SchedulerType, TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from xlretrieval.inference.batching import default_batch_tokens
from xlretrieval.inference.passages import LongDocuments
from xlretrieval.trainers.losses import DISTILLATION_LOSSES, RANKING_LOSSES


@dataclass
class RankingArguments(TrainingArguments):
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
    lr_scheduler_type: SchedulerType | str = field(
        default="constant", metadata={"help": "Schedule of both learning rates."}
    )
    num_train_epochs: float = field(default=20.0, metadata={"help": "Epochs; each has every relevant document once."})
    per_device_train_batch_size: int = field(
        default=8,
        metadata={"help": "Examples per device and forward pass; a step takes all devices and accumulation."},
    )
    per_device_eval_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Most tokens of a batch when documents are ranked, padding included; by default 1,024 on "
            "a CPU and 16,384 elsewhere."
        },
    )
    seed: int = field(default=611, metadata={"help": "Of negatives, order, new weights and dropout."})
    logging_steps: float = field(default=50, metadata={"help": "Log every so many steps."})
    eval_strategy: IntervalStrategy | str = field(
        default="epoch", metadata={"help": "When to rank the dev queries: after every epoch, or every `eval_steps`."}
    )
    eval_delay: float = field(
        default=10, metadata={"help": "First epoch (or step) that the dev queries are ranked at."}
    )
    save_strategy: SaveStrategy | str = field(
        default="epoch", metadata={"help": "When to write a checkpoint to go on from; as eval_strategy."}
    )
    save_total_limit: int | None = field(default=1, metadata={"help": "Checkpoints to keep besides the best one."})
    load_best_model_at_end: bool = field(default=True, metadata={"help": "Whether the best epoch is the result."})
    metric_for_best_model: str | None = field(default="map", metadata={"help": "What the best epoch has most of."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after so many rankings of the dev queries without a better MAP."}
    )

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
        # Our batches name what forward takes; the Trainer would look at the dataset's examples and find nothing.
        self.remove_unused_columns = False
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to pin it for
        if self.per_device_eval_tokens is None:
            self.per_device_eval_tokens = default_batch_tokens(self.device)
        if self.ddp_find_unused_parameters is None:
            self.ddp_find_unused_parameters = False  # those that no score reaches are frozen
        ways = get_args(LongDocuments)
        self._check("long_documents", self.long_documents in ways, self.long_documents, f"be one of {', '.join(ways)}")
        losses = [*RANKING_LOSSES, *DISTILLATION_LOSSES]
        self._check("loss", self.loss in losses, self.loss, f"be one of {', '.join(losses)}")
        for name in ("negatives", "max_query_length", "max_length", "per_device_eval_tokens"):
            self._check(name, getattr(self, name) >= 1, getattr(self, name), "be at least 1")
        if self.early_stopping_patience is not None:
            rule = "be at least 1"
            self._check(
                "early_stopping_patience", self.early_stopping_patience >= 1, self.early_stopping_patience, rule
            )
        for name in ("auto_find_batch_size", "ignore_data_skip", "save_only_model"):
            # The first two would make a step something else than what follows from the seed and its number; without
            # the optimizer's state a run cannot go on as it would have.
            self._check(name, not getattr(self, name), True, "be false")
        if self.eval_strategy == IntervalStrategy.EPOCH and self.max_steps <= 0:
            rule = f"leave an epoch of {self.num_train_epochs:g} to choose"
            self._check("eval_delay", self.eval_delay <= self.num_train_epochs, self.eval_delay, rule)

    @staticmethod
    def _check(name: str, holds: bool, value: object, rule: str) -> None:
        if not holds:
            raise ValueError(f"{name} must {rule}, got {value!r}. Change it in the configuration.")

    @property
    def examples_per_step(self) -> int:
        """Examples of one optimizer step, over all devices and accumulated batches."""
        return self.train_batch_size * self.gradient_accumulation_steps * self.world_size
