"""Trainer callbacks: the schedule's epoch, an end before the schedule's, and the curves of a run as a picture."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from xlretrieval.data.sampling import StepSampler


class EpochCallback(TrainerCallback):
    """Tells the sampler which epoch begins.

    The Trainer reaches a sampler through the loader only in some set-ups: not where the batches are sharded.
    """

    def __init__(self, sampler: StepSampler, steps_per_epoch: int):
        self.sampler = sampler
        self.steps_per_epoch = steps_per_epoch

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Counts epochs in steps, which is exact after resuming too."""
        self.sampler.set_epoch(state.global_step // self.steps_per_epoch)


class LastEpochCallback(TrainerCallback):
    """Ends a training after an epoch, on a schedule that goes on: the learning rates are those of the longer run.

    Args:
        epoch: The last one, from 1.
    """

    def __init__(self, epoch: int):
        self.epoch = epoch

    def over(self, state: TrainerState) -> bool:
        """Whether a run in this state has ended."""
        return round(state.epoch or 0) >= self.epoch

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Looks at the epoch that has ended."""
        control.should_training_stop |= self.over(state)


class CurvesCallback(TrainerCallback):
    """Draws losses and held-out metrics over the steps into `curves.png` of the output folder, at every save."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Draws what has been logged so far."""
        self._draw(args, state)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs) -> None:
        """Draws the whole run."""
        self._draw(args, state)

    @staticmethod
    def _draw(args: TrainingArguments, state: TrainerState) -> None:
        if state.is_world_process_zero and state.log_history:
            draw_curves(state.log_history, Path(args.output_dir) / "curves.png")


def draw_curves(log_history: list[dict], path: Path) -> None:
    """Draws two panels: training losses per objective, and what evaluations measured.

    Args:
        log_history: The Trainer's log.
        path: PNG to write.
    """
    from matplotlib.figure import Figure

    panels = {
        "training loss": {"qlm_loss": ("QLM", 1.0), "rr_loss": ("RR", 1.0)},
        "held-out articles": {
            "eval_mrr": ("MRR", 1.0),
            "eval_rr_accuracy": ("RR accuracy", 1.0),
            "eval_qlm_accuracy": ("QLM accuracy", 1.0),
            "eval_sentence_p1": ("sentence P@1", 0.01),  # logged in percent
        },
    }
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for name, (label, scale) in curves.items():
            points = [(row["step"], row[name] * scale) for row in log_history if name in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else None, label=label)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        if axes.get_lines():
            axes.legend()
    figure.axes[1].set_ylim(0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
