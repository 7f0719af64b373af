"""Loading a checkpoint for inference: what weights it lacks is checked, not printed as a table to scroll past."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


@contextmanager
def _without_loading_report() -> Iterator[None]:
    """Silences the table of unused and missing weights: unused heads are expected here, missing ones are checked."""

    def only_errors(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    # A filter, not a level: from level WARNING on, transformers adds a warning about tensor parallelism.
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(only_errors)
    try:
        yield
    finally:
        logger.removeFilter(only_errors)


def load_for_inference(
    auto_class: type, name_or_dir: str, dtype: torch.dtype | str | None, device: torch.device | str | None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, list[str]]:
    """Loads a model in evaluation mode, and its tokenizer.

    Args:
        auto_class: `AutoModel` or another Auto class.
        name_or_dir: Folder or name on the Hub.
        dtype: Of the weights; by default as they are in the checkpoint.
        device: By default CUDA where there is one, else the CPU.

    Returns:
        The model, the tokenizer, and the names of the weights that the checkpoint lacks (they are random).

    Raises:
        OSError: No such checkpoint.
    """
    with _without_loading_report():
        model, report = auto_class.from_pretrained(
            name_or_dir, dtype="auto" if dtype is None else dtype, output_loading_info=True
        )
    tokenizer = AutoTokenizer.from_pretrained(name_or_dir)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return model.to(device).eval(), tokenizer, sorted(report["missing_keys"])
