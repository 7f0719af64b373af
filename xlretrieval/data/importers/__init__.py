"""Importers of aligned sections: JSONL rows, and the pickles released in 2021.

Both write the folder described in `xlretrieval.data.sections`. What is dropped is counted by reason, printed, and kept
in the folder's provenance; `read` is always the sections kept plus the sections dropped.
"""

from .counts import ImportCounts, print_counts
from .jsonl import import_jsonl
from .plain_pickle import read_plain_pickle
from .released import import_released
from .rows import JsonlRow, read_jsonl

__all__ = [
    "ImportCounts",
    "JsonlRow",
    "import_jsonl",
    "import_released",
    "print_counts",
    "read_jsonl",
    "read_plain_pickle",
]
