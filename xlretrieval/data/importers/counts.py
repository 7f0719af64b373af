"""What an import reads, keeps and drops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from xlretrieval.data.writing import AlignedSectionsWriter


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import read, kept and dropped.

    Attributes:
        read: Sections read (rows of JSONL, texts of pickles).
        sections: Sections kept, per language.
        pairs: Pairs kept, per pair and split.
        dropped: Sections dropped, per reason.
        notes: What else is worth knowing, such as hard negatives left out, per reason.
    """

    read: int
    sections: dict[str, int]
    pairs: dict[str, dict[str, int]]
    dropped: dict[str, int]
    notes: dict[str, int]


@dataclass
class Tally:
    """The same while the import runs, without what the writer counts."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def finish(self, writer: AlignedSectionsWriter, source: str, arguments: Mapping[str, Any]) -> ImportCounts:
        """Drops the sections that are in no pair and finishes the corpus; its provenance says all this.

        Args:
            writer: To which everything is added.
            source: "jsonl" or "released".
            arguments: Of the import.
        """
        self.dropped["unaligned"] = sum(writer.compact().values())
        counts = ImportCounts(read=self.read, dropped=dict(+self.dropped), notes=dict(+self.notes), **writer.counts())
        writer.finish({"source": source, "arguments": dict(arguments), "counts": asdict(counts)})
        return counts


def print_counts(counts: ImportCounts, console: Console | None = None) -> None:
    """Prints what an import read, kept and dropped, as a table on standard output."""
    table = Table("", "", "count", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    table.add_row("read", "", f"{counts.read:,}")
    for group, values in (("dropped", counts.dropped), ("sections", counts.sections), ("note", counts.notes)):
        for name, count in values.items():
            table.add_row(group, name, f"{count:,}")
    for name, splits in counts.pairs.items():
        for split, count in splits.items():
            table.add_row("pairs", f"{name} {split}", f"{count:,}")
    (console or Console()).print(table)
