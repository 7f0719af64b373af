"""What all trainers' arguments share: a step follows from the seed and its number, and nothing may change that."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import TrainingArguments


@dataclass
class StepArguments(TrainingArguments):
    """`TrainingArguments` without what would make a step depend on more than the seed and its number.

    Raises:
        ValueError: When an argument is outside its range.
    """

    def __post_init__(self):
        super().__post_init__()
        # Our batches name what forward takes; the Trainer would look at the dataset's examples and find nothing.
        self.remove_unused_columns = False
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to pin it for
        for name in ("auto_find_batch_size", "ignore_data_skip"):
            # Both would make a step something else than what follows from the seed and its number.
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
        """Examples of one optimizer step, over all devices and accumulated batches: pairs, queries, or windows."""
        return self.train_batch_size * self.gradient_accumulation_steps * self.world_size
