"""Early stopping whose state is the log, so that a resumed run stops where an uninterrupted one does.

The callback of transformers keeps a counter, which starts anew when a run is resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

METRIC = "eval_map"


def out_of_patience(
    log_history: Sequence[dict], patience: int | None, metric: str = METRIC, greater_is_better: bool = True
) -> bool:
    """Whether the last `patience` values of a metric were no better than the best before them.

    A value from before the first step does not count: there is no checkpoint of it to come back to.

    Example:
        >>> out_of_patience([{"eval_map": 0.5}, {"eval_map": 0.4}, {"eval_map": 0.5}], patience=2)
        True
    """
    sign = 1 if greater_is_better else -1
    values = [sign * row[metric] for row in log_history if metric in row and row.get("step") != 0]
    return patience is not None and bool(values) and len(values) - 1 - values.index(max(values)) >= patience


def chosen_metric(args: TrainingArguments) -> tuple[str, bool]:
    """What chooses the best step, by default the loss: its name in the log, and whether greater is better."""
    name = args.metric_for_best_model or "loss"
    greater = not name.endswith("loss") if args.greater_is_better is None else args.greater_is_better
    return (name if name.startswith("eval_") else f"eval_{name}"), greater


class PatienceCallback(TrainerCallback):
    """Stops training after evaluations without a better value of a metric.

    Args:
        patience: How many.
        metric: As the log names it.
        greater_is_better: What is better.
    """

    def __init__(self, patience: int, metric: str = METRIC, greater_is_better: bool = True):
        self.patience, self.metric, self.greater_is_better = patience, metric, greater_is_better

    def over(self, state: TrainerState) -> bool:
        """Whether a run in this state has ended."""
        return out_of_patience(state.log_history, self.patience, self.metric, self.greater_is_better)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Looks at the evaluations in the log."""
        control.should_training_stop |= self.over(state)
