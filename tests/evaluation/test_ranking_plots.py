"""Precision against recall by hand, and pictures whose bars and curves are the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from xlretrieval.evaluation import ranking_plots
from xlretrieval.evaluation.figures import png_axes
from xlretrieval.evaluation.ranking_plots import (
    interpolated_precision,
    plot_precision_recall,
    plot_query_differences,
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of every figure that was written."""
    kept: list[Axes] = []

    @contextmanager
    def keeping(path: Path, size: tuple[float, float]) -> Iterator[Axes]:
        with png_axes(path, size) as axes:
            kept.append(axes)
            yield axes

    monkeypatch.setattr(ranking_plots, "png_axes", keeping)
    return kept


def test_eleven_points_by_hand() -> None:
    # Ranks 1 and 3 of three are relevant: precision 1 up to recall 1/2, then 2/3. The second query is missing.
    qrels = {"q1": {"a": 1, "b": 0, "c": 1}, "q2": {"a": 1}}
    run = {"q1": {"a": 3.0, "b": 2.0, "c": 1.0}}
    assert interpolated_precision(run, qrels) == pytest.approx([0.5] * 6 + [1 / 3] * 5)
    assert interpolated_precision(run, {"q1": qrels["q1"]}) == pytest.approx([1] * 6 + [2 / 3] * 5)
    # Interpolated: the second document is relevant, so precision at recall 0 is 1/2, not 0.
    assert interpolated_precision({"q": {"x": 2.0, "a": 1.0}}, {"q": {"a": 1}}) == [0.5] * 11


def test_curves_of_both_systems(tmp_path: Path, drawn: list[Axes]) -> None:
    curves = {"before": np.linspace(0.6, 0.1, 11).tolist(), "after": np.linspace(0.8, 0.2, 11).tolist()}
    plot_precision_recall(tmp_path / "curves.png", curves, "en-de")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    lines = {line.get_label(): line.get_ydata() for line in drawn[0].get_lines()}
    assert {name: list(values) for name, values in lines.items()} == curves
    assert drawn[0].get_ylim()[0] == 0


def test_bars_go_from_gain_to_loss(tmp_path: Path, drawn: list[Axes]) -> None:
    differences = {"q1": -0.5, "q2": 0.25, "q3": 0.0, "q4": 0.75}
    plot_query_differences(tmp_path / "bars.png", differences, "AP", "en-de")
    axes = drawn[0]
    assert [bar.get_height() for bar in axes.patches] == [0.75, 0.25, 0, -0.5]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["q4", "q2", "q3", "q1"]
    assert axes.get_xlabel() == "4 queries: 2 better, 1 worse, 1 equal"
    assert axes.get_legend().get_texts()[0].get_text() == "mean +0.125"


def test_many_queries_have_no_names(tmp_path: Path, drawn: list[Axes]) -> None:
    plot_query_differences(tmp_path / "bars.png", {f"q{number}": 0.1 for number in range(61)}, "AP", "en-de")
    assert not drawn[0].get_xticklabels()


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), png_axes(tmp_path / "a.png", (4, 3)):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
