"""Measurements, one question a module. Each compares sides in one run and writes benchmarks/results/<name>.json."""

import os

# As it was before this package set it, see `benchmarks.apart`: this is imported first.
HUGE_PAGES = os.environ.get("THP_MEM_ALLOC_ENABLE", "0")
