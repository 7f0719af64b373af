"""Articles of the 2021 release, which does not name them: whatever its alignments tie together."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Sequence

import numpy as np

from .released_files import Alignment


def derive_articles(sides: Sequence[tuple[str, str, Alignment]]) -> tuple[dict[tuple[str, str], str], int]:
    """Articles as connected components of sections over positives and hard negatives.

    Args:
        sides: (language, other language, what the first says about the second), for all pairs.

    Returns:
        (language, section id) -> article id, which is its first section as "en:123"; and the size of the largest.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes: dict[tuple[str, str], int] = {}
    edges = array("q")
    for language, other, alignment in sides:
        for section, positive in alignment.positives.items():
            node = nodes.setdefault((language, section), len(nodes))
            for related in (positive, *alignment.negatives[section]):
                edges.extend((node, nodes.setdefault((other, related), len(nodes))))
    heads, tails = np.asarray(edges, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(heads), bool), (heads, tails)), shape=(len(nodes), len(nodes)))
    count, labels = connected_components(graph, directed=False)
    names = [""] * count
    for (language, section), label in zip(nodes, labels, strict=True):
        name = f"{language}:{section}"
        names[label] = min(names[label] or name, name)
    articles = {node: names[label] for node, label in zip(nodes, labels, strict=True)}
    return articles, int(np.bincount(labels, minlength=1).max())


def warn_of_giant(largest: int, sections: int) -> None:
    """Warns when one derived article has more than a tenth of all sections."""
    # An article has tens of sections; hard negatives taken from anywhere tie all of them into one.
    if largest > 1_000 and largest > sections / 10:
        warnings.warn(
            f"the largest derived article has {largest:,} of {sections:,} sections, and all of it is in one split: "
            "the hard negatives tie unrelated articles together. Check the sizes of the splits.",
            stacklevel=3,
        )
