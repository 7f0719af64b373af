"""Exports a reranker and ranks with onnxruntime and the tokenizer alone.

python examples/export_onnx.py MODEL FOLDER "query" "first document" "second document" ...
"""

import argparse
from pathlib import Path

import onnxruntime
from transformers import AutoTokenizer

from xlretrieval import export_reranker

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="folder or Hub id")
parser.add_argument("folder", type=Path, help="where the graph goes")
parser.add_argument("query")
parser.add_argument("documents", nargs="+")
options = parser.parse_args()

export_reranker(options.model, options.folder)

# From here on nothing of this package is used.
tokenizer = AutoTokenizer.from_pretrained(options.folder)
session = onnxruntime.InferenceSession(options.folder / "model.onnx")
queries = [options.query] * len(options.documents)
inputs = tokenizer(queries, options.documents, padding=True, truncation="only_second", return_tensors="np")
scores = session.run(["logits"], dict(inputs))[0][:, 0]
for score, document in sorted(zip(scores, options.documents, strict=True), reverse=True):
    print(f"{score:8.3f}  {document}")
