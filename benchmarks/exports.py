"""An exported reranker against its checkpoint: torch, onnxruntime, and onnxruntime with quantised weights, all on the
CPU with the same batches, interleaved.

Speed is that of multilingual BERT (base) made long, with random weights and a small vocabulary, which changes nothing
but the size. How near rankings stay needs a trained model: with --model and two --jsonl files of sections that
translate each other, the beginnings of sections in the first language are queries over 20 sections in the second, of
which one is the translation.

  python -m benchmarks.exports [--layers 12] [--repeats 5] [--model DIR --jsonl en.jsonl.gz de.jsonl.gz]
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.stats import kendalltau
from transformers import BertTokenizer

from benchmarks.measure import interleaved, ratios, summary, write
from xlretrieval import BertLongConfig, BertLongForXLRetrieval, Reranker
from xlretrieval.data.files import read_lines
from xlretrieval.inference.export.onnx_export import export_reranker
from xlretrieval.inference.export.onnx_model import load_exported
from xlretrieval.inference.export.parity import random_rows

LENGTHS = (16, 128, 500, 2000)
BATCH_TOKENS = 2000
CANDIDATES = 20
QUERY_WORDS = 20
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def save_checkpoint(folder: Path, layers: int) -> None:
    """A random long encoder of base size for 2,048 tokens."""
    vocabulary = {token: index for index, token in enumerate([*SPECIAL, *(f"w{number}" for number in range(2000))])}
    BertTokenizer(vocab=vocabulary, model_max_length=2048).save_pretrained(folder)
    config = BertLongConfig(
        vocab_size=len(vocabulary), num_hidden_layers=layers, max_position_embeddings=2048, sep_token_id=3
    )
    BertLongForXLRetrieval(config).save_pretrained(folder)


def open_sides(checkpoint: Path, folder: Path) -> dict[str, Reranker]:
    """The checkpoint and both graphs."""
    export_reranker(str(checkpoint), folder, int8=True)
    torch_side = Reranker.from_pretrained(str(checkpoint), dtype=torch.float32, device="cpu")
    return {"torch": torch_side, "onnx": load_exported(folder), "int8": load_exported(folder, int8=True)}


def speed(sides: dict[str, Reranker], length: int, repeats: int) -> dict:
    """Seconds of a batch of 2,000 tokens in rows of one length, and the speed-up over torch."""
    rows = random_rows(sides["torch"].collator, length, 1) * (BATCH_TOKENS // length)
    scores = {name: side.score_rows(rows) for name, side in sides.items()}
    seconds = interleaved({name: lambda side=side: side.score_rows(rows) for name, side in sides.items()}, repeats)
    return {
        "rows": len(rows),
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "speedup": {name: ratios(seconds["torch"], seconds[name]) for name in ("onnx", "int8")},
        "difference": {name: float(np.abs(scores[name] - scores["torch"]).max()) for name in ("onnx", "int8")},
    }


def rankings(files: list[Path], queries: int) -> list[tuple[str, list[str]]]:
    """Query and candidates, the translation first."""
    sections = []
    for path in files:
        rows = [json.loads(line) for _, line in read_lines(path)]
        sections.append({(row["doc"], row["sec"]): row["text"] for row in rows if row["text"].strip()})
    shared = sorted(sections[0].keys() & sections[1].keys())
    generator = np.random.default_rng(0)
    made = []
    for place in generator.choice(len(shared), min(queries, len(shared)), replace=False):
        others = generator.choice(np.delete(np.arange(len(shared)), place), CANDIDATES - 1, replace=False)
        query = " ".join(sections[0][shared[place]].split()[:QUERY_WORDS])
        made.append((query, [sections[1][shared[index]] for index in (place, *others)]))
    return made


def agreement(sides: dict[str, Reranker], ranked: list[tuple[str, list[str]]]) -> dict:
    """How near the rankings of each graph are to those of torch, over queries."""
    pairs = [(query, document) for query, documents in ranked for document in documents]
    scores = {name: side.score(pairs).reshape(len(ranked), -1) for name, side in sides.items()}
    found = {"queries": len(ranked), "candidates": CANDIDATES, "score_deviation": float(scores["torch"].std())}
    for name in ("onnx", "int8"):
        taus = [kendalltau(*rows).statistic for rows in zip(scores["torch"], scores[name], strict=True)]
        found[name] = {
            "kendall_tau": {"mean": statistics.mean(taus), "min": min(taus)},
            "same_best": float((scores["torch"].argmax(1) == scores[name].argmax(1)).mean()),
            "largest_difference": float(np.abs(scores[name] - scores["torch"]).max()),
        }
    found["translation_first"] = {name: float((values.argmax(1) == 0).mean()) for name, values in scores.items()}
    return found


def main() -> None:
    """Measures speed, then agreement when a trained model is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", help="a trained reranker, for the agreement of rankings")
    parser.add_argument("--jsonl", type=Path, nargs=2, help="sections in two languages, aligned by doc and sec")
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    if (arguments.model is None) != (arguments.jsonl is None):
        parser.error("--model and --jsonl must be given together")
    torch.manual_seed(0)
    result: dict = {"question": "an exported reranker against its checkpoint, fp32", "layers": arguments.layers}
    with TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint"
        save_checkpoint(checkpoint, arguments.layers)
        sides = open_sides(checkpoint, Path(folder) / "exported")
        files = {name: Path(folder) / "exported" / name for name in ("model.onnx", "model_int8.onnx")}
        result["megabytes"] = {name: round(path.stat().st_size / 1e6, 1) for name, path in files.items()}
        result["lengths"] = {str(length): speed(sides, length, arguments.repeats) for length in LENGTHS}
        if arguments.model is not None:
            sides = open_sides(Path(arguments.model), Path(folder) / "trained")
            result["rankings"] = agreement(sides, rankings(arguments.jsonl, arguments.queries))
    write("exports", result)


if __name__ == "__main__":
    main()
