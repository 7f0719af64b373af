"""Checkpoints that a run was killed beside."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from transformers import Trainer, TrainerState

logger = logging.getLogger(__name__)


def last_whole_checkpoint(folder: Path) -> tuple[Path, TrainerState] | None:
    """The newest checkpoint that was written to its end, and its state; a kill while saving leaves one that was not.

    The Trainer writes trainer_state.json last.
    """
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            logger.warning("%s: not whole, passed over", path)
            continue
        return path, TrainerState.load_from_json(str(path / "trainer_state.json"))
    return None


def train_to_the_end(trainer: Trainer, found: tuple[Path, TrainerState] | None, fixed_length: bool = False) -> None:
    """Trains, from a checkpoint if there is one, and ends with the model that an uninterrupted run ends with.

    A run that is killed between its last step and its result has nothing left to train. The Trainer asks only after a
    step whether training is to stop, and a step more would be another run.

    Args:
        trainer: Not trained yet.
        found: The checkpoint and its state, see `last_whole_checkpoint`.
        fixed_length: Whether a run that has made all of its steps is over; otherwise it may have been given more.

    Callbacks that end training, which have a method `over`, are asked whether it had ended there; not where parameters
    are sharded, as their checkpoints are loaded by training alone.
    """
    if found is None:
        trainer.train()
        return
    checkpoint, state = found
    ended = fixed_length and state.global_step >= state.max_steps
    ended |= any(callback.over(state) for callback in trainer.callback_handler.callbacks if hasattr(callback, "over"))
    if trainer.is_fsdp_enabled or not ended:
        trainer.train(resume_from_checkpoint=str(checkpoint))
        return
    trainer.state = state
    if trainer.args.load_best_model_at_end:
        best = Path(state.best_model_checkpoint or checkpoint).name
        state.best_model_checkpoint = str(Path(trainer.args.output_dir) / best)
        trainer._load_best_model()
    else:
        trainer._load_from_checkpoint(str(checkpoint))
