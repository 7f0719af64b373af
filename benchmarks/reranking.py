"""How many pairs a second does `Reranker` score, against sentence-transformers' `CrossEncoder.predict`?

Same weights, same pairs, same machine, in turns. CrossEncoder loads the long encoder as it does by default: our
blocked attention, batches of 32 pairs in the order of their characters. Ours runs in float32, where the scores must be
equal to 1e-5, and with dtype="auto", where Kendall's tau with the scores in float32 is measured query by query.

Documents have the lengths of sections: a log-normal distribution with median 113 tokens and deviation 1.06, or are
texts given with --jsonl; every 50 share a query of ten words out of the first. The weights are random, so tau is that
of scores without meaning; --trained takes a reranker that has learned something, and measures its tau too. Seconds of
the processor stand beside those of the clock: on a machine that does other work, they are what a side took itself.

  python -m benchmarks.reranking [--pairs 1000] [--layers 12] [--repeats 1] [--jsonl sections.jsonl.gz ...]
  python -m benchmarks.reranking --budgets 512 1024 2048 4096 16384     (which budget of tokens a batch should have)
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.stats import kendalltau
from sentence_transformers import CrossEncoder
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer, BertTokenizer

from benchmarks.measure import interleaved, ratios, summary, write
from benchmarks.pretraining_step import section_lengths
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

QUERY_WORDS = 10
DOCUMENTS_PER_QUERY = 50
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = 20_000


def make_texts(files: list[Path], pairs: int) -> tuple[list[str], list[str]]:
    """Words of a vocabulary of our own, or of texts; and as many documents as there are pairs."""
    rng = np.random.default_rng(0)
    if not files:
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
        words = list({"".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(WORDS)})
        lengths = rng.permutation(section_lengths([], pairs, seed=0))
        return words, [" ".join(rng.choice(sorted(words), length)) for length in lengths]
    texts = []
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    return [], [texts[index] for index in rng.permutation(len(texts))[:pairs]]


def save_checkpoint(folder: Path, layers: int, words: list[str], documents: list[str], hidden: int = 768) -> None:
    """A long encoder of random weights, and a tokenizer whose vocabulary is the words, or learned from the texts."""
    if not words:
        learned = BertWordPieceTokenizer(lowercase=True)
        learned.train_from_iterator(documents, vocab_size=30_000, special_tokens=SPECIAL, show_progress=False)
        vocabulary = learned.get_vocab()
    else:
        vocabulary = {piece: index for index, piece in enumerate(SPECIAL + sorted(words))}
    BertTokenizer(vocab=vocabulary, model_max_length=1024).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertLongConfig(
        num_hidden_layers=layers,
        vocab_size=len(vocabulary),
        initializer_range=0.05,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
    )
    config.sep_token_id = vocabulary["[SEP]"]
    model = BertLongForXLRetrieval(config)
    with torch.no_grad():  # other values than the local projections, so that swapping them would show
        for name, parameter in model.named_parameters():
            if "_global" in name:
                parameter.add_(torch.randn_like(parameter) * 0.01)
    model.save_pretrained(folder)


def mean_tau(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Kendall's tau of the rankings of every query: mean and minimum."""
    starts = range(0, len(first), DOCUMENTS_PER_QUERY)
    parts = [slice(start, start + DOCUMENTS_PER_QUERY) for start in starts]
    values = [float(kendalltau(first[part], second[part]).statistic) for part in parts if len(first[part]) > 1]
    return {"mean": float(np.mean(values)), "min": float(np.min(values)), "queries": len(values)}


class Side:
    """Scores the pairs, and keeps the scores and the processor's seconds of every call."""

    def __init__(self, score: Callable[[], np.ndarray]):
        self.score, self.scores, self.processor = score, np.zeros(0), []

    def __call__(self) -> None:
        start = time.process_time()
        self.scores = self.score()
        self.processor.append(time.process_time() - start)


def rerankers_of(folder: str) -> dict[str, Reranker]:
    """In float32 and as dtype="auto" loads it; cutting what is longer than the model, as CrossEncoder does."""
    options = {"device": "cpu", "long_documents": "firstp"}
    return {dtype: Reranker.from_pretrained(folder, dtype, **options) for dtype in ("float32", "auto")}


def sides_of(folder: str, pairs: list[tuple[str, str]], budgets: list[int]) -> dict[str, Side]:
    """CrossEncoder and ours; or with budgets, ours alone with each."""
    rerankers = rerankers_of(folder)
    if budgets:
        return {
            f"{dtype} {budget}": Side(lambda r=reranker, b=budget: r.score(pairs, b, show_progress=False))
            for budget in budgets
            for dtype, reranker in rerankers.items()
        }
    encoder = CrossEncoder(folder, device="cpu")
    sides = {"CrossEncoder": Side(lambda: encoder.predict(pairs, activation_fn=torch.nn.Identity()))}
    return sides | {
        dtype: Side(lambda r=reranker: r.score(pairs, show_progress=False)) for dtype, reranker in rerankers.items()
    }


def main() -> None:
    """Scores in turns, then compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--trained", help="trained reranker, for tau alone")
    parser.add_argument("--jsonl", type=Path, nargs="*", default=[])
    parser.add_argument("--budgets", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    words, documents = make_texts(arguments.jsonl, arguments.pairs)
    queries = [" ".join(text.split()[:QUERY_WORDS]) for text in documents[::DOCUMENTS_PER_QUERY]]
    pairs = [(queries[index // DOCUMENTS_PER_QUERY], document) for index, document in enumerate(documents)]
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), arguments.layers, words, documents)
        sides = sides_of(folder, pairs, arguments.budgets)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokens = [len(ids) for ids in tokenizer([list(pair) for pair in pairs], truncation=True)["input_ids"]]
        seconds = interleaved(sides, arguments.repeats, warmup=0)
    result = {
        "question": "pairs per second, against CrossEncoder.predict with the same weights",
        "layers": arguments.layers,
        "pairs": len(pairs),
        "tokens": {"sum": sum(tokens), "median": int(np.median(tokens)), "longest": max(tokens)},
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "processor_seconds": {name: summary(side.processor) for name, side in sides.items()},
        "pairs_per_second": {name: len(pairs) / summary(values)["median"] for name, values in seconds.items()},
    }
    if arguments.budgets:
        print(json.dumps(result, indent=2))
        return
    scores = {name: side.scores for name, side in sides.items()}
    result["scores"] = {
        "deviation": float(scores["CrossEncoder"].std()),
        "largest difference in float32": float(np.abs(scores["CrossEncoder"] - scores["float32"]).max()),
        "tau of auto": mean_tau(scores["float32"], scores["auto"]),
    }
    if arguments.trained:
        trained = [reranker.score(pairs, show_progress=False) for reranker in rerankers_of(arguments.trained).values()]
        result["scores"]["tau of auto, trained reranker"] = mean_tau(*trained)
    for name in ("float32", "auto"):
        result[f"speedup of {name}"] = ratios(seconds["CrossEncoder"], seconds[name])
        result[f"speedup of {name}, processor"] = ratios(sides["CrossEncoder"].processor, sides[name].processor)
    write("reranking", result)


if __name__ == "__main__":
    main()
