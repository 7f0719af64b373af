"""What the arguments of every fine-tuning share: checkpoints to go on from, the best epoch, batches for inference."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import SchedulerType, TrainingArguments
from transformers.trainer_utils import SaveStrategy

from xlretrieval.inference.batching import default_batch_tokens


@dataclass
class FineTuningArguments(TrainingArguments):
    """Everything that `TrainingArguments` offers, with the defaults that the paper's protocols have in common.

    Raises:
        ValueError: When an argument is outside its range.
    """

    lr_scheduler_type: SchedulerType | str = field(default="constant", metadata={"help": "Learning rate schedule."})
    per_device_eval_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Most tokens of a batch in evaluation, padding included; by default 1,024 on a CPU and 16,384 "
            "elsewhere."
        },
    )
    seed: int = field(default=611, metadata={"help": "Of what is drawn, order, new weights and dropout."})
    logging_steps: float = field(default=50, metadata={"help": "Log every so many steps."})
    save_strategy: SaveStrategy | str = field(
        default="epoch", metadata={"help": "When to write a checkpoint to go on from; as eval_strategy."}
    )
    save_total_limit: int | None = field(default=1, metadata={"help": "Checkpoints to keep besides the best one."})
    load_best_model_at_end: bool = field(default=True, metadata={"help": "Whether the best epoch is the result."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after so many evaluations of the dev data without a better result."}
    )

    def __post_init__(self):
        super().__post_init__()
        # Our batches name what forward takes; the Trainer would look at the dataset's examples and find nothing.
        self.remove_unused_columns = False
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to pin it for
        if self.per_device_eval_tokens is None:
            self.per_device_eval_tokens = default_batch_tokens(self.device)
        self._check_positive("per_device_eval_tokens")
        if self.early_stopping_patience is not None:
            self._check_positive("early_stopping_patience")
        for name in ("auto_find_batch_size", "ignore_data_skip", "save_only_model"):
            # The first two would make a step something else than what follows from the seed and its number; without
            # the optimizer's state a run cannot go on as it would have.
            self._check(name, not getattr(self, name), True, "be false")

    def _check_positive(self, *names: str) -> None:
        for name in names:
            self._check(name, getattr(self, name) >= 1, getattr(self, name), "be at least 1")

    @staticmethod
    def _check(name: str, holds: bool, value: object, rule: str) -> None:
        if not holds:
            raise ValueError(f"{name} must {rule}, got {value!r}. Change it in the configuration.")

    @property
    def examples_per_step(self) -> int:
        """Examples of one optimizer step, over all devices and accumulated batches: queries, or windows of texts."""
        return self.train_batch_size * self.gradient_accumulation_steps * self.world_size
