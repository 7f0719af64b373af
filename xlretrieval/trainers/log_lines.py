"""What a run says while it runs: one short line a log, where the Trainer prints everything it knows.

The whole log, with every language pair, is in trainer_state.json and in what trackers are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerControl, TrainerState, TrainingArguments

# Name in the log -> name in the line; in this order, as far as they are there.
_TRAINING = {
    "loss": "loss",
    "qlm_loss": "qlm",
    "qlm_accuracy": "qlm accuracy",
    "rr_loss": "rr",
    "rr_accuracy": "rr accuracy",
    "rr_margin": "rr margin",
    "learning_rate": "lr",
}
_HELD_OUT = {
    "eval_loss": "loss",
    "eval_qlm_accuracy": "qlm accuracy",
    "eval_rr_accuracy": "rr accuracy",
    "eval_mrr": "MRR",
    "eval_sentence_p1": "sentence P@1",
}


def log_line(logs: Mapping[str, Any], step: int, steps: int) -> str | None:
    """A line for what was logged; None when it is neither of training nor of an evaluation.

    Args:
        logs: Name -> number.
        step: Optimizer steps done.
        steps: Of the whole run.
    """
    for names, title in ((_HELD_OUT, "held out"), (_TRAINING, "")):
        if next(iter(names)) in logs:
            values = [f"{name} {float(logs[key]):.4g}" for key, name in names.items() if key in logs]
            return "  ".join([f"step {step:,} of {steps:,}", *([title] if title else []), *values])
    return None


class _PrintedLines(PrinterCallback):
    """Prints the lines."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs=None, **kwargs
    ) -> None:
        """Prints one line, or nothing."""
        line = log_line(logs or {}, state.global_step, state.max_steps)
        if line and state.is_local_process_zero:
            print(line, flush=True)


class _LinesAboveBar(ProgressCallback):
    """Writes the lines above the progress bar."""

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs=None, **kwargs
    ) -> None:
        """Writes one line, or nothing."""
        line = log_line(logs or {}, state.global_step, state.max_steps)
        if line and state.is_world_process_zero and self.training_bar is not None:
            self.training_bar.write(line)


def use_log_lines(trainer: Trainer) -> None:
    """Has a trainer write lines instead of everything; a callback that somebody else put in its place stays."""
    for old, new in ((PrinterCallback, _PrintedLines), (ProgressCallback, _LinesAboveBar)):
        if any(type(callback) is old for callback in trainer.callback_handler.callbacks):
            trainer.remove_callback(old)
            trainer.add_callback(new)
