"""What an import prints."""

from __future__ import annotations

import io

from xlretrieval.data.importers import ImportCounts, print_counts


def test_counts_print_as_a_table() -> None:
    from rich.console import Console

    out = io.StringIO()
    counts = ImportCounts(12_345, {"en": 7}, {"en-fr": {"train": 1}}, {"empty text": 2}, {"negative given twice": 3})
    print_counts(counts, Console(file=out, width=60))

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines == [
        "count",
        "read 12,345",
        "dropped empty text 2",
        "sections en 7",
        "note negative given twice 3",
        "pairs en-fr train 1",
    ]
