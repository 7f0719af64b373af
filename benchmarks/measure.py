"""Timing sides against each other, interleaved, so that a machine that drifts slows all of them."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def interleaved(
    sides: dict[str, Callable[[], object]], repeats: int, warmup: int = 1, untimed: int = 0
) -> dict[str, list[float]]:
    """Seconds of every call: A B A B ..., after `warmup` rounds that do not count.

    Args:
        sides: Name -> what to time.
        repeats: Counted rounds.
        warmup: Rounds before them.
        untimed: Calls of a side right before each of its timed ones, for what runs in a loop: memory that it gave back
            while the others had their turns, a virtual machine may have to ask its host for, at up to 3 s a GB.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warmup + repeats):
        for name, call in sides.items():
            for _ in range(untimed):
                call()
            start = time.perf_counter()
            call()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratios(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Minimum, median and maximum of the ratios round by round."""
    return summary([a / b for a, b in zip(slow, fast, strict=True)])


def row(
    question: str, against: str, measured: float, target: float, spread: tuple[float, float] | None = None
) -> dict[str, object]:
    """One row of the table of all benchmarks, for the list under a result's key "table".

    Args:
        question: What was asked, with the sizes.
        against: What the figure is a ratio to.
        measured: The ratio; larger is better.
        target: What was to be reached.
        spread: Smallest and largest ratio of the turns; by default the figure itself.
    """
    low, high = spread or (measured, measured)
    return {
        "question": question,
        "against": against,
        "target": target,
        "measured": measured,
        "min": low,
        "max": high,
        "reached": measured >= target,
    }


def write(name: str, result: dict) -> None:
    """Writes the result with the machine it was measured on, and prints it.

    Processors without AVX512 have files of their own: no bfloat16, and other things are fast on them; those with AMX
    too, whose bfloat16 is twice as fast again. A result that names another device, under "device", is of that.
    """
    capability = torch.backends.cpu.get_cpu_capability()
    amx = capability == "AVX512" and getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    result = {
        **result,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "instructions": "AMX" if amx else capability,
        },
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2)
    kind = "_amx" if amx else "" if capability == "AVX512" else f"_{capability.lower()}"
    kind = "" if "device" in result else kind
    (RESULTS / f"{name}{kind}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
