"""What does a GPU reach: in pretraining, against the released recipe, in reranking, and in the length of a row?

Everything in bfloat16, by autocast in training; sides take turns, and every call waits for the device.

- Steps of query language modeling, AdamW, fused, in rows without padding; longer rows are fewer, so that a step has as
  many tokens. Utilisation is what `benchmarks.work` counts for the tokens of a step, through the step's time and the
  peak of the data sheet for dense bfloat16; once with dropout as in pretraining, once without that of attention's
  probabilities. Of one step, the kernels with the most time. Where it runs out of memory it gets half as many rows.
- A smaller step, and the same by the released recipe (`benchmarks.pretraining_step.Recipe`): Longformer as in
  transformers, the whole vocabulary at every position. It pads to the maximum length, which full rows do not show.
  Where it runs out of memory both sides get half as many rows.
- Reranking: `Reranker` against `CrossEncoder.predict` with a dense BERT of the same shape and sdpa, weights random,
  from texts, each with its own default batches.
- The longest row that trains, with and without activation checkpointing: doubled until memory ends, then bisected to a
  sixteenth. Positions are as many as tokens; two steps, as the first has no state of the optimizer yet.

Without CUDA it measures nothing. `--device cpu` runs the same code, for a test of it, and prints what it would write.

  python -m benchmarks.gpu [--peak TFLOPS] [--batch 256] [--recipe-batch 64] [--pairs 256] [--repeats 5]
  python -m benchmarks.gpu --device cpu --layers 1 --hidden 64 --batch 1 --recipe-batch 1 --lengths 128 --pairs 2
                           --pair-lengths 128 --longest 256 --repeats 1
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from benchmarks.measure import interleaved, ratios, row, summary, write
from benchmarks.pretraining_step import QUERY_TOKENS, Ours, Recipe, make_batch
from benchmarks.reranking import QUERY_WORDS, SPECIAL, make_texts
from benchmarks.work import H200_PEAK, training_operations
from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

KERNELS = 30
PARTS = 16  # how fine the longest row is found
FIRST_LONG_ROW = 1 << 16
NO_ROOM = "does not fit"


class Shape:
    """Layers and width of all models, and the device they run on. Heads have 64."""

    def __init__(self, device: torch.device, layers: int, hidden: int):
        self.device = device
        self.sizes = {"num_hidden_layers": layers, "hidden_size": hidden}
        self.sizes |= {"num_attention_heads": hidden // 64, "intermediate_size": 4 * hidden}

    def model(self, longest: int, **kwargs: Any) -> BertLongForXLRetrieval:
        """Our model of random weights, with `longest` positions; `kwargs` are of the configuration."""
        torch.manual_seed(0)
        config = BertLongConfig(**self.sizes, max_position_embeddings=longest, **kwargs)
        with self.device:
            return BertLongForXLRetrieval(config)

    def full_rows(self, rows: int, length: int, vocabulary: int) -> dict[str, torch.Tensor]:
        """Pairs without padding, `(rows, length)` each, on the device."""
        batch = make_batch([length - QUERY_TOKENS - 3] * rows, length, length, vocabulary, seed=1)
        return {name: values.to(self.device) for name, values in batch.items()}


class Training:
    """Steps of query language modeling: `module` is what is trained, `side.qlm` the loss of a batch."""

    def __init__(self, module: torch.nn.Module, side: Ours | Recipe):
        self.side = side
        self.optimizer = torch.optim.AdamW(module.train().parameters(), 1e-5, weight_decay=0.0, fused=True)

    def step(self, batch: dict[str, torch.Tensor]) -> None:
        """One step, done when it returns."""
        device = batch["ids"].device
        with torch.autocast(device.type, torch.bfloat16):
            loss = self.side.qlm(batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)


def free_memory() -> None:
    """Of what nothing refers to any more."""
    gc.collect()
    torch.cuda.empty_cache()


def fits(call: Callable[[], object]) -> bool:
    """Whether it runs without running out of memory."""
    try:
        call()
        done = True
    except RuntimeError as error:  # not of one class: libraries and kernels have their own words for it
        if not re.search("out of memory|ALLOC_FAILED", str(error)):
            raise
        done = False
    free_memory()
    return done


def summaries(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Of every side."""
    return {name: summary(values) for name, values in seconds.items()}


def recipe_of(shape: Shape, model: BertLongForXLRetrieval) -> Recipe:
    """The recipe on the device; its own code makes the positions on the processor."""
    recipe = Recipe(model).to(shape.device)

    def move(module: torch.nn.Module, given: tuple, named: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        return given, named | {"position_ids": named["position_ids"].to(shape.device)}

    recipe.longformer.longformer.register_forward_pre_hook(move, with_kwargs=True)
    return recipe


def profile(step: Callable[[], object], cuda: bool) -> dict[str, Any]:
    """The kernels with the most time, or on a processor operators: name, milliseconds, share, calls; and all of it."""
    with torch.profiler.profile(activities=[ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * cuda]) as found:
        step()
    name = "self_device_time_total" if cuda else "self_cpu_time_total"
    wanted = DeviceType.CUDA if cuda else DeviceType.CPU
    # What spans kernels, as the optimizer's step, has a row of its own beside theirs: counted once.
    events = [of for of in found.key_averages() if of.device_type == wanted and not of.key.startswith("Optimizer")]
    times = sorted(((getattr(of, name), of.key[:120], of.count) for of in events), reverse=True)
    total = sum(time for time, _, _ in times) or 1.0  # nothing where the driver keeps its counters to itself
    rows = [f"{key}: {time / 1000:.2f} ms, {time / total:.1%}, {count} calls" for time, key, count in times[:KERNELS]]
    return {"milliseconds": total / 1000, "most": rows}


def most_rows(rows: int, call: Callable[[int], object]) -> int:
    """So many rows, or half as many as often as it takes until the call fits; 0 where one does not."""
    while rows and not fits(partial(call, rows)):
        rows //= 2
    return rows


def steps(
    shape: Shape, lengths: list[int], batch: int, recipe_batch: int, repeats: int, peak: float
) -> dict[str, Any]:
    """Utilisation of `peak` operations a second, and speed, by length; batches are rows of the shortest."""
    model = shape.model(max(lengths))
    recipe = recipe_of(shape, model)
    ours, theirs = Training(model, Ours(model)), Training(recipe, recipe)
    sides, config = {"ours": ours, "recipe": theirs}, model.config
    sizes = config.num_hidden_layers, config.hidden_size, config.attention_window
    a_token = training_operations(*sizes, global_tokens=QUERY_TOKENS + 2)
    found: dict[str, Any] = {"operations_of_a_token": a_token, "lengths": {}}
    for length in lengths:
        part: dict[str, Any] = {}
        both: dict[str, list[float]] = {}

        def batch_of(rows: int, length: int = length) -> dict[str, torch.Tensor]:
            return shape.full_rows(rows, length, config.vocab_size)

        def compare(rows: int, into: dict[str, list[float]] = both) -> None:
            given = batch_of(rows)
            into |= interleaved({name: partial(side.step, given) for name, side in sides.items()}, repeats)

        rows = most_rows(max(1, batch * min(lengths) // length), lambda rows: ours.step(batch_of(rows)))
        if not rows:
            raise RuntimeError(f"a row of {length:,} tokens must fit on the device, got none. Take shorter --lengths.")
        part["rows"], given = rows, batch_of(rows)
        for name, dropout in (("without dropout of attention", 0.0), ("ours", config.attention_probs_dropout_prob)):
            for layer in model.bert.encoder.layer:
                layer.attention.self.dropout_prob = dropout
            seconds = interleaved({"ours": partial(ours.step, given)}, repeats, warmup=2)["ours"]
            part[name] = {
                "seconds": summary(seconds),
                "tokens_per_second": rows * length / summary(seconds)["median"],
                "utilisation": summary([a_token * rows * length / value / peak for value in seconds]),
            }
        part["kernels"] = profile(partial(ours.step, given), shape.device.type == "cuda")
        found["lengths"][length] = part
        rows = most_rows(max(1, recipe_batch * min(lengths) // length), compare)
        part["against the recipe"] = NO_ROOM
        if rows:
            speedup = ratios(both["recipe"], both["ours"])
            part["against the recipe"] = {"rows": rows, "seconds": summaries(both), "speedup": speedup}
    return found


def rerankers(shape: Shape, longest: int) -> tuple[list[str], Reranker, CrossEncoder]:
    """Words of one token each; ours and theirs, for pairs of up to `longest` tokens."""
    words = sorted(make_texts([], 1)[0])
    vocabulary = {piece: index for index, piece in enumerate(SPECIAL + words)}
    tokenizer = BertTokenizer(vocab=vocabulary, model_max_length=longest)
    model = shape.model(longest, vocab_size=len(vocabulary), sep_token_id=vocabulary["[SEP]"]).to(torch.bfloat16)
    ours = Reranker(model, tokenizer)
    config = BertConfig(**shape.sizes, vocab_size=len(vocabulary), max_position_embeddings=longest, num_labels=1)
    kwargs = {"dtype": torch.bfloat16, "attn_implementation": "sdpa"}
    with tempfile.TemporaryDirectory() as folder:
        BertForSequenceClassification(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return words, ours, CrossEncoder(folder, device=str(shape.device), model_kwargs=kwargs)


def reranking(shape: Shape, lengths: list[int], pairs: int, repeats: int) -> dict[int, Any]:
    """Pairs a second, by their length in tokens."""
    words, ours, encoder = rerankers(shape, max(lengths))
    rng, found = np.random.default_rng(0), {}
    for length in lengths:
        counts = [QUERY_WORDS] + [length - QUERY_WORDS - 3] * pairs
        query, *documents = (" ".join(rng.choice(words, count)) for count in counts)
        texts = [(query, document) for document in documents]
        sides = {
            "ours": partial(ours.score, texts, show_progress=False),
            "CrossEncoder": partial(encoder.predict, texts, activation_fn=torch.nn.Identity()),
        }
        seconds = interleaved(sides, repeats)
        found[length] = {
            "pairs": pairs,
            "seconds": summaries(seconds),
            "pairs_per_second": {name: pairs / summary(values)["median"] for name, values in seconds.items()},
            "speedup": ratios(seconds["CrossEncoder"], seconds["ours"]),
        }
    return found


def train_row(shape: Shape, checkpointing: bool, length: int) -> None:
    """Two steps of a new model on one row."""
    model = shape.model(length)
    if checkpointing:
        model.gradient_checkpointing_enable()
    training, batch = Training(model, Ours(model)), shape.full_rows(1, length, model.config.vocab_size)
    for _ in range(2):
        training.step(batch)


def longest_row(train: Callable[[int], None], first: int, bound: int) -> dict[str, object]:
    """The longest that fits: `first` doubled, at most to `bound`, then bisected to a sixteenth; 0 if none does."""
    most, length = 0, first
    while length <= bound and fits(partial(train, length)):
        most, length = length, 2 * length
    bounded = length > bound
    while not bounded and length - most > length // PARTS:
        middle = (most + length) // 2
        most, length = (middle, length) if fits(partial(train, middle)) else (most, middle)
    return {"tokens": most, "bounded": bounded}


def table(steps: dict[int, Any], reranking: dict[int, Any], on: str) -> list[dict[str, object]]:
    """The rows of the table of all benchmarks, from both by length."""
    found = []
    for length, part in steps.items():
        question, both = f"utilisation in a QLM step of {part['rows']} x", part["against the recipe"]
        found.append((question, length, "the data sheet", part["ours"]["utilisation"], 0.45))
        if both != NO_ROOM:
            found.append((f"one QLM step of {both['rows']} x", length, "the released recipe", both["speedup"], 4.0))
    for length, part in reranking.items():
        question = f"reranking {part['pairs']:,} pairs of"
        found.append((question, length, "CrossEncoder, dense BERT", part["speedup"], 1.5))
    return [
        row(f"{what} {length:,} tokens, bf16, {on}", against, of["median"], target, (of["min"], of["max"]))
        for what, length, against, of, target in found
    ]


def main() -> None:
    """Measures one part after the other; each is on standard error when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", type=torch.device, help="cpu for a test of the code")
    parser.add_argument("--peak", type=float, metavar="TFLOPS", help="dense bf16; 989 for H100 and H200 with SXM")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--batch", type=int, default=256, help="rows of a step, of the shortest")
    parser.add_argument("--recipe-batch", type=int, default=64, help="the same, where it is compared with the recipe")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1024, 4096], help="tokens of a row")
    parser.add_argument("--pairs", type=int, default=256, help="pairs to rerank")
    parser.add_argument("--pair-lengths", type=int, nargs="+", default=[512, 1024, 4096], help="tokens of a pair")
    parser.add_argument("--longest", type=int, default=1 << 20, help="longest row to try")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    device, cuda = arguments.device, arguments.device.type == "cuda"
    if cuda and not torch.cuda.is_available():
        print("not measured: torch sees no GPU")
        return
    on = torch.cuda.get_device_name(device) if cuda else "a processor"
    if cuda and arguments.peak is None and (not re.search("H[12]00", on) or re.search("PCIe|NVL|MIG", on)):
        parser.error(f"--peak must be given for {on}, got none. Take it from the data sheet, without sparsity.")
    peak = H200_PEAK if arguments.peak is None else arguments.peak * 1e12
    shape = Shape(device, arguments.layers, arguments.hidden)
    result: dict[str, Any] = {"question": "utilisation and speed of a GPU, bf16", "device": on, "peak": peak}
    result |= {"torch": torch.__version__, **shape.sizes}

    def measure(name: str, part: Callable[..., dict], *given: object) -> None:
        result[name] = part(*given)
        free_memory()
        print(name, json.dumps(result[name]), file=sys.stderr)

    measure("reranking", reranking, shape, arguments.pair_lengths, arguments.pairs, arguments.repeats)
    measure("steps", steps, shape, arguments.lengths, arguments.batch, arguments.recipe_batch, arguments.repeats, peak)
    for name, checkpointing in (("longest row", False), ("longest row, checkpointed", True)):
        train = partial(train_row, shape, checkpointing)
        measure(name, longest_row, train, min(FIRST_LONG_ROW, arguments.longest), arguments.longest)
    result["table"] = table(result["steps"]["lengths"], result["reranking"], on)
    if cuda:
        write("gpu", result)
    else:
        result["note"] = "nothing is measured on a processor"
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
