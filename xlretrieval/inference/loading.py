"""Loading a checkpoint for inference: what weights it lacks is checked, not printed as a table to scroll past.

A damaged file and a folder without a tokenizer are errors that say so. Of the latter transformers makes an empty
tokenizer, to which every word is unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from xlretrieval.modeling.xl_retrieval import one_line

from .precision import inference_dtype


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
        dtype: Of the weights; "auto" or another value of `inference_dtype`; by default as they are in the checkpoint.
        device: By default CUDA where there is one, else the CPU.

    Returns:
        The model, the tokenizer, and the names of the weights that the checkpoint lacks (they are random).

    Raises:
        ValueError: A file of weights is damaged, or `dtype` is none.
        OSError: No such checkpoint, or it has no tokenizer.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    wanted = inference_dtype(dtype, device) or "auto"  # transformers means that of the checkpoint
    try:
        with _without_loading_report():
            model, report = auto_class.from_pretrained(name_or_dir, dtype=wanted, output_loading_info=True)
    except SafetensorError as error:
        raise ValueError(
            f"{_damaged_file(name_or_dir)}: weights must be a whole safetensors file, got: {one_line(error)}. "
            "Copy or download it again."
        ) from error
    except OSError as error:
        raise OSError(
            f"The model must be a Hub id or a folder with config.json and weights, got {name_or_dir} "
            f"({one_line(error)}). Check its name."
        ) from error
    return model.to(device).eval(), _load_tokenizer(name_or_dir), sorted(report["missing_keys"])


def _damaged_file(name_or_dir: str) -> str:
    """The file of weights that does not open, or the checkpoint where it is not a folder."""
    for path in sorted(Path(name_or_dir).glob("*.safetensors")):
        try:
            with safe_open(path, "pt"):
                pass
        except SafetensorError:
            return str(path)
    return name_or_dir


def _load_tokenizer(name_or_dir: str) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(name_or_dir)
    except Exception as error:  # a damaged tokenizer.json raises nothing more special
        raise OSError(
            f"Checkpoint {name_or_dir} must have a tokenizer, got none that loads ({one_line(error)}). Save it there "
            "with tokenizer.save_pretrained."
        ) from error
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):
        raise OSError(
            f"Checkpoint {name_or_dir} must have a tokenizer, got none: no tokenizer.json, and no vocabulary. Save it "
            "there with tokenizer.save_pretrained."
        )
    return tokenizer
