"""Two pictures of a ranking: which queries gained and lost, and precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .figures import BLUE, GREY, ORANGE, png_axes
from .ranking import Qrels, Run, evaluate_run

RECALL_LEVELS = tuple(level / 10 for level in range(11))

# Names of more queries than that overlap.
_MOST_NAMES = 60


def interpolated_precision(run: Run, qrels: Qrels) -> list[float]:
    """Precision at recall 0, 0.1, ..., 1, as `iprec_at_recall` of trec_eval: the highest at that recall or beyond.

    Returns:
        Eleven means over all judged queries; those that are missing from the run count 0.
    """
    return list(evaluate_run(run, qrels, [f"IPrec@{level:.1f}" for level in RECALL_LEVELS]).mean.values())


def plot_precision_recall(path: str | Path, curves: Mapping[str, Sequence[float]], title: str) -> None:
    """Draws precision over recall, eleven points, as a PNG.

    Args:
        path: The file.
        curves: Name of a system -> its `interpolated_precision`.
        title: Above the plot.
    """
    with png_axes(path, (6, 4.5)) as axes:
        styles = (("o", "-", BLUE), ("s", "--", ORANGE), ("^", ":", GREY))
        for index, (name, values) in enumerate(curves.items()):
            marker, line, color = styles[index % len(styles)]
            axes.plot(RECALL_LEVELS, values, marker=marker, linestyle=line, color=color, label=name)
        axes.set(xlim=(-0.02, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="interpolated precision", title=title)
        axes.set_xticks(RECALL_LEVELS)
        axes.grid(alpha=0.3)
        axes.legend()


def plot_query_differences(path: str | Path, differences: Mapping[str, float], metric: str, title: str) -> None:
    """Draws a bar per query, from the one that gained most to the one that lost most, as a PNG.

    Args:
        path: The file.
        differences: Query -> after - before.
        metric: Its name.
        title: Above the plot.
    """
    # Equal differences in the order of the queries, so that the same numbers give the same picture.
    ordered = sorted(differences.items(), key=lambda item: -item[1])
    values = np.array([value for _, value in ordered])
    with png_axes(path, (float(np.clip(0.18 * len(values), 6, 14)), 4.5)) as axes:
        axes.bar(range(len(values)), values, color=np.where(values > 0, BLUE, ORANGE), width=0.9)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.axhline(values.mean(), color=GREY, linestyle="--", linewidth=1, label=f"mean {values.mean():+.3f}")
        gained, lost = int((values > 0).sum()), int((values < 0).sum())
        axes.set(
            xlabel=f"{len(values)} queries: {gained} better, {lost} worse, {len(values) - gained - lost} equal",
            ylabel=f"difference in {metric}",
            title=title,
            xlim=(-0.7, len(values) - 0.3),
        )
        names = [name for name, _ in ordered] if len(values) <= _MOST_NAMES else []
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes.grid(axis="y", alpha=0.3)
        axes.legend()
