"""Arguments of fine-tuning for question answering: those of `TrainingArguments`, with the paper's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers.trainer_utils import IntervalStrategy

from xlretrieval.inference.answer_extraction import ExtractionOptions
from xlretrieval.trainers.fine_tuning_arguments import FineTuningArguments

BEST_EPOCHS = ("mean", "pair")


@dataclass
class QuestionAnsweringArguments(FineTuningArguments):
    """Arguments of `QuestionAnsweringTrainer`.

    Everything that `TrainingArguments` offers, with the paper's protocol as default: 10 epochs at 1e-5, 16 windows a
    step, 512 tokens, embeddings frozen, and the epoch chosen by the F1 on the dev questions.

    Raises:
        ValueError: When an argument is outside its range or its choices.
    """

    learning_rate: float = field(default=1e-5, metadata={"help": "Learning rate; the paper's is 1e-5."})
    num_train_epochs: float = field(default=10.0, metadata={"help": "Epochs."})
    per_device_train_batch_size: int = field(
        default=16,
        metadata={"help": "Windows per device and forward pass; a step takes all devices and accumulation."},
    )
    eval_strategy: IntervalStrategy | str = field(
        default="epoch",
        metadata={"help": "When to answer the dev questions: after every epoch, or every `eval_steps`."},
    )
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
        self._check_positive("max_length", "max_query_length", "n_best", "max_answer_length")
        self._check("stride", self.stride >= 0, self.stride, "not be negative")
        rule = f"be one of {', '.join(BEST_EPOCHS)}"
        self._check("best_epoch", self.best_epoch in BEST_EPOCHS, self.best_epoch, rule)

    @property
    def extraction(self) -> ExtractionOptions:
        """The rules by which answers are taken from scores."""
        return ExtractionOptions(self.n_best, self.max_answer_length, self.null_threshold)
