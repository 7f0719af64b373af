"""Results as people and programs read them: JSON, a Markdown table, a table on the console, a heat map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xlretrieval.data.files import write_bytes, write_text

from .ranking import bootstrap_interval

if TYPE_CHECKING:
    from rich.table import Table


def write_json(path: str | Path, content: object) -> None:
    """Writes JSON whole or not at all. Paths and NumPy numbers are written as strings and numbers; NaN is an error."""

    def convert(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        raise TypeError(f"A result must be JSON, got {type(value).__name__}. Convert it to numbers, lists or dicts.")

    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=convert) + "\n")


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95% confidence interval over queries or texts, where one was computed."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray, seed: int = 0) -> Estimate:
        """From one value per query, by the bootstrap."""
        return cls(float(np.mean(values)), *bootstrap_interval(values, seed=seed))


@dataclass(frozen=True)
class Measurement:
    """One row of a table: one metric on one task, after and perhaps before.

    Args:
        task: What was measured on, e.g. `"en-fr"`.
        metric: Name of the metric, e.g. `"AP"`.
        n: Number of queries or texts.
        after: Of the model in question.
        before: Of the model it is compared with.
        difference: after - before, paired by query: it is beyond chance when the interval leaves out 0.
    """

    task: str
    metric: str
    n: int
    after: Estimate
    before: Estimate | None = None
    difference: Estimate | None = None

    @classmethod
    def of(
        cls,
        task: str,
        metric: str,
        after: Sequence[float] | np.ndarray,
        before: Sequence[float] | np.ndarray | None = None,
        seed: int = 0,
    ) -> Measurement:
        """From one value per query or text, in the same order for both models.

        Raises:
            ValueError: The two models have different numbers of values.
        """
        after = np.asarray(after, dtype=np.float64)
        if before is None:
            return cls(task, metric, len(after), Estimate.of(after, seed))
        before = np.asarray(before, dtype=np.float64)
        if before.shape != after.shape:
            raise ValueError(
                f"{task} {metric}: before and after must have the same number of values, got {before.shape} and "
                f"{after.shape}. Measure both on the same queries."
            )
        estimates = (Estimate.of(values, seed) for values in (after, before, after - before))
        return cls(task, metric, len(after), *estimates)

    def as_dict(self) -> dict[str, object]:
        """For JSON; `None` stands for what was not measured."""
        return asdict(self)


def mean_over_tasks(measurements: Sequence[Measurement]) -> list[Measurement]:
    """One row `mean` per metric that was measured on two tasks and more: tasks weigh the same, whatever their size.

    Without an interval: tasks share queries and documents (two directions of a pair, XNLI in 15 languages), so the
    intervals of the rows cannot be combined as if they were independent.
    """
    rows = []
    for metric in dict.fromkeys(row.metric for row in measurements):
        group = [row for row in measurements if row.metric == metric]
        if len(group) < 2:
            continue
        sides = {}
        for side in ("after", "before", "difference"):
            estimates = [getattr(row, side) for row in group]
            complete = all(estimates)
            sides[side] = Estimate(float(np.mean([estimate.value for estimate in estimates]))) if complete else None
        rows.append(Measurement("mean", metric, sum(row.n for row in group), **sides))
    return rows


def _cells(measurements: Sequence[Measurement], digits: int) -> tuple[list[str], list[list[str]]]:
    """Header and rows: the same words on the console and in Markdown."""
    compared = any(row.before for row in measurements)
    header = ["task", "metric", "n", *(["before", "after", "difference"] if compared else ["value"])]

    def cell(estimate: Estimate | None, sign: str = "") -> str:
        if estimate is None:
            return ""
        numbers = (estimate.value, estimate.low, estimate.high)
        value, *interval = (f"{number:{sign}.{digits}f}" for number in numbers if number is not None)
        return f"{value} [{', '.join(interval)}]" if interval else value

    rows = []
    for row in measurements:
        values = [cell(row.before), cell(row.after), cell(row.difference, "+")] if compared else [cell(row.after)]
        rows.append([row.task, row.metric, str(row.n), *values])
    return header, rows


def markdown_table(measurements: Sequence[Measurement], digits: int = 3) -> str:
    """A Markdown table, `value [low, high]` with 95% intervals; before, after and difference when there is a before.

    Args:
        measurements: The rows.
        digits: Decimals.
    """
    header, rows = _cells(measurements, digits)
    rule = ["---"] * 2 + ["---:"] * (len(header) - 2)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))


def console_table(measurements: Sequence[Measurement], title: str = "", digits: int = 3) -> Table:
    """The same table for `rich.print`; a difference beyond chance is green or red.

    Args:
        measurements: The rows.
        title: Above the table.
        digits: Decimals.
    """
    from rich.markup import escape
    from rich.table import Table

    header, rows = _cells(measurements, digits)
    caption = escape("[low, high]: 95% bootstrap interval")
    table = Table(title=escape(title) or None, caption=caption, caption_justify="left")
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index > 1 else "left")
    for measurement, cells in zip(measurements, rows, strict=True):
        cells = [escape(cell) for cell in cells]
        difference = measurement.difference
        if difference and difference.low is not None and difference.low > 0:
            cells[-1] = f"[green]{cells[-1]}[/green]"
        elif difference and difference.high is not None and difference.high < 0:
            cells[-1] = f"[red]{cells[-1]}[/red]"
        table.add_row(*cells)
    return table


def heat_map(path: str | Path, values: Mapping[tuple[str, str], float], title: str, digits: int = 1) -> bool:
    """Draws values by language pair as a PNG, source languages in rows.

    Args:
        path: The file.
        values: (source, target) -> value.
        title: Above the map.
        digits: Decimals in the cells.

    Returns:
        Whether it was drawn: with one language pair (its two directions) there is nothing to compare.
    """
    if len({frozenset(pair) for pair in values}) < 2:
        return False
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    languages = sorted({language for pair in values for language in pair})
    grid = np.full((len(languages), len(languages)), np.nan)
    for (source, target), value in values.items():
        grid[languages.index(source), languages.index(target)] = value
    size = 2 + 0.7 * len(languages)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(grid, cmap="viridis")
    axes.set_xticks(range(len(languages)), languages)
    axes.set_yticks(range(len(languages)), languages)
    axes.set(xlabel="target", ylabel="source", title=title)
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for row, column in np.argwhere(np.isfinite(grid)):
        value = grid[row, column]
        color = "black" if value > middle else "white"
        axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=color)
    figure.colorbar(image, ax=axes, shrink=0.8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    write_bytes(path, buffer.getvalue())
    return True
