"""How close to twice the throughput do two data-parallel processes of one thread each come?

  python -m benchmarks.processes [--layers 2] [--accumulate 4] [--length 224] [--turns 5]

Two processes take turns in one run: one trains alone while the other waits; both train without a word to each other,
which is what the machine gives to two processes that share its memory; both train data-parallel through
DistributedDataParallel and gloo. A step is `--accumulate` QLM batches of the long encoder, forward and backward, of
which the last one exchanges gradients, and the fused AdamW that trainers use.
"""

from __future__ import annotations

import argparse
import copy
import socket
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.distributed as dist
import torch.multiprocessing
from torch.nn.parallel import DistributedDataParallel

from benchmarks.measure import ratios, row, summary, write
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.heads import IGNORE_INDEX
from xlretrieval.modeling.modeling_bert_long import BertLongForXLRetrieval

SIDES = ("one process", "two apart", "two data-parallel")
TARGET = 0.85
QUERY = 32


def batch_of(arguments: argparse.Namespace, vocabulary: int, seed: int) -> dict[str, torch.Tensor]:
    """Pairs of full length, `(pairs, length)`, five masked tokens in each query."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1000, vocabulary, (arguments.pairs, arguments.length), generator=generator)
    labels = torch.full_like(ids, IGNORE_INDEX)
    labels[:, 1:6] = ids[:, 1:6]
    marks = torch.zeros_like(ids)
    marks[:, :QUERY] = 1
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "global_attention_mask": marks,
        "labels": labels,
    }


def heads_of(model: BertLongForXLRetrieval) -> list[torch.nn.Parameter]:
    """What QLM has no gradient for."""
    return [*model.classifier.parameters(), *model.bert.pooler.parameters()]


def steps(model: torch.nn.Module, batches: list[dict], heads: list) -> Callable[[], None]:
    """One optimizer step, as the pretraining trainer does it: the head without a loss gets a zero gradient."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        with kept_memory(model):
            for batch in batches:
                waits = isinstance(model, DistributedDataParallel) and batch is not batches[-1]
                with fast_linear(model), model.no_sync() if waits else nullcontext():
                    loss = model(**batch).loss + sum(0.0 * parameter.flatten()[0] for parameter in heads)
                    (loss / len(batches)).backward()
            optimizer.step()
            optimizer.zero_grad()

    return step


def measure(rank: int, arguments: argparse.Namespace, port: int) -> None:
    """What each of the two processes does; the first writes the result."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    config = BertLongConfig(
        num_hidden_layers=arguments.layers, vocab_size=arguments.vocabulary, max_position_embeddings=arguments.length
    )
    model = BertLongForXLRetrieval(config).train()
    batches = [
        batch_of(arguments, config.vocab_size, seed=2 * number + rank) for number in range(arguments.accumulate)
    ]
    alone = steps(model, batches, heads_of(model))
    twin = copy.deepcopy(model)  # the hooks of DistributedDataParallel stay out of the sides without it
    together = steps(DistributedDataParallel(twin), batches, heads_of(twin))
    calls = {"one process": alone if rank == 0 else None, "two apart": alone, "two data-parallel": together}
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for turn in range(1 + arguments.turns):
        for side in SIDES:
            dist.barrier()
            start = time.perf_counter()
            if calls[side] is not None:
                calls[side]()
            dist.barrier()  # a turn ends with its slower process
            if turn:
                seconds[side].append(time.perf_counter() - start)
    if rank == 0:
        report(arguments, seconds, sum(parameter.numel() for parameter in model.parameters()))
    dist.destroy_process_group()


def report(arguments: argparse.Namespace, seconds: dict[str, list[float]], parameters: int) -> None:
    """Writes efficiencies: throughput of two over twice that of one, which is the ratio of the seconds of a step."""
    efficiency = ratios(seconds["one process"], seconds["two data-parallel"])
    ceiling = ratios(seconds["one process"], seconds["two apart"])
    question = f"efficiency of two data-parallel processes, {arguments.layers} layers of 768, "
    pairs = arguments.accumulate * arguments.pairs
    question += f"{pairs} pairs of {arguments.length} tokens a process"
    tokens = pairs * arguments.length
    result = {
        "question": question,
        "parameters": parameters,
        "seconds": {side: summary(values) for side, values in seconds.items()},
        "tokens_per_second_of_one": tokens / summary(seconds["one process"])["median"],
        "efficiency": efficiency,
        "efficiency of two apart": ceiling,
        "share of two apart": ratios(seconds["two apart"], seconds["two data-parallel"]),
        "table": [
            row(question, "twice one process", efficiency["median"], TARGET, (efficiency["min"], efficiency["max"]))
        ],
    }
    write("processes", result)


def main() -> None:
    """Starts the two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=8, help="pairs of a process and step")
    parser.add_argument("--length", type=int, default=224, help="tokens of a row; real ones have 220")
    parser.add_argument("--vocabulary", type=int, default=105_879)
    parser.add_argument("--accumulate", type=int, default=4, help="batches of a step")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(measure, args=(arguments, port), nprocs=2)


if __name__ == "__main__":
    main()
