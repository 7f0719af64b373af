"""Which pages of different wikis are one article, by the links between languages: connected components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass
class ComponentCounts:
    """What joining pages by language links came to.

    Attributes:
        components: Articles that are in two languages or more.
        ambiguous: Groups of joined pages with two pages of one language.
        pages_decided: Pages of such groups that links in both directions could place.
        pages_left_out: Pages of such groups that they could not.
    """

    components: int = 0
    ambiguous: int = 0
    pages_decided: int = 0
    pages_left_out: int = 0


def join_pages(
    sources: np.ndarray, targets: np.ndarray, languages: np.ndarray
) -> tuple[np.ndarray, np.ndarray, ComponentCounts]:
    """Joins pages that language links connect.

    A group of joined pages with two of the same language says that one of its links is wrong or goes to a part of an
    article. There, only links that go in both directions count; what then still has two pages of a language is left
    out.

    Args:
        sources: Pages that have links, int64 `(links,)`.
        targets: The pages that they lead to, int64 `(links,)`.
        languages: Language of each page, int `(pages,)`.

    Returns:
        The pages that were placed, ascending, int64 `(placed,)`; the component of each, int64 `(placed,)`, numbered
        from 0; and the counts. Every component has two pages or more, all of different languages.
    """
    pages, ends = np.unique(np.r_[sources, targets], return_inverse=True)
    starts, ends = ends[: len(sources)], ends[len(sources) :]
    languages = languages[pages]
    labels = _components(starts, ends, len(pages))
    unclear = _has_two_of_a_language(labels, languages)
    counts = ComponentCounts(ambiguous=len(np.unique(labels[unclear])))
    if unclear.any():
        inside = unclear[starts]
        starts, ends = _mutual(starts[inside], ends[inside], len(pages))
        again = labels.max() + 1 + _components(starts, ends, len(pages))
        labels = np.where(unclear, again, labels)
        lonely = np.bincount(labels)[labels] < 2
        left_out = unclear & (_has_two_of_a_language(labels, languages) | lonely)
        counts.pages_decided = int((unclear & ~left_out).sum())
        counts.pages_left_out = int(left_out.sum())
        pages, labels = pages[~left_out], labels[~left_out]
    found, labels = np.unique(labels, return_inverse=True)
    counts.components = len(found)
    return pages, labels, counts


def _components(starts: np.ndarray, ends: np.ndarray, length: int) -> np.ndarray:
    graph = coo_array((np.ones(len(starts), np.int8), (starts, ends)), shape=(length, length))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _has_two_of_a_language(labels: np.ndarray, languages: np.ndarray) -> np.ndarray:
    """Pages whose component has two pages of any one language, bool `(pages,)`."""
    if not len(labels):
        return np.zeros(0, bool)
    keys = labels * (int(languages.max()) + 1) + languages
    _, places, occurrences = np.unique(keys, return_inverse=True, return_counts=True)
    bad = np.zeros(int(labels.max()) + 1, bool)
    bad[labels[occurrences[places] > 1]] = True
    return bad[labels]


def _mutual(starts: np.ndarray, ends: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The links whose reverse is there too."""
    both = np.isin(starts * length + ends, ends * length + starts)
    return starts[both], ends[both]
