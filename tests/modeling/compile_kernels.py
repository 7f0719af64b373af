"""Compiles the kernels that a layer launches, for GPUs that need not be there.

  TRITON_INTERPRET=0 python tests/modeling/compile_kernels.py 80 90     (of compute capability 8.0 and 9.0)

The layer runs on the processor, where a launch only compiles, so that every kernel gets the arguments of its real
launches; what the layer computes is of no meaning. Writes one line of JSON for each: what was compiled, for what, and
the bytes of shared memory it takes.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from xlretrieval.modeling import fused_attention
from xlretrieval.modeling.configuration_bert_long import BertLongConfig
from xlretrieval.modeling.fused_attention import find_fused_rows
from xlretrieval.modeling.fused_layer import ROWS, run_fused
from xlretrieval.modeling.modeling_bert_long import BertLongLayer


class AbsentGPU:
    """A driver that knows for what to compile, and nothing else."""

    def __init__(self, capability: int):
        self.capability = capability

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.capability, 32)

    def get_current_device(self) -> int:
        return self.capability  # what was compiled for one is kept for it

    def get_current_stream(self, device: int) -> int:
        return 0


def compile_only(kernel: JITFunction, grid: tuple[int, ...]) -> Any:
    """In the place of a launch."""

    def call(*args: Any, **options: Any) -> None:
        compiled = kernel.warmup(*args, grid=grid, **options)
        target = driver.active.get_current_target().arch
        print(json.dumps({"kernel": kernel.__name__, "capability": target, "shared": compiled.metadata.shared}))

    return call


def run_layer(dropout: float) -> None:
    """A layer of mBERT's shape, forward and backward."""
    config = BertLongConfig(attention_probs_dropout_prob=dropout, hidden_dropout_prob=dropout)
    config._attn_implementation = "eager"
    layer = BertLongLayer(config, 0).train()
    valid = torch.arange(90) < torch.tensor([90, 50])[:, None]
    rows = find_fused_rows(valid, valid & (torch.arange(90) < 20), torch.device("cpu"), torch.bfloat16)
    states = torch.zeros(1, len(rows.places), config.hidden_size, dtype=torch.bfloat16)
    run_fused(layer, states, rows).sum().backward()


def main() -> None:
    """Every kernel in its longest form, for every GPU."""
    fused_attention.SLOTS = ROWS
    JITFunction.__getitem__ = compile_only
    for capability in map(int, sys.argv[1:]):
        driver.set_active(AbsentGPU(capability))
        run_layer(dropout=0.1)


if __name__ == "__main__":
    main()
