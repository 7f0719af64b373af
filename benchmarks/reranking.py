"""How many pairs a second does `Reranker` score, against sentence-transformers' and FlagEmbedding's loops?

Same weights, same pairs, same machine, in turns. CrossEncoder.predict loads the long encoder as it does by default:
our attention, batches of 32 pairs in the order of their characters. With --longformer it also runs what it would
without this package: transformers' Longformer with the same weights, whose queries are global. Both have a process of
their own, without what this package asks of torch and malloc. FlagEmbedding's reranker sorts by tokens, in batches of
128; it runs in an environment of its own, whose Python is given with --flag-embedding, with the code that the
checkpoint brings along. Ours runs in float32, where the scores must be equal to 1e-5, with dtype="auto" where the
processor multiplies bfloat16, and with dtype="int8"; of those Kendall's tau with the scores in float32 is measured
query by query.

Documents have the lengths of sections: a log-normal distribution with median 113 tokens and deviation 1.06, or are
texts given with --jsonl; every 50 share a query of ten words out of the first. Fewer layers than 6 flatter ours, which
computes next to nothing of the last one. The weights are random, so tau is that
of scores without meaning; --trained takes a reranker that has learned something, and measures its tau too. Seconds of
the processor stand beside those of the clock: on a machine that does other work, they are what a side took itself.
Runs with more sides than CrossEncoder, which take minutes a turn, write `results/reranking_peers.json`.

  python -m benchmarks.reranking [--pairs 50] [--layers 6] [--repeats 5] [--jsonl sections.jsonl.gz ...]
                                 [--longformer] [--flag-embedding VENV/bin/python] [--trained DIR]
  python -m benchmarks.reranking --budgets 512 1024 2048 4096 16384     (which budget of tokens a batch should have)
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.stats import kendalltau
from sentence_transformers import CrossEncoder
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer, BertTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

from benchmarks.apart import Apart, without_package
from benchmarks.measure import interleaved, ratios, row, summary, write
from benchmarks.pretraining_step import Recipe, section_lengths, tell_global_apart
from xlretrieval.inference.precision import native_bf16
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
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
    )
    config.sep_token_id = vocabulary["[SEP]"]
    model = BertLongForXLRetrieval(config)
    tell_global_apart(model)
    model.save_pretrained(folder)


def mean_tau(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Kendall's tau of the rankings of every query: mean and minimum."""
    starts = range(0, len(first), DOCUMENTS_PER_QUERY)
    parts = [slice(start, start + DOCUMENTS_PER_QUERY) for start in starts]
    values = [float(kendalltau(first[part], second[part]).statistic) for part in parts if len(first[part]) > 1]
    return {"mean": float(np.mean(values)), "min": float(np.min(values)), "queries": len(values)}


class Side:
    """Scores the pairs, and keeps the scores and the processor's seconds of every call.

    Args:
        score: Gives both.
    """

    def __init__(self, score: Callable[[], tuple[np.ndarray, float]]):
        self.score, self.scores, self.processor = score, np.zeros(0), []

    def __call__(self) -> None:
        self.scores, seconds = self.score()
        self.processor.append(seconds)


def with_processor_seconds(score: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """Scores, and the seconds of this process."""
    start = time.process_time()
    return score(), time.process_time() - start


class LongformerScores(torch.nn.Module):
    """Longformer of transformers with our weights, called as CrossEncoder calls a model."""

    def __init__(self, ours: BertLongForXLRetrieval):
        super().__init__()
        self.recipe, self.config = Recipe(ours).eval(), ours.config

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor, **_: object
    ) -> SequenceClassifierOutput:
        """Relevance of pairs whose query, the tokens of type 0, is global."""
        batch = {"ids": input_ids, "attention": attention_mask, "types": token_type_ids}
        batch["global"] = (token_type_ids == 0).long() * attention_mask
        return SequenceClassifierOutput(logits=self.recipe.scores(batch))


class CrossEncoderScores:
    """Of CrossEncoder around the checkpoint's own encoder, or around Longformer of transformers."""

    def __init__(self, folder: str, pairs: list[tuple[str, str]], longformer: bool = False):
        self.encoder, self.pairs = CrossEncoder(folder, device="cpu"), pairs
        if longformer:
            self.encoder[0].model = LongformerScores(self.encoder[0].model)

    def score(self) -> tuple[np.ndarray, float]:
        return with_processor_seconds(lambda: self.encoder.predict(self.pairs, activation_fn=torch.nn.Identity()))


class FlagScores:
    """Of FlagEmbedding's reranker, in a process of its own; see `flag_scorer`."""

    def __init__(self, python: str, folder: str, pairs: list[tuple[str, str]]):
        path = Path(folder) / "pairs.json"
        path.write_text(json.dumps(pairs), encoding="utf-8")
        program = [python, str(Path(__file__).with_name("flag_scorer.py")), folder, str(path)]
        with without_package():
            self.child = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()  # that it is ready: what it loads is no part of a turn

    def _answer(self) -> dict:
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError("FlagEmbedding must answer, got the end of its process. See what it wrote above.")
        return json.loads(answer)

    def score(self) -> tuple[np.ndarray, float]:
        self.child.stdin.write("score\n")
        self.child.stdin.flush()
        found = self._answer()
        return np.array(found["scores"], dtype=np.float32), found["processor"]


def rerankers_of(folder: str) -> dict[str, Reranker]:
    """Ours in every precision; cutting what is longer than the model, as the others do."""
    options = {"device": "cpu", "long_documents": "firstp"}
    names = ("float32", "auto", "int8") if native_bf16("cpu") else ("float32", "int8")
    return {dtype: Reranker.from_pretrained(folder, dtype, **options) for dtype in names}


def sides_of(
    folder: str, pairs: list[tuple[str, str]], budgets: list[int], longformer: bool, flag: str | None
) -> dict[str, Side]:
    """The others and ours; or with budgets, ours alone with each."""

    def ours(reranker: Reranker, budget: int | None = None) -> Side:
        return Side(lambda: with_processor_seconds(lambda: reranker.score(pairs, budget, show_progress=False)))

    rerankers = rerankers_of(folder)
    if budgets:
        return {f"{dtype} {budget}": ours(rerankers[dtype], budget) for budget in budgets for dtype in rerankers}
    sides = {"CrossEncoder": Side(partial(Apart(CrossEncoderScores, folder, pairs), "score"))}
    if longformer:
        longformers = Apart(CrossEncoderScores, folder, pairs, True)
        sides["CrossEncoder, Longformer"] = Side(partial(longformers, "score"))
    if flag:
        sides["FlagEmbedding"] = Side(FlagScores(flag, folder, pairs).score)
    return sides | {dtype: ours(reranker) for dtype, reranker in rerankers.items()}


def table(speedups: dict[str, dict[str, dict[str, float]]], pairs: int, layers: int) -> list[dict[str, object]]:
    """The rows of the table of all benchmarks: our precisions against every other loop."""
    targets = {"float32": 1.7, "auto": 4.0, "int8": 5.0}
    names = {"float32": "float32", "auto": "bfloat16", "int8": "int8"}
    return [
        row(
            f"reranking {pairs:,} pairs in {names[dtype]}, {layers} layers",
            f"{other} in float32",
            speedup["median"],
            targets[dtype],
            (speedup["min"], speedup["max"]),
        )
        for other, of_dtypes in speedups.items()
        for dtype, speedup in of_dtypes.items()
    ]


def main() -> None:
    """Scores in turns, then compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--longformer", action="store_true", help="also CrossEncoder around transformers' Longformer")
    parser.add_argument("--flag-embedding", metavar="PYTHON", help="of an environment with FlagEmbedding")
    parser.add_argument("--trained", help="trained reranker, for tau alone")
    parser.add_argument("--jsonl", type=Path, nargs="*", default=[])
    parser.add_argument("--budgets", type=int, nargs="*", default=[])
    arguments = parser.parse_args()
    words, documents = make_texts(arguments.jsonl, arguments.pairs)
    queries = [" ".join(text.split()[:QUERY_WORDS]) for text in documents[::DOCUMENTS_PER_QUERY]]
    pairs = [(queries[index // DOCUMENTS_PER_QUERY], document) for index, document in enumerate(documents)]
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), arguments.layers, words, documents)
        sides = sides_of(folder, pairs, arguments.budgets, arguments.longformer, arguments.flag_embedding)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokens = [len(ids) for ids in tokenizer([list(pair) for pair in pairs], truncation=True)["input_ids"]]
        seconds = interleaved(sides, arguments.repeats)
    processor = {name: side.processor[-arguments.repeats :] for name, side in sides.items()}  # without the warm-up
    result = {
        "question": "pairs per second, against CrossEncoder.predict with the same weights",
        "layers": arguments.layers,
        "pairs": len(pairs),
        "tokens": {"sum": sum(tokens), "median": int(np.median(tokens)), "longest": max(tokens)},
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "processor_seconds": {name: summary(values) for name, values in processor.items()},
        "pairs_per_second": {name: len(pairs) / summary(values)["median"] for name, values in seconds.items()},
    }
    if arguments.budgets:
        print(json.dumps(result, indent=2))
        return
    scores = {name: side.scores for name, side in sides.items()}
    ours = [name for name in sides if name in ("float32", "auto", "int8")]
    others = [name for name in sides if name not in ours]
    result["scores"] = {
        "deviation": float(scores["float32"].std()),
        "largest difference in float32": {
            name: float(np.abs(scores[name] - scores["float32"]).max()) for name in others
        },
    }
    taus = {"random": scores}
    if arguments.trained:
        rerankers = rerankers_of(arguments.trained)
        taus["trained"] = {name: reranker.score(pairs, show_progress=False) for name, reranker in rerankers.items()}
    result["tau with float32"] = {
        weights: {name: mean_tau(found["float32"], found[name]) for name in ours if name != "float32"}
        for weights, found in taus.items()
    }
    result["speedup"] = {other: {name: ratios(seconds[other], seconds[name]) for name in ours} for other in others}
    result["speedup, processor"] = {
        other: {name: ratios(processor[other], processor[name]) for name in ours} for other in others
    }
    result["table"] = table(result["speedup"], len(pairs), arguments.layers)
    write("reranking_peers" if len(others) > 1 else "reranking", result)


if __name__ == "__main__":
    main()
