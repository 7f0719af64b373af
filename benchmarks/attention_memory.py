"""Does memory grow linearly with the length, and how does it compare with Longformer's of transformers?

Peak resident memory of one training step's forward and backward pass of one layer of mBERT's shape, dropout included,
in a fresh process for every length, less what the same process held before it (read from Linux's /proc). The dense
mask of `eager` is measured up to 2,048 tokens for comparison.

  python -m benchmarks.attention_memory [--lengths 1024 2048 4096 8192]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from benchmarks.measure import row, write


def measure(length: int, implementation: str) -> None:
    """Runs in the child: prints the growth of the peak in MiB."""
    import torch

    from benchmarks.encoder import build_sides
    from xlretrieval.modeling.cpu_memory import kept_memory

    sides = build_sides(layers=1, longest=length + 2, dropout=0.1)
    model = sides["longformer" if implementation == "longformer" else "ours"].train()
    if implementation != "longformer":
        model.set_attn_implementation(implementation)
    ids = torch.randint(1000, (1, length))
    is_global = (torch.arange(length) < 32).long()[None]
    with nullcontext() if implementation == "longformer" else kept_memory(model):  # as the trainers run it
        model(ids[:, :64], global_attention_mask=is_global[:, :64]).last_hidden_state.sum().backward()  # warm
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is no peak: Longformer pads to a window
        before = resident("VmRSS")
        model(ids, global_attention_mask=is_global).last_hidden_state.sum().backward()
    print(json.dumps((resident("VmHWM") - before) / 1024))


def resident(name: str) -> int:
    """Resident memory of this process in KiB: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def measure_in_child(side: tuple[str, int]) -> float:
    """MiB of an implementation at a length."""
    command = [sys.executable, "-m", "benchmarks.attention_memory", "--child", str(side[1]), side[0]]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measures every length in a child process and fits the exponent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[1024, 2048, 4096, 8192])
    parser.add_argument("--child", nargs=2, metavar=("LENGTH", "IMPLEMENTATION"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        measure(int(arguments.child[0]), arguments.child[1])
        return
    result: dict = {"question": "peak memory of one layer, forward and backward, MiB"}
    measured = {
        "sdpa": arguments.lengths,
        "longformer": arguments.lengths,
        "eager": [n for n in arguments.lengths if n <= 2048],
    }
    sides = [(implementation, length) for implementation, lengths in measured.items() for length in lengths]
    with ThreadPoolExecutor(2) as pool:  # nothing is timed
        peaks_of = dict(zip(sides, pool.map(measure_in_child, sides), strict=True))
    for implementation, lengths in measured.items():
        peaks = {length: peaks_of[implementation, length] for length in lengths}
        result[implementation] = {"mib": peaks}
        if len(peaks) > 1:
            slope = np.polyfit(np.log(list(peaks)), np.log(list(peaks.values())), 1)[0]
            result[implementation]["exponent"] = float(slope)
    shared = [n for n in arguments.lengths if n >= 2048]
    result["share of longformer's"] = {n: result["sdpa"]["mib"][n] / result["longformer"]["mib"][n] for n in shared}
    result["table"] = [
        row(f"memory of a training step, {n} tokens", "Longformer, times less", 1 / share, 1 / 0.6)
        for n, share in result["share of longformer's"].items()
    ]
    write("attention_memory", result)


if __name__ == "__main__":
    main()
