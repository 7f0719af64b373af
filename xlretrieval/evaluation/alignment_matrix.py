"""P@1 by direction as a table of languages, source in rows and target in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .alignment import PairAlignment


@dataclass(frozen=True)
class AlignmentMatrix:
    """P@1 in percent from every language to every other one.

    Attributes:
        cells: (source, target) -> P@1, where it was measured; the mean over texts measured twice.
    """

    cells: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, alignments: Sequence[PairAlignment]) -> AlignmentMatrix:
        """From both directions of pairs."""
        values: dict[tuple[str, str], list[float]] = {}
        for alignment in alignments:
            source, target = alignment.texts.languages
            values.setdefault((source, target), []).append(alignment.result.forward)
            values.setdefault((target, source), []).append(alignment.result.backward)
        return cls({direction: float(np.mean(found)) for direction, found in values.items()})

    @property
    def languages(self) -> list[str]:
        """Sorted."""
        return sorted({language for direction in self.cells for language in direction})

    @property
    def mean(self) -> float:
        """Over all directions."""
        return float(np.mean(list(self.cells.values())))

    def row_means(self) -> dict[str, float]:
        """Source -> mean over its targets."""
        return self._means(0)

    def column_means(self) -> dict[str, float]:
        """Target -> mean over its sources."""
        return self._means(1)

    def as_dict(self) -> dict[str, object]:
        """For JSON: `languages`, `p_at_1` (source -> target -> percent), `as_source`, `as_target` and `mean`."""
        rows: dict[str, dict[str, float]] = {}
        for source, target in sorted(self.cells):
            rows.setdefault(source, {})[target] = self.cells[source, target]
        return {
            "languages": self.languages,
            "p_at_1": rows,
            "as_source": self.row_means(),
            "as_target": self.column_means(),
            "mean": self.mean,
        }

    def markdown(self, digits: int = 1) -> str:
        """A Markdown table with the means of rows and columns.

        Args:
            digits: Decimals.
        """
        languages, as_source, as_target = self.languages, self.row_means(), self.column_means()

        def number(value: float | None) -> str:
            return "" if value is None else f"{value:.{digits}f}"

        lines = [["source \\ target", *languages, "mean"], ["---", *["---:"] * (len(languages) + 1)]]
        for source in languages:
            cells = [number(self.cells.get((source, target))) for target in languages]
            lines.append([source, *cells, number(as_source.get(source))])
        lines.append(["mean", *(number(as_target.get(target)) for target in languages), number(self.mean)])
        return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

    def _means(self, side: int) -> dict[str, float]:
        groups: dict[str, list[float]] = {}
        for direction, value in sorted(self.cells.items()):
            groups.setdefault(direction[side], []).append(value)
        return {language: float(np.mean(values)) for language, values in groups.items()}
