"""Makes `peer_suite` importable, and keeps quick runs from fetching what only the slow tests need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Marks of the suite, which --strict-markers would not know.
MARKS = (
    "accelerate_tests",
    "flash_attn_test",
    "flash_attn_3_test",
    "flash_attn_4_test",
    "torch_compile_test",
    "order",
)


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", f"{mark}: used by transformers' own tests")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suite's tests are known only once it is there, so leaving them out by mark would come too late."""
    return collection_path.name == "test_transformers_suite.py" and "not slow" in config.option.markexpr or None
