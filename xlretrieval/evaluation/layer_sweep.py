"""P@1 by layer: middle layers often align languages better than the last one, and pretraining moves the peak.

A layer that was chosen by these numbers should be measured on other texts: the best of 13 is too good by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .alignment import PairAlignment
from .figures import BLUE, GREY, png_axes

# Lines of single pairs beyond this many are one grey cloud, of which the mean is seen no better.
_MOST_LINES = 60


@dataclass(frozen=True)
class LayerSweep:
    """P@1 in percent of every layer.

    Attributes:
        by_pair: Name of the texts -> layer, counted from the embeddings -> mean of both directions.
    """

    by_pair: Mapping[str, Mapping[int, float]]

    @classmethod
    def of(cls, alignments: Sequence[PairAlignment]) -> LayerSweep:
        """From the layers of pairs."""
        return cls(
            {
                alignment.texts.name: {layer: float(np.mean(both)) for layer, both in alignment.by_layer.items()}
                for alignment in alignments
            }
        )

    @property
    def mean(self) -> dict[int, float]:
        """Layer -> mean over the pairs."""
        layers = next(iter(self.by_pair.values()))
        return {layer: float(np.mean([values[layer] for values in self.by_pair.values()])) for layer in layers}

    @property
    def best(self) -> int:
        """The layer with the highest mean; the lowest of several."""
        mean = self.mean
        return min(mean, key=lambda layer: (-mean[layer], layer))

    def as_dict(self) -> dict[str, object]:
        """For JSON: `mean`, `best` and `by_pair`, with layers as strings."""
        return {
            "mean": {str(layer): value for layer, value in self.mean.items()},
            "best": self.best,
            "by_pair": {
                name: {str(layer): value for layer, value in values.items()} for name, values in self.by_pair.items()
            },
        }


def sweep_table(sweeps: Mapping[str, LayerSweep], digits: int = 1) -> str:
    """A Markdown table, a row a layer: the mean over pairs of every model, and with two pairs or more their range.

    Args:
        sweeps: Name of the model, such as "before" -> its sweep.
        digits: Decimals.
    """
    several = max(len(sweep.by_pair) for sweep in sweeps.values()) > 1
    lines = [["layer", *sweeps], ["---:"] * (len(sweeps) + 1)]
    for layer in _layers(sweeps):
        cells = []
        for sweep in sweeps.values():
            values = [by_layer[layer] for by_layer in sweep.by_pair.values() if layer in by_layer]
            if not values:  # the other model has more layers
                cells.append("")
                continue
            spread = f" ({min(values):.{digits}f} to {max(values):.{digits}f})" if several else ""
            cells.append(f"{sweep.mean[layer]:.{digits}f}{spread}")
        lines.append([str(layer), *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def plot_layer_sweep(path: str | Path, sweeps: Mapping[str, LayerSweep], title: str) -> None:
    """Draws P@1 over layers as a PNG: the mean over pairs in bold, single pairs thin.

    Args:
        path: The file.
        sweeps: Name of the model -> its sweep, at most two.
        title: Above the plot.
    """
    with png_axes(path, (7, 4.5)) as axes:
        colors = dict(zip(sweeps, (GREY, BLUE) if len(sweeps) > 1 else (BLUE,), strict=True))
        for name, sweep in sweeps.items():
            if 1 < len(sweep.by_pair) <= _MOST_LINES:
                for values in sweep.by_pair.values():
                    axes.plot(list(values), list(values.values()), color=colors[name], alpha=0.25, linewidth=0.8)
            mean = sweep.mean
            axes.plot(list(mean), list(mean.values()), ".-", color=colors[name], linewidth=2, label=name)
        axes.set_xticks(_layers(sweeps))
        axes.set(xlabel="layer (0: embeddings)", ylabel="P@1, %", title=title)
        axes.grid(alpha=0.3)
        axes.legend()


def _layers(sweeps: Mapping[str, LayerSweep]) -> list[int]:
    """Of all models."""
    return sorted({layer for sweep in sweeps.values() for layer in sweep.mean})
