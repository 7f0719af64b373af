"""A Hub on the loopback, and processes that use it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _module() -> ModuleType:
    # Tests are imported by path (`--import-mode=importlib`), so that the folder above is on no search path.
    path = Path(__file__).resolve().parents[1] / "loopback_hub.py"
    spec = importlib.util.spec_from_file_location("loopback_hub", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["loopback_hub"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hub() -> Iterator[Any]:
    """A `LoopbackHub`, empty."""
    with _module().serve_hub() as hub:
        yield hub


@pytest.fixture
def run_on_hub(hub: Any, tmp_path: Path) -> Callable[..., str]:
    """Runs Python code in a process of its own that knows no other Hub and has nothing cached; returns its output."""
    runs: list[None] = []

    def run(code: str, fails: bool = False, **variables: str) -> str:
        runs.append(None)
        environment = {**os.environ, **hub.environment(tmp_path / f"home{len(runs)}"), **variables}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=400, check=False
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return run
