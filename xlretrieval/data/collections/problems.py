"""What is wrong in the files of a collection: the first one is an error, or all of them are counted."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

OnError = Literal["raise", "skip"]

# Places that are kept of each kind: enough to find the cause, and no more lines than a person reads.
_EXAMPLES = 10


class Problems:
    """Collects what is wrong.

    Args:
        on_error: "raise" makes the first problem a ValueError, "skip" counts it and leaves the item out.

    Attributes:
        counts: Kind -> how often.
        examples: Kind -> the first ten, with file and line.

    Raises:
        ValueError: `on_error` is neither.
    """

    def __init__(self, on_error: OnError = "raise"):
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}. Choose one of them.")
        self.on_error = on_error
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def report(self, kind: str, where: str, message: str) -> None:
        """Raises the problem, or counts it.

        Args:
            kind: What it is counted under: "cut off document".
            where: File and line.
            message: What must hold, what was found instead, and what to do.

        Raises:
            ValueError: Problems are errors.
        """
        if self.on_error == "raise":
            raise ValueError(f"{where}: {message}")
        self.note(kind, f"{where}: {message}")

    def note(self, kind: str, what: str) -> None:
        """Counts something that is worth knowing and no error."""
        self.counts[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(what)

    def record(self) -> dict[str, Any]:
        """Counts and examples by kind, for a JSON file: `{"empty document": {"count": 2, "examples": [...]}}`."""
        return {kind: {"count": self.counts[kind], "examples": self.examples[kind]} for kind in sorted(self.counts)}

    def restore(self, record: dict[str, Any]) -> None:
        """Adds what an earlier reading of the same files recorded."""
        for kind, found in record.items():
            self.counts[kind] += found["count"]
            self.examples[kind] = [*self.examples.get(kind, []), *found["examples"]][:_EXAMPLES]
