"""How fast is the encoder at each length, forward and with its gradient, and how does the time grow?

Sides, with the same weights: ours; Longformer of transformers (window and global attention); dense BERT with sdpa of
transformers. 32 query tokens are global. Sides take turns on one length; a turn has at least 4,096 tokens, so that a
short length is not timed on a few milliseconds. Outputs of ours and Longformer are compared first. With --bf16 all
sides train in mixed precision, and go forward with weights in bfloat16. Ours runs as the package's trainers and
rerankers run it: on processors with AVX512, rerankers lay weights out once. The others run as they do without this
package, in a process of their own.

  python -m benchmarks.encoder [--lengths 512 1024 2048 4096 8192] [--layers 1] [--repeats 5] [--tokens 4096] [--bf16]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

import numpy as np
import torch
from transformers import BertConfig, BertModel, LongformerConfig, LongformerModel

from benchmarks.apart import Apart
from benchmarks.measure import interleaved, ratios, row, summary, write
from xlretrieval.inference.batching import evaluating
from xlretrieval.inference.packed_linear import PackedLinears
from xlretrieval.inference.precision import native_bf16
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory
from xlretrieval.modeling.modeling_bert_long import BertLongModel

GLOBAL = 32
WINDOW = 512
# Longer ones take the dense encoder minutes, and say no more.
DENSE_UP_TO = {"forward": 8192, "step": 4096, "step with dropout": 2048}
SHARED = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act hidden_dropout_prob "
    "attention_probs_dropout_prob max_position_embeddings type_vocab_size layer_norm_eps pad_token_id"
).split()


def build_sides(layers: int, longest: int, dropout: float) -> dict[str, torch.nn.Module]:
    """The three encoders; weights that two of them have are equal."""
    torch.manual_seed(0)
    config = BertLongConfig(
        vocab_size=1000,
        num_hidden_layers=layers,
        max_position_embeddings=longest,
        attention_window=WINDOW,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        max_global_tokens=GLOBAL,
    )
    ours = BertLongModel(config)
    shared = {name: getattr(config, name) for name in SHARED}
    longformer = LongformerModel(LongformerConfig(**shared, sep_token_id=config.sep_token_id, attention_window=WINDOW))
    dense = BertModel(BertConfig(**shared), add_pooling_layer=False)
    for name, side in (("longformer", longformer), ("dense", dense)):
        missing = side.load_state_dict(ours.state_dict(), strict=False).missing_keys
        if missing := [key for key in missing if "position_ids" not in key]:
            raise RuntimeError(f"{name} lacks the weights {missing}")
    return {"ours": ours, "longformer": longformer, "dense": dense}


def forward_of(name: str, side: torch.nn.Module, ids: torch.Tensor) -> Callable[[], torch.Tensor]:
    """A call that gives the hidden states."""
    mask = torch.ones_like(ids)
    is_global = (torch.arange(ids.shape[1]) < GLOBAL).long().expand_as(ids)
    # HF's Longformer counts positions from the padding id; ours and BERT from 0.
    positions = {"position_ids": torch.arange(ids.shape[1]).expand_as(ids)} if name == "longformer" else {}
    marks = {} if name == "dense" else {"global_attention_mask": is_global}
    return lambda: side(input_ids=ids, attention_mask=mask, **marks, **positions).last_hidden_state


class Sides:
    """Encoders of one process; those of another one, built alike, have the same weights.

    Args:
        names: Which of them.
        layers: Layers of each.
        longest: Positions of each.
        dropout: Its probability, everywhere.
    """

    def __init__(self, names: tuple[str, ...], layers: int, longest: int, dropout: float):
        built = build_sides(layers, longest, dropout)
        self.sides = {name: built[name].eval() for name in names}
        self.backward, self.bf16 = False, False
        self.linears: PackedLinears | None = None

    def states(self, name: str, length: int) -> np.ndarray:
        """What an encoder makes of two rows, `(2, length, hidden)`."""
        ids = torch.randint(5, 1000, (2, length), generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            return forward_of(name, self.sides[name], ids)().numpy()

    def prepare(self, backward: bool, bf16: bool) -> None:
        """For `run`: whether with gradients; whether in bfloat16, with gradients in mixed precision."""
        self.backward, self.bf16 = backward, bf16
        for side in self.sides.values():
            side.train(backward)
            if bf16 and not backward:
                side.bfloat16()
        if "ours" in self.sides and not backward:
            self.linears = PackedLinears(self.sides["ours"])

    @contextmanager
    def used(self, name: str) -> Iterator[None]:
        """A context in which a side trains, or scores without gradients: ours as the package does both."""
        side, ours = self.sides[name], name == "ours"
        with ExitStack() as stack:
            if self.backward:
                stack.enter_context(torch.autocast("cpu", torch.bfloat16, enabled=self.bf16))
                stack.enter_context(kept_memory(side) if ours else nullcontext())
                stack.enter_context(fast_linear(side) if ours else nullcontext())
            elif ours:
                stack.enter_context(evaluating(side))
                stack.enter_context(self.linears.serve())
            else:
                stack.enter_context(torch.inference_mode())
            yield

    def run(self, name: str, length: int, times: int) -> None:
        """One turn: an input of this length, several times."""
        generator = torch.Generator().manual_seed(length)
        forward = forward_of(name, self.sides[name], torch.randint(5, 1000, (1, length), generator=generator))
        with self.used(name):
            for _ in range(times):
                states = forward()
                if self.backward:
                    states.float().square().mean().backward()


def measure_length(
    calls: dict[str, Callable[[str, int, int], object]], length: int, arguments: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of each side for one input of this length; `calls` are their `run`."""
    times = max(1, arguments.tokens // length)
    turns = {name: partial(run, name, length, times) for name, run in calls.items()}
    seconds = interleaved(turns, arguments.repeats)
    return {name: [value / times for value in values] for name, values in seconds.items()}


def table_rows(result: dict, precision: str) -> Iterator[dict]:
    """Every length against Longformer; against the dense encoder from 1,024 tokens with dropout, 2,048 without."""
    for what in DENSE_UP_TO:
        for length, measured in result[what]["lengths"].items():
            targets = {"longformer": 1.4 if precision == "bf16" else 1.15}
            if length >= (1024 if "dropout" in what else 2048) and "speedup over dense" in measured:
                targets["dense"] = 1.0
            for peer, target in targets.items():
                speedup = measured[f"speedup over {peer}"]
                spread = speedup["min"], speedup["max"]
                question = f"encoder, {what}, {length} tokens, {precision}"
                yield row(question, peer, speedup["median"], target, spread)


def main() -> None:
    """Measures every length and fits the growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192])
    parser.add_argument("--layers", type=int, default=1, help="the ratios are those of layers, which are all alike")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=4096, help="of a turn, at least: short inputs are repeated")
    parser.add_argument("--bf16", action="store_true", help="in bfloat16, all sides")
    arguments = parser.parse_args()
    if arguments.bf16 and not native_bf16("cpu"):
        print("not measured: this processor has no instructions for bfloat16")
        return
    longest = max(arguments.lengths)
    result: dict = {
        "question": "encoder by length against Longformer and dense BERT, same weights",
        "precision": "bf16" if arguments.bf16 else "fp32",
        "layers": arguments.layers,
        "window": WINDOW,
        "global_tokens": GLOBAL,
    }
    for what, backward, dropout in (("forward", False, 0.0), ("step", True, 0.0), ("step with dropout", True, 0.1)):
        ours = Sides(("ours",), arguments.layers, longest, dropout)
        with Apart(Sides, ("longformer", "dense"), arguments.layers, longest, dropout) as peers:
            if not backward:
                states = ours.states("ours", min(1024, longest)), peers("states", "longformer", min(1024, longest))
                result["largest_difference"] = float(np.abs(states[0] - states[1]).max())
            ours.prepare(backward, arguments.bf16)
            peers("prepare", backward, arguments.bf16)
            rows = {}
            for length in arguments.lengths:
                calls = {"ours": ours.run, "longformer": partial(peers, "run")}
                if length <= DENSE_UP_TO[what]:
                    calls["dense"] = partial(peers, "run")
                seconds = measure_length(calls, length, arguments)
                rows[length] = {"seconds": {name: summary(values)["median"] for name, values in seconds.items()}} | {
                    f"speedup over {name}": ratios(seconds[name], seconds["ours"]) for name in calls if name != "ours"
                }
        medians = [rows[length]["seconds"]["ours"] for length in arguments.lengths]
        slope = float(np.polyfit(np.log(arguments.lengths), np.log(medians), 1)[0]) if len(medians) > 1 else None
        result[what] = {"lengths": rows, "exponent": slope}
    result["table"] = list(table_rows(result, precision="bf16" if arguments.bf16 else "fp32"))
    write("encoder_bf16" if arguments.bf16 else "encoder", result)


if __name__ == "__main__":
    main()
