"""Kernels of GPUs compile without one: Triton's interpreter runs what its compiler may refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = {
    "attend_locals", "attend_globals", "differentiate_queries", "differentiate_sides", "differentiate_globals",
    "add_and_normalise", "differentiate_norm", "activate", "differentiate_activation",
}  # fmt: skip
SHARED_MEMORY = 99 * 1024  # bytes of a program on the smallest GPUs of the last generations, 8.6 and 8.9


@pytest.mark.slow
def test_kernels_compile() -> None:
    """With the arguments of real launches, for compute capability 9.0, in the memory of any since 8.0."""
    pytest.importorskip("triton")
    program = [sys.executable, str(Path(__file__).with_name("compile_kernels.py")), "90"]
    environment = os.environ | {"TRITON_INTERPRET": "0"}
    found = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=500)
    assert found.returncode == 0, found.stderr
    compiled = [json.loads(line) for line in found.stdout.splitlines()]
    assert {kernel["kernel"] for kernel in compiled} == KERNELS
    assert all(kernel["capability"] == 90 and kernel["shared"] <= SHARED_MEMORY for kernel in compiled)
