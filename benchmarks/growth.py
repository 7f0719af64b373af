"""How does the time grow: with the length of an input, with the number of documents to rank?

The slope of the line through the logarithms: 1 is proportional. Lengths: one layer of 768, 32 global tokens, forward
and with the gradient. Documents: `Reranker.score` on documents of one distribution of lengths, a small encoder.

  python -m benchmarks.growth [--lengths 512 1024 2048 4096 8192 16384] [--documents 100 1000 10000] [--repeats 5]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.encoder import forward_of
from benchmarks.measure import interleaved, row, summary, write
from benchmarks.reranking import make_texts, save_checkpoint
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.modeling_bert_long import BertLongModel

TOKENS = 4096  # of a turn, at least


def slope(sizes: list[int], seconds: list[float]) -> float:
    """Of the least-squares line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def growth(turns: dict[int, list[float]]) -> dict:
    """Seconds of every size, the slope of their medians, and the smallest and largest slope of a turn."""
    sizes, seconds = list(turns), {size: summary(values) for size, values in turns.items()}
    of_turns = [slope(sizes, list(values)) for values in zip(*turns.values(), strict=True)]
    medians = slope(sizes, [found["median"] for found in seconds.values()])
    return {"seconds": seconds, "slope": medians, "slope of turns": {"min": min(of_turns), "max": max(of_turns)}}


def by_length(lengths: list[int], repeats: int, backward: bool) -> dict:
    """Seconds of one input of every length; lengths take turns."""
    torch.manual_seed(0)
    config = BertLongConfig(vocab_size=1000, num_hidden_layers=1, max_position_embeddings=max(lengths))
    model = BertLongModel(config, add_pooling_layer=False).train(backward)

    def call(length: int) -> Callable[[], None]:
        forward = forward_of("ours", model, torch.randint(5, 1000, (1, length)))

        def run() -> None:
            with kept_memory(model), fast_linear(model), torch.set_grad_enabled(backward):
                for _ in range(max(1, TOKENS // length)):
                    states = forward()
                    if backward:
                        states.square().mean().backward()

        return run

    turns = interleaved({str(length): call(length) for length in lengths}, repeats, untimed=1)
    return growth({n: [value / max(1, TOKENS // n) for value in turns[str(n)]] for n in lengths})


def by_documents(counts: list[int], repeats: int) -> dict:
    """Seconds of one ranking of every size; small ones are repeated to fill a turn."""
    words, documents = make_texts([], max(counts))
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), layers=1, words=words, documents=documents, hidden=128)
        reranker = Reranker.from_pretrained(folder, "float32", device="cpu")
    order = np.random.default_rng(0).permutation(len(documents))
    pairs = [("six words that ask for something", documents[index]) for index in order]
    for count in counts:  # tokenizer and allocator warm
        reranker.score(pairs[:count], show_progress=False)
    times = {count: max(1, 1000 // count) for count in counts}
    sides = {
        str(count): lambda n=count: [reranker.score(pairs[:n], show_progress=False) for _ in range(times[n])]
        for count in counts
    }
    turns = interleaved(sides, repeats, warmup=0)
    return growth({n: [value / times[n] for value in turns[str(n)]] for n in counts})


def main() -> None:
    """Measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192, 16384])
    parser.add_argument("--documents", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    result = {
        "question": "growth of the time with length and with the number of documents; 1 is proportional",
        "length, forward": by_length(arguments.lengths, arguments.repeats, backward=False),
        "length, step": by_length(arguments.lengths, arguments.repeats, backward=True),
        "documents": by_documents(arguments.documents, arguments.repeats),
    }
    result["table"] = [
        row(
            f"growth with {what}",
            "proportional, 1 / slope",
            1 / measured["slope"],
            1 / 1.08,
            (1 / measured["slope of turns"]["max"], 1 / measured["slope of turns"]["min"]),
        )
        for what, measured in result.items()
        if isinstance(measured, dict)
    ]
    write("growth", result)


if __name__ == "__main__":
    main()
