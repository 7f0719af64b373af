"""Early stopping whose state is the log, so that a resumed run stops where an uninterrupted one does.

The callback of transformers keeps a counter, which starts anew when a run is resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

METRIC = "eval_map"


def out_of_patience(log_history: Sequence[dict], patience: int | None, metric: str = METRIC) -> bool:
    """Whether the last `patience` values of a metric were no better than the best before them.

    Example:
        >>> out_of_patience([{"eval_map": 0.5}, {"eval_map": 0.4}, {"eval_map": 0.5}], patience=2)
        True
    """
    values = [row[metric] for row in log_history if metric in row]
    return patience is not None and bool(values) and len(values) - 1 - values.index(max(values)) >= patience


class PatienceCallback(TrainerCallback):
    """Stops training after evaluations without a better MAP.

    Args:
        patience: How many.
    """

    def __init__(self, patience: int):
        self.patience = patience

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Looks at the evaluations in the log."""
        control.should_training_stop |= out_of_patience(state.log_history, self.patience)
