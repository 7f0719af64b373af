"""What share of the time are matrix products, were each as fast as torch's plain product of the same shapes?

Every product of one run is recorded with its shapes, those inside of attention and of the gradient too; then products
of the same shapes and number, on other numbers, are timed in turns with the run itself: seconds of the plain products
through seconds of the whole run, which has everything else in it: tokenizing, embeddings, softmax, norms, dropout, and
AdamW over all parameters. Above 1 our products are faster than torch's plain ones.

- reranking: `Reranker.score` in float32;
- pretraining: steps of the released shape (12 layers, 105,879 words) on sections of real lengths, in float32.

  python -m benchmarks.utilisation [--pairs 4] [--layers 12] [--rank-pairs 16] [--repeats 5]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.measure import interleaved, ratios, row, summary, write
from benchmarks.pretraining_step import Ours, make_batch, section_lengths
from benchmarks.reranking import QUERY_WORDS, make_texts, save_checkpoint
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

Shape = tuple[tuple[int, ...], tuple[int, ...]]
# Operators and the places of their two factors; of a linear layer the second is the weight, outputs first.
PRODUCTS = {"mm": (0, 1), "addmm": (1, 2), "bmm": (0, 1), "baddbmm": (1, 2)}
LINEAR = ("_linear_pointwise", "linear")
TARGETS = {"reranking": 0.7, "pretraining step": 0.6}


class Products(TorchDispatchMode):
    """Counts the shapes of all products inside: `(rows, inner)` and `(inner, columns)`, or those of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: Counter[Shape] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = func.overloadpacket.__name__
        if name in PRODUCTS:
            first, second = (tuple(args[place].shape) for place in PRODUCTS[name])
            self.shapes[first, second] += 1
        elif name in LINEAR:
            rows, weight = args[0].flatten(0, -2), args[1]
            self.shapes[tuple(rows.shape), tuple(weight.t().shape)] += 1
        elif "scaled_dot_product" in name:
            backward = "backward" in name
            self._attention(*args[backward : 3 + backward], backward)  # its first argument is the gradient
        return func(*args, **(kwargs or {}))

    def _attention(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, backward: bool) -> None:
        query, key, value = (states.flatten(0, 1) for states in (query, key, value))
        scores = (*query.shape[:2], key.shape[1])
        # Forward scores and output; backward the gradients of probabilities and queries, in the same shapes.
        self.shapes[tuple(query.shape), tuple(key.transpose(1, 2).shape)] += 1
        self.shapes[scores, tuple(value.shape)] += 1
        if backward:  # those of keys and values
            self.shapes[(scores[0], scores[2], scores[1]), tuple(query.shape)] += 2


def plain(shapes: Counter[Shape]) -> Callable[[], None]:
    """Products of these shapes by `torch.mm` and `torch.bmm`; a shape's operands are laid out as a layer's are."""
    operands = {
        shape: (torch.randn(shape[0]), torch.randn(*shape[1][:-2], shape[1][-1], shape[1][-2]).transpose(-1, -2))
        for shape in shapes
    }

    def run() -> None:
        with torch.inference_mode():
            for shape, count in shapes.items():
                product = torch.mm if len(shape[0]) == 2 else torch.bmm
                for _ in range(count):
                    product(*operands[shape])

    return run


def flops(shapes: Counter[Shape]) -> float:
    """Operations of all, two for a multiplication with its addition."""
    total = 0.0
    for (first, second), count in shapes.items():
        batch = first[0] if len(first) == 3 else 1
        total += 2.0 * count * batch * first[-2] * first[-1] * second[-1]
    return total


def reranking(layers: int, pairs: int) -> Callable[[], object]:
    """One ranking of documents of real lengths."""
    words, documents = make_texts([], pairs)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder), layers, words, documents)
        reranker = Reranker.from_pretrained(folder, "float32", device="cpu", long_documents="firstp")
    query = " ".join(documents[0].split()[:QUERY_WORDS])
    return lambda: reranker.score([(query, document) for document in documents], show_progress=False)


def pretraining(layers: int, pairs: int) -> Callable[[], None]:
    """One QLM step and one RR step, as the trainers run them."""
    torch.manual_seed(0)
    config = BertLongConfig(num_hidden_layers=layers)
    model = BertLongForXLRetrieval(config).train()
    ours = Ours(model)
    batch = make_batch(section_lengths([], pairs, seed=0), None, 1024, config.vocab_size, seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, fused=True)

    def steps() -> None:
        for objective in (ours.qlm, ours.rr):
            with kept_memory(model):
                with fast_linear(model):
                    objective(batch).backward()
                optimizer.step()
                optimizer.zero_grad()

    return steps


def measure(run: Callable[[], object], repeats: int) -> dict:
    """The run, and its products alone, in turns."""
    with Products() as products:
        run()
    seconds = interleaved({"run": run, "plain products": plain(products.shapes)}, repeats, untimed=1)
    return {
        "seconds": {name: summary(values) for name, values in seconds.items()},
        "gflop": flops(products.shapes) / 1e9,
        "gflop_per_second": {
            name: flops(products.shapes) / 1e9 / summary(values)["median"] for name, values in seconds.items()
        },
        "utilisation": ratios(seconds["plain products"], seconds["run"]),
    }


def main() -> None:
    """Measures both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4, help="pairs of a step")
    parser.add_argument("--rank-pairs", type=int, default=16, help="pairs to rank")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    result: dict = {
        "question": "time of plain products of the same shapes as a share of the time of the run",
        "layers": arguments.layers,
        "reranking": measure(reranking(arguments.layers, arguments.rank_pairs), arguments.repeats),
        "pretraining step": measure(pretraining(arguments.layers, arguments.pairs), arguments.repeats),
    }
    result["table"] = [
        row(f"utilisation, {name}, fp32", "plain products of the same shapes", used["median"], target, spread)
        for name, target in TARGETS.items()
        for used in (result[name]["utilisation"],)
        for spread in ((used["min"], used["max"]),)
    ]
    write("utilisation", result)


if __name__ == "__main__":
    main()
