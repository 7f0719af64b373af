"""Arguments of fine-tuning for question answering: those of `TrainingArguments`, with the paper's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import SchedulerType, TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from xlretrieval.inference.answer_extraction import ExtractionOptions
from xlretrieval.inference.batching import default_batch_tokens

BEST_EPOCHS = ("mean", "pair")


@dataclass
class QuestionAnsweringArguments(TrainingArguments):
    """Arguments of `QuestionAnsweringTrainer`.

    Everything that `TrainingArguments` offers, with the paper's protocol as default: 10 epochs at 1e-5, 16 windows a
    step, 512 tokens, embeddings frozen, and the epoch chosen by the F1 on the dev questions.

    Raises:
        ValueError: When an argument is outside its range or its choices.
    """

    learning_rate: float = field(default=1e-5, metadata={"help": "Learning rate; the paper's is 1e-5."})
    lr_scheduler_type: SchedulerType | str = field(default="constant", metadata={"help": "Learning rate schedule."})
    num_train_epochs: float = field(default=10.0, metadata={"help": "Epochs."})
    per_device_train_batch_size: int = field(
        default=16,
        metadata={"help": "Windows per device and forward pass; a step takes all devices and accumulation."},
    )
    per_device_eval_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Most tokens of a batch when questions are answered, padding included; by default 1,024 on "
            "a CPU and 16,384 elsewhere."
        },
    )
    seed: int = field(default=611, metadata={"help": "Of order, new weights and dropout."})
    logging_steps: float = field(default=50, metadata={"help": "Log every so many steps."})
    eval_strategy: IntervalStrategy | str = field(
        default="epoch",
        metadata={"help": "When to answer the dev questions: after every epoch, or every `eval_steps`."},
    )
    save_strategy: SaveStrategy | str = field(
        default="epoch", metadata={"help": "When to write a checkpoint to go on from; as eval_strategy."}
    )
    save_total_limit: int | None = field(default=1, metadata={"help": "Checkpoints to keep besides the best one."})
    load_best_model_at_end: bool = field(default=True, metadata={"help": "Whether the best epoch is the result."})
    metric_for_best_model: str | None = field(
        default="f1", metadata={"help": "What the best epoch has most of: f1, the mean over pairs, or f1_de-en."}
    )
    best_epoch: str = field(
        default="mean",
        metadata={
            "help": "Whether one epoch serves all pairs, or each pair has its own, in best/PAIR.",
            "choices": list(BEST_EPOCHS),
        },
    )
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after so many evaluations without a better mean F1."}
    )

    freeze_embeddings: bool = field(default=True, metadata={"help": "Whether the embeddings stay as they are."})
    max_length: int = field(default=512, metadata={"help": "Longest input in tokens."})
    stride: int = field(default=128, metadata={"help": "Tokens of the context that two windows of it share."})
    max_query_length: int = field(default=64, metadata={"help": "Longest question in tokens."})
    n_best: int = field(default=20, metadata={"help": "Start and end tokens of a window that are combined."})
    max_answer_length: int = field(default=30, metadata={"help": "Longest answer in tokens."})
    null_threshold: float | None = field(
        default=None,
        metadata={"help": "How much better no answer must score than the best one to be given; by default it is not."},
    )

    def __post_init__(self):
        super().__post_init__()
        # Our batches name what forward takes; the Trainer would look at the dataset's examples and find nothing.
        self.remove_unused_columns = False
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to pin it for
        if self.per_device_eval_tokens is None:
            self.per_device_eval_tokens = default_batch_tokens(self.device)
        for name in ("max_length", "max_query_length", "per_device_eval_tokens", "n_best", "max_answer_length"):
            self._check(name, getattr(self, name) >= 1, getattr(self, name), "be at least 1")
        self._check("stride", self.stride >= 0, self.stride, "not be negative")
        rule = f"be one of {', '.join(BEST_EPOCHS)}"
        self._check("best_epoch", self.best_epoch in BEST_EPOCHS, self.best_epoch, rule)
        for name in ("auto_find_batch_size", "ignore_data_skip", "save_only_model"):
            # The first two would make a step something else than what follows from the seed and its number; without
            # the optimizer's state a run cannot go on as it would have.
            self._check(name, not getattr(self, name), True, "be false")
        if self.early_stopping_patience is not None:
            patience = self.early_stopping_patience
            self._check("early_stopping_patience", patience >= 1, patience, "be at least 1")

    @staticmethod
    def _check(name: str, holds: bool, value: object, rule: str) -> None:
        if not holds:
            raise ValueError(f"{name} must {rule}, got {value!r}. Change it in the configuration.")

    @property
    def extraction(self) -> ExtractionOptions:
        """The rules by which answers are taken from scores."""
        return ExtractionOptions(self.n_best, self.max_answer_length, self.null_threshold)

    @property
    def examples_per_step(self) -> int:
        """Windows of one optimizer step, over all devices and accumulated batches."""
        return self.train_batch_size * self.gradient_accumulation_steps * self.world_size
