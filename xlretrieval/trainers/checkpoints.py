"""Checkpoints that a run was killed beside."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from transformers import TrainerState

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
