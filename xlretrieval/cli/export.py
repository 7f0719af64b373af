"""Write a reranker as an ONNX file, for onnxruntime and whatever else reads ONNX.

  xlretrieval export my-reranker --output exported --int8

The graph takes batches of any size and inputs of any length up to the model's. Its scores are compared with the
model's before anything is left behind: a difference above 1e-4 is an error. With --int8 a second graph with quantised
weights is written beside it. In Python: `xlretrieval.load_exported("exported", int8=True).rank(query, documents)`.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("model", metavar="MODEL", help="folder or Hub id of a reranker")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder to write")
    parser.add_argument("--format", choices=["onnx"], default="onnx", help="(default: onnx)")
    parser.add_argument("--int8", action="store_true", help="also write model_int8.onnx, with quantised weights")
    parser.add_argument("--overwrite", action="store_true", help="replace the output folder")


def run(arguments: argparse.Namespace) -> None:
    """Exports, compares and says how near the graph is."""
    from xlretrieval.cli.output import check_new_folder, new_folder
    from xlretrieval.inference.export.onnx_export import check_packages, export_reranker
    from xlretrieval.inference.export.onnx_model import GRAPH, INT8_GRAPH

    check_packages()
    check_new_folder(arguments.output, arguments.overwrite)
    with new_folder(arguments.output, arguments.overwrite) as folder:
        record = export_reranker(arguments.model, folder, arguments.int8)
    print(f"{arguments.output / GRAPH}: up to {record.longest_input:,} tokens, opset {record.opset}")
    print("  " + _differences(record.parity))
    if record.int8 is not None:
        print(f"{arguments.output / INT8_GRAPH}: weights of 8 bits")
        print("  " + _differences(record.int8))


def _differences(parity: list[dict[str, float]]) -> str:
    values = ", ".join(f"{figures['largest_difference']:.1g} at {figures['length']:,} tokens" for figures in parity)
    return f"largest difference from the model's scores: {values}"
