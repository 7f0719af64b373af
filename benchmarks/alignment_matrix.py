"""How long does a matrix of P@1 over 15 languages take, and how much memory?

  python -m benchmarks.alignment_matrix --xnli xnli.15way.orig.tsv [--model M] [--limit 10000] [--layers all]

All 105 pairs of the 15-way parallel XNLI, 10,000 sentences each; every sentence is encoded once. Without --model, by
an encoder of random weights (2 layers of 128, word pieces of the sentences): shared words and digits are all that it
aligns by. The comparison alone is measured on one pair against plain NumPy, which multiplies whole matrices and takes
the largest of each row and column; sides take turns. Peaks are of what each allocates at once.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import interleaved, ratios, summary, write
from xlretrieval.data.multiway import MultiwayTexts, read_xnli15_languages
from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.evaluation.alignment import PairAlignment, evaluate_pairs, precision_at_1
from xlretrieval.evaluation.alignment_matrix import AlignmentMatrix
from xlretrieval.evaluation.layer_sweep import LayerSweep
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.layer_encoder import LayerEncoder


class TimedEncoder(LayerEncoder):
    """Adds up what encoding takes."""

    seconds = 0.0

    def encode(self, texts: list[str], *words: object) -> np.ndarray:
        """As the encoder does."""
        start = time.perf_counter()
        vectors = super().encode(texts, *words)
        self.seconds += time.perf_counter() - start
        return vectors


def random_encoder(texts: MultiwayTexts, folder: Path) -> str:
    """Folder of an encoder that nobody trained, with word pieces of the texts."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizer

    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(
        (text for side in texts.texts.values() for text in side), vocab_size=16_000, show_progress=False
    )
    tokenizer = BertTokenizer(vocab=pieces.get_vocab(), model_max_length=128, do_lower_case=True)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=256,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def plain(source: np.ndarray, target: np.ndarray, dtype: type) -> float:
    """Mean P@1 of both directions from the whole matrix; the first of several that are tied wins."""
    source, target = (side.astype(dtype) for side in (source, target))
    source /= np.linalg.norm(source, axis=1, keepdims=True)
    target /= np.linalg.norm(target, axis=1, keepdims=True)
    cosines = source @ target.T
    own = np.arange(len(source))
    return 50 * float((cosines.argmax(axis=1) == own).mean() + (cosines.argmax(axis=0) == own).mean())


def traced_peak(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and the MiB that NumPy allocates at once during it."""
    tracemalloc.start()
    try:
        return call(), tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def compare(encoder: LayerEncoder, texts: ParallelTexts, repeats: int) -> dict[str, object]:
    """The comparison of one pair, ours against whole matrices."""
    pair = [encoder.encode(side, show_progress=False)[0] for side in (texts.source, texts.target)]
    sides: dict[str, Callable[[], object]] = {
        "blocks": lambda: precision_at_1(*pair).mean,
        "blocks, csls": lambda: precision_at_1(*pair, similarity="csls").mean,
        "whole matrix, float32": lambda: plain(*pair, np.float32),
        "whole matrix, float64": lambda: plain(*pair, np.float64),
    }
    seconds = interleaved(sides, repeats)
    return {
        "name": texts.name,
        "p_at_1": {name: call() for name, call in sides.items()},
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "mib": {name: traced_peak(call)[1] for name, call in sides.items()},
        "float64 / blocks": ratios(seconds["whole matrix, float64"], seconds["blocks"]),
    }


def large(n: int, dimensions: int = 128) -> dict[str, object]:
    """One pair of so many texts: noise on vectors of other noise, and what a whole matrix would take."""
    rng = np.random.default_rng(0)
    source = rng.standard_normal((n, dimensions), dtype=np.float32)
    target = source + 2.5 * rng.standard_normal((n, dimensions), dtype=np.float32)
    result: dict[str, object] = {"texts": n, "dimensions": dimensions, "whole_matrix_float32_mib": n * n * 4 / 2**20}
    for similarity in ("cosine", "csls"):
        call = partial(precision_at_1, source, target, similarity=similarity)
        start = time.perf_counter()
        value, peak = traced_peak(call)  # few and large arrays: tracing costs nothing
        result[similarity] = {"p_at_1": value.mean, "seconds": time.perf_counter() - start, "mib": peak}
    return result


def measure(encoder: TimedEncoder, texts: MultiwayTexts, limit: int | None) -> tuple[list[PairAlignment], dict]:
    """All pairs, with seconds and the growth of the process's peak."""
    pairs = [pair.sample(limit) for pair in texts.pairs()]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    alignments = evaluate_pairs(encoder, pairs, show_progress=False)
    total = time.perf_counter() - start
    return alignments, {
        "languages": len(texts.texts),
        "pairs": len(pairs),
        "texts_per_language": len(pairs[0]),
        "layers": len(encoder.layers),
        "seconds": {"all": total, "encoding": encoder.seconds, "comparing": total - encoder.seconds},
        "peak_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


def main() -> None:
    """Measures and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--xnli", type=Path, required=True, metavar="FILE", help="15-way XNLI, .tsv or .gz")
    parser.add_argument("--model", help="checkpoint (default: random weights)")
    parser.add_argument("--limit", type=int, help="most sentences per language (default: all)")
    parser.add_argument("--layers", choices=("last", "all"), default="last", help="default: last")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison with NumPy (default: 3)")
    parser.add_argument("--large", type=int, metavar="N", help="also measure N x N random vectors, such as 100000")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    texts = read_xnli15_languages(options.xnli)
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder.from_pretrained(options.model or random_encoder(texts, Path(folder)))
        encoder.encode(["warm"], show_progress=False)
        layers = range(encoder.model.config.num_hidden_layers, -1, -1) if options.layers == "all" else [-1]
        timed = TimedEncoder(encoder, layers)
        alignments, figures = measure(timed, texts, options.limit)
        pair = texts.pair("en", "fr").sample(options.limit)
        one_pair = compare(LayerEncoder(encoder), pair, options.repeats)
    if options.layers == "all":
        figures["by_layer"] = LayerSweep.of(alignments).as_dict()["mean"]
    matrix = AlignmentMatrix.of(alignments)
    print(matrix.markdown())
    result = {
        "question": "P@1 over all pairs of 15-way XNLI: time and memory",
        "model": options.model or "random weights, 2 layers of 128",
        **figures,
        "mean_p_at_1": matrix.mean,
        "one_pair_against_numpy": one_pair,
    }
    write("alignment_matrix", result)
    if options.large:
        write("alignment_matrix", {**result, "large": large(options.large)})


if __name__ == "__main__":
    main()
