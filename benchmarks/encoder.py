"""How fast is the encoder at each length, forward and with its gradient, and how does the time grow?

Sides, with the same weights: ours; Longformer of transformers (window and global attention); dense BERT with sdpa of
transformers. 32 query tokens are global. Sides take turns on one length; every length has as many tokens in all as the
longest, so that a short length is not timed on a few milliseconds. Outputs of ours and Longformer are compared first.

  python -m benchmarks.encoder [--lengths 512 1024 2048 4096 8192] [--layers 2] [--repeats 5] [--bf16]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from transformers import BertConfig, BertModel, LongformerConfig, LongformerModel

from benchmarks.measure import interleaved, ratios, summary, write
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.modeling_bert_long import BertLongModel

GLOBAL = 32
WINDOW = 512
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


def measure_length(
    sides: dict[str, torch.nn.Module], length: int, tokens: int, repeats: int, bf16: bool, backward: bool
) -> dict[str, list[float]]:
    """Seconds of each side at one length."""
    generator = torch.Generator().manual_seed(length)
    ids = torch.randint(5, 1000, (1, length), generator=generator)
    times = max(1, tokens // length)

    def call(name: str) -> Callable[[], None]:
        forward = forward_of(name, sides[name], ids)

        def run() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16), torch.set_grad_enabled(backward):
                for _ in range(times):
                    states = forward()
                    if backward:
                        states.float().square().mean().backward()

        return run

    return interleaved({name: call(name) for name in sides}, repeats)


def largest_difference(sides: dict[str, torch.nn.Module], length: int) -> float:
    """Between ours and Longformer, in evaluation mode."""
    ids = torch.randint(5, 1000, (2, length), generator=torch.Generator().manual_seed(0))
    for side in sides.values():
        side.eval()
    with torch.no_grad():
        ours, theirs = (forward_of(name, sides[name], ids)() for name in ("ours", "longformer"))
    return (ours - theirs).abs().max().item()


def main() -> None:
    """Measures every length and fits the growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192])
    parser.add_argument("--layers", type=int, default=2, help="the ratios are those of layers, which are all alike")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16, all sides")
    arguments = parser.parse_args()
    longest = max(arguments.lengths)
    result: dict = {
        "question": "encoder by length against Longformer and dense BERT, same weights",
        "precision": "bf16" if arguments.bf16 else "fp32",
        "layers": arguments.layers,
        "window": WINDOW,
        "global_tokens": GLOBAL,
    }
    for what, backward, dropout in (("forward", False, 0.0), ("step", True, 0.0), ("step with dropout", True, 0.1)):
        sides = build_sides(arguments.layers, longest, dropout)
        if not backward:
            result["largest_difference"] = largest_difference(sides, min(1024, longest))
        for side in sides.values():
            side.train(backward)
        rows = {}
        for length in arguments.lengths:
            seconds = measure_length(sides, length, longest, arguments.repeats, arguments.bf16, backward)
            per_token = {name: summary(values)["median"] / (longest // length) for name, values in seconds.items()}
            rows[length] = {"seconds": per_token} | {
                f"speedup over {name}": ratios(seconds[name], seconds["ours"]) for name in ("longformer", "dense")
            }
        medians = [rows[length]["seconds"]["ours"] for length in arguments.lengths]
        slope = float(np.polyfit(np.log(arguments.lengths), np.log(medians), 1)[0]) if len(medians) > 1 else None
        result[what] = {"lengths": rows, "exponent": slope}
    write("encoder_bf16" if arguments.bf16 else "encoder", result)


if __name__ == "__main__":
    main()
