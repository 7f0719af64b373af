"""Results as people and programs read them: JSON, a Markdown table, a table on the console, a heat map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xlretrieval.data.files import write_text

from .figures import png_axes
from .ranking import bootstrap_interval
from .significance import PairedTest

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
        test: Paired tests of the difference, where they were made.
    """

    task: str
    metric: str
    n: int
    after: Estimate
    before: Estimate | None = None
    difference: Estimate | None = None
    test: PairedTest | None = None

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
    tests = _tests(measurements)

    def cell(estimate: Estimate | None, sign: str = "") -> str:
        if estimate is None:
            return ""
        numbers = (estimate.value, estimate.low, estimate.high)
        value, *interval = (f"{number:{sign}.{digits}f}" for number in numbers if number is not None)
        return f"{value} [{', '.join(interval)}]" if interval else value

    rows = []
    for row in measurements:
        values = [cell(row.before), cell(row.after), cell(row.difference, "+")] if compared else [cell(row.after)]
        p_values = [format_p_value(getattr(row.test, name, None)) for name in tests]
        rows.append([row.task, row.metric, str(row.n), *values, *p_values])
    return [*header, *tests.values()], rows


def _tests(measurements: Sequence[Measurement]) -> dict[str, str]:
    """Columns of p-values, field -> header: none without tests, corrected ones where there are several tasks."""
    tests = [row.test for row in measurements if row.test]
    if not tests:
        return {}
    columns = {"randomisation": "p", "t_test": "p (t)"}
    if any(test.family > 1 for test in tests):
        columns |= {"randomisation_holm": "p Holm", "t_test_holm": "p Holm (t)"}
    return columns


def format_p_value(p: float | None) -> str:
    """Four decimals, "<0.0001" below; "" for None."""
    if p is None:
        return ""
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _caption(measurements: Sequence[Measurement]) -> str:
    """What the columns are, for those who were not there."""
    text = "[low, high]: 95% bootstrap interval"
    if any(row.test for row in measurements):
        text += ". p: two-sided paired randomisation test; (t): paired t-test"
    families = sorted({row.test.family for row in measurements if row.test and row.test.family > 1})
    if families:
        text += f"; Holm: corrected for {' or '.join(map(str, families))} tasks"
    return text


def markdown_table(measurements: Sequence[Measurement], digits: int = 3) -> str:
    """A Markdown table, `value [low, high]` with 95% intervals; before, after and difference when there is a before.

    Where the differences were tested, columns of p-values follow, and a line below the table that explains them.

    Args:
        measurements: The rows.
        digits: Decimals.
    """
    header, rows = _cells(measurements, digits)
    rule = ["---"] * 2 + ["---:"] * (len(header) - 2)
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))
    return f"{table}\n{_caption(measurements)}.\n" if any(row.test for row in measurements) else table


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
    caption = escape(_caption(measurements))
    table = Table(title=escape(title) or None, caption=caption, caption_justify="left")
    place = header.index("difference") if "difference" in header else None
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index > 1 else "left")
    for measurement, cells in zip(measurements, rows, strict=True):
        cells = [escape(cell) for cell in cells]
        difference = measurement.difference
        if place and difference and difference.low is not None and difference.low > 0:
            cells[place] = f"[green]{cells[place]}[/green]"
        elif place and difference and difference.high is not None and difference.high < 0:
            cells[place] = f"[red]{cells[place]}[/red]"
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
    languages = sorted({language for pair in values for language in pair})
    grid = np.full((len(languages), len(languages)), np.nan)
    for (source, target), value in values.items():
        grid[languages.index(source), languages.index(target)] = value
    size = 2 + 0.7 * len(languages)
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    with png_axes(path, (size + 1, size)) as axes:
        image = axes.imshow(grid, cmap="viridis")
        axes.set_xticks(range(len(languages)), languages)
        axes.set_yticks(range(len(languages)), languages)
        axes.set(xlabel="target", ylabel="source", title=title)
        for row, column in np.argwhere(np.isfinite(grid)):
            value = grid[row, column]
            color = "black" if value > middle else "white"
            axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=color)
        axes.figure.colorbar(image, ax=axes, shrink=0.8)
    return True
