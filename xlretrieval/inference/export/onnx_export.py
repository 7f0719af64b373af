"""From a checkpoint to a folder with an ONNX graph that was checked against it.

The folder holds `model.onnx`, with `int8` also `model_int8.onnx`, the tokenizer, `config.json`, and `export.json`,
which says what the graph takes and how near its scores are to those of the checkpoint.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import torch

from xlretrieval.data.files import write_text
from xlretrieval.inference.reranker import Reranker

from .graph import OPSET, OUTPUT, write_graph
from .onnx_model import GRAPH, INSTALL, INT8_GRAPH, RECORD, ExportRecord, OnnxModel, check_query_length, open_session
from .parity import measure_parity, random_rows
from .quantization import write_int8_graph

TOLERANCE = 1e-4
PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def check_packages() -> None:
    """Raises ValueError when a package that exports need is not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"An export needs {', '.join(PACKAGES)}, got no {', '.join(missing)}. {INSTALL}")


def export_reranker(model: str, folder: Path, int8: bool = False) -> ExportRecord:
    """Exports a reranker as ONNX, in float32, and compares scores of random pairs at several lengths.

    Args:
        model: Folder or Hub id of a sequence classifier with one logit: the long encoder, BERT, XLM-R, ModernBERT and
            whatever else `Reranker` loads and torch exports.
        folder: Where to write. Without `export.json`, which comes last, what it holds is not to be used.
        int8: Whether to write a graph with quantised weights too.

    Returns:
        What was written to `export.json`.

    Raises:
        ValueError: A package is missing, the model is no reranker, or a score differs by more than 1e-4.
        OSError: No such checkpoint, or one without a tokenizer.
    """
    check_packages()
    folder.mkdir(parents=True, exist_ok=True)
    reranker = Reranker.from_pretrained(model, dtype=torch.float32, device="cpu")
    checkpoint, collator = reranker.model, reranker.collator
    slots = getattr(checkpoint.config, "max_global_tokens", None)
    check_query_length(collator.max_query_length, slots)
    sample = collator.pad(random_rows(collator, min(300, collator.max_length), rows=3))
    inputs = write_graph(checkpoint, sample, folder / GRAPH)
    parity = measure_parity(checkpoint, OnnxModel(open_session(folder / GRAPH), checkpoint.config), collator)
    worst = max(parity, key=lambda figures: figures.largest_difference)
    if not worst.largest_difference <= TOLERANCE:
        raise ValueError(
            f"An exported graph must give the model's scores to {TOLERANCE:g}, got a difference of "
            f"{worst.largest_difference:.2g} at {worst.length} tokens. Run the checkpoint itself."
        )
    quantised = None
    if int8:
        write_int8_graph(folder / GRAPH, folder / INT8_GRAPH)
        graph = OnnxModel(open_session(folder / INT8_GRAPH), checkpoint.config)
        quantised = measure_parity(checkpoint, graph, collator, rows=16)
    checkpoint.config.save_pretrained(folder)
    collator.tokenizer.model_max_length = collator.max_length  # the graph itself knows no limit
    collator.tokenizer.save_pretrained(folder)
    record = ExportRecord(
        model=model,
        opset=OPSET,
        inputs=inputs,
        output=OUTPUT,
        longest_input=collator.max_length,
        max_global_tokens=slots,
        parity=[asdict(figures) for figures in parity],
        int8=None if quantised is None else [asdict(figures) for figures in quantised],
        versions={
            name: importlib.metadata.version(name) for name in ("xlretrieval", "torch", "transformers", *PACKAGES)
        },
    )
    write_text(folder / RECORD, json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n")
    return record
