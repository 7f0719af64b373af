"""What the arguments of every fine-tuning share: checkpoints to go on from, the best epoch, batches for inference."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import SchedulerType
from transformers.trainer_utils import SaveStrategy

from xlretrieval.trainers.step_arguments import StepArguments


@dataclass
class FineTuningArguments(StepArguments):
    """Everything that `TrainingArguments` offers, with the defaults that the paper's protocols have in common.

    Raises:
        ValueError: When an argument is outside its range.
    """

    lr_scheduler_type: SchedulerType | str = field(default="constant", metadata={"help": "Learning rate schedule."})
    per_device_eval_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Most tokens of a batch in evaluation, padding included; by default 2,048 on a CPU and 131,072 "
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
        if self.per_device_eval_tokens is None:
            # Late, since it loads transformers' models, which the help of a command has no use for.
            from xlretrieval.inference.batching import default_batch_tokens

            self.per_device_eval_tokens = default_batch_tokens(self.device)
        self._check_positive("per_device_eval_tokens")
        if self.early_stopping_patience is not None:
            self._check_positive("early_stopping_patience")
        # Without the optimizer's state a run cannot go on as it would have.
        self._check("save_only_model", not self.save_only_model, True, "be false")
