"""Memory in pages of 2 MiB, as the kernel lists it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
{imports}
numbers = torch.empty(1 << 22)
marked = False
for line in open("/proc/self/smaps"):
    first, *rest = line.split()
    if "-" in first and not first.endswith(":"):
        start, stop = (int(address, 16) for address in first.split("-"))
    elif first == "VmFlags:" and start <= numbers.data_ptr() + 4096 < stop:
        marked = "hg" in rest
print(marked)
"""
pytestmark = pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage/enabled").exists(), reason="needs a kernel with huge pages"
)


@pytest.mark.parametrize("imports", ["import xlretrieval, torch", "import torch, xlretrieval"])
@pytest.mark.parametrize("setting", [None, "0"])
def test_large_tensors_ask_for_huge_pages_unless_the_user_says_no(imports: str, setting: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"}
    if setting is not None:
        environment["THP_MEM_ALLOC_ENABLE"] = setting
    program = PROGRAM.format(imports=imports)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(setting is None)
