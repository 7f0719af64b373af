"""Freed memory stays with the process inside the block, and goes back to the system when it is freed outside."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from xlretrieval.modeling import cpu_memory
from xlretrieval.modeling.cpu_memory import kept_memory

# Pages that the system clears in one of some steps of training, the least, with blocks of 64 MiB: before, inside, in
# an inner block, still inside; and after, with blocks of 256 MiB, as those of 64 are still there. The least, for
# where a gap is a few bytes too small, which the addresses decide, a step inside may ask for one more block.
PROGRAM = """
import os
os.environ["THP_MEM_ALLOC_ENABLE"] = "0"
import resource, torch
from xlretrieval.modeling.cpu_memory import kept_memory

model = torch.nn.Sequential(torch.nn.Linear(8, 8192), torch.nn.GELU(), torch.nn.Linear(8192, 8))
def pages(rows=2048):
    counts = []
    for turn in range(8):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        model(torch.ones(rows, 8)).sum().backward()
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return min(counts)

found = [pages()]
with kept_memory(model):
    found.append(pages())
    with kept_memory(model):
        found.append(pages())
    found.append(pages())
found.append(pages(8192))
print(*found)
"""
needs_glibc = pytest.mark.skipif(cpu_memory._mallopt() is None, reason="needs glibc without settings of the user's")


def pages(**environment: str) -> list[int]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=clean | environment, capture_output=True, text=True, check=True
    )
    return [int(count) for count in done.stdout.split()]


@needs_glibc
def test_memory_is_kept_inside_and_given_back_outside() -> None:
    before, inside, inner, still, after = pages()
    assert min(before, after) > 10_000
    assert max(inside, inner, still) < 1000


@needs_glibc
@pytest.mark.parametrize(
    "setting", [{"MALLOC_ARENA_MAX": "4"}, {"MALLOC_TOP_PAD_": "0"}, {"GLIBC_TUNABLES": "glibc.malloc.mxfast=64"}]
)
def test_settings_of_the_user_stand(setting: dict[str, str]) -> None:
    untouched = "MALLOC_ARENA_MAX" not in setting  # no variable of glibc's: they end in an underscore
    assert (min(pages(**setting)) > 10_000) == untouched


def test_nothing_is_done_for_an_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_memory, "_mallopt", lambda: pytest.fail("must not be asked"))
    with kept_memory(torch.nn.Linear(2, 2, device="meta")):
        pass


def test_where_there_is_no_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with kept_memory(torch.nn.Linear(2, 2)):
        assert cpu_memory._users == 0


@needs_glibc
def test_an_error_ends_it() -> None:
    with pytest.raises(ValueError, match="inside"), kept_memory(torch.nn.Linear(2, 2)):
        assert cpu_memory._users == 1
        raise ValueError("inside")
    assert cpu_memory._users == 0
