"""Nearest neighbours between two aligned sets of vectors, block by block: memory never grows with n x n.

Similarity is the cosine, or CSLS (Conneau et al. 2018, "Word translation without parallel data", section 2.3), which
takes from the cosine what the two texts have in common with everybody: 2 cos(x, y) - r(x) - r(y), where r is the mean
cosine of a text with its k nearest texts of the other language. Hubs, which are near to all, come down.

A float32 pass settles all texts but those whose winner is within its rounding; they are counted in float64. So the
result is that of float64, in half its time at 10,000 x 10,000 and 128 dimensions, and ties are ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

Similarity = Literal["cosine", "csls"]

# Similarities closer than this are equal. The rounding of a float64 product of unit vectors is below
# dimensions * 1.1e-16, 8.5e-14 at 768; one changed bit of a float32 vector moves a cosine by some 1e-8.
TIE = 1e-12


def translation_hits(
    source: np.ndarray,
    target: np.ndarray,
    similarity: Similarity = "cosine",
    neighbours: int = 10,
    block: int = 1024,
) -> np.ndarray:
    """Whether the nearest text of the other side is the translation, where row i of one side translates row i.

    A translation that shares the highest similarity with others counts 1 / (number of them): the chance to be drawn
    first. Memory beside the vectors is some `block` x `block` and, for CSLS, n x `neighbours` numbers.

    Args:
        source: `(n, dimensions)`, of any scale. The cosine of a zero vector is 0.
        target: `(n, dimensions)`.
        similarity: "cosine" or "csls".
        neighbours: k of CSLS; all texts where there are fewer.
        block: Rows and columns compared at a time.

    Returns:
        `(2, n)` in [0, 1]: of each source text, and of each target text.

    Raises:
        ValueError: The shapes differ, there is no row, a value is not finite, or an option is out of range.
    """
    if source.ndim != 2 or source.shape != target.shape or not len(source):
        raise ValueError(
            f"source and target must be matrices of the same shape with at least one row, got {source.shape} and "
            f"{target.shape}. Encode both sides of the same aligned texts."
        )
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block}. The default is 1024.")
    check_similarity(similarity, neighbours)
    sides = unit_rows(source, "source"), unit_rows(target, "target")
    # Half of CSLS, cos(x, y) - r(x)/2 - r(y)/2, has the same order; with shifts of 0 it is the cosine.
    shifts = np.zeros((2, len(source)))
    if similarity == "csls":
        shifts = neighbour_means(*sides, neighbours, block) / 2
    gold = np.einsum("nd,nd->n", *sides) - shifts.sum(axis=0)
    above, near = _screen(sides, shifts, gold, block)
    hits = np.where(above > 0, 0.0, 1.0)
    for side in (0, 1):
        # The translation itself is near. Nobody else is: it is the only nearest one.
        unsettled = np.flatnonzero((above[side] == 0) & (near[side] > 1))
        for start in range(0, len(unsettled), block):
            rows = unsettled[start : start + block]
            hits[side, rows] = _exact(
                sides[side][rows], sides[1 - side], shifts[1 - side], block, gold[rows] + shifts[side, rows]
            )
    return hits


def check_similarity(similarity: str, neighbours: int) -> None:
    """Raises what `translation_hits` would, before hours are spent on vectors.

    Raises:
        ValueError: An unknown similarity, or no neighbours.
    """
    if similarity not in get_args(Similarity):
        names = ", ".join(get_args(Similarity))
        raise ValueError(f"similarity must be one of {names}, got {similarity!r}. Choose one of them.")
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, got {neighbours}. The default is 10.")


def neighbour_means(source: np.ndarray, target: np.ndarray, neighbours: int = 10, block: int = 1024) -> np.ndarray:
    """Mean cosine of every text with its nearest texts of the other side, r of CSLS.

    Args:
        source: Rows of length 1, `(n, dimensions)`.
        target: The same of the other side.
        neighbours: How many; all where there are fewer.
        block: Rows and columns compared at a time.

    Returns:
        `(2, n)`: of the source texts, and of the target texts.
    """
    n = len(source)
    k = min(neighbours, n)
    nearest = np.full((2, n, k), -np.inf)
    for rows, columns in _blocks(n, block):
        cosines = source[rows] @ target[columns].T
        for side, mine, values in ((0, rows, cosines), (1, columns, cosines.T)):
            together = np.concatenate([nearest[side, mine], values], axis=1)
            nearest[side, mine] = np.partition(together, -k, axis=1)[:, -k:]
    # Sorted, so that the order in which blocks came does not change the rounding of the sum.
    return np.sort(nearest, axis=2).mean(axis=2)


def unit_rows(vectors: np.ndarray, name: str) -> np.ndarray:
    """Float64 rows of length 1; zero rows stay zero.

    Args:
        vectors: `(n, dimensions)`.
        name: What an error calls them.

    Raises:
        ValueError: A value is not finite.
    """
    vectors = vectors.astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{name} vectors must be finite, got NaN or infinity in row {int(np.argmin(finite))}. "
            "Load the model with dtype=torch.float32."
        )
    # Dividing by the largest value first: squares of values below 1e-154 would vanish.
    vectors /= np.maximum(np.abs(vectors).max(axis=1, keepdims=True, initial=0), np.finfo(np.float64).tiny)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def _blocks(n: int, block: int) -> Iterator[tuple[slice, slice]]:
    starts = range(0, n, block)
    for row in starts:
        for column in starts:
            yield slice(row, row + block), slice(column, column + block)


def _screen(
    sides: tuple[np.ndarray, np.ndarray], shifts: np.ndarray, gold: np.ndarray, block: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many texts are above the translation for certain, and how many may be as near or nearer.

    Returns:
        `(2, n)` each, int64.
    """
    n, dimensions = sides[0].shape
    # Rounding of a float32 product of unit vectors is below dimensions * 2**-24; twice that, with that of the shifts.
    margin = (dimensions + 8) * 2.0**-23
    low, high = ((gold + sign * margin).astype(np.float32) for sign in (-1, 1))
    source, target = (side.astype(np.float32) for side in sides)
    moved = shifts.any()
    shifts = shifts.astype(np.float32)
    above, near = np.zeros((2, n), dtype=np.int64), np.zeros((2, n), dtype=np.int64)
    for rows, columns in _blocks(n, block):
        scores = source[rows] @ target[columns].T
        if moved:
            scores -= shifts[0, rows, None]
            scores -= shifts[1, columns]
        for side, mine, scale in ((0, rows, (slice(None), None)), (1, columns, (None, slice(None)))):
            above[side, mine] += np.count_nonzero(scores > high[mine][scale], axis=1 - side)
            near[side, mine] += np.count_nonzero(scores > low[mine][scale], axis=1 - side)
    return above, near


def _exact(mine: np.ndarray, others: np.ndarray, shift: np.ndarray, block: int, gold: np.ndarray) -> np.ndarray:
    """Shares of rows in float64.

    Args:
        mine: Vectors of the rows.
        others: All vectors of the other side.
        shift: Of the other side.
        block: As above.
        gold: Similarity of the rows and their translations, without the rows' own shifts.
    """
    nearer, tied = np.zeros(len(mine), dtype=np.int64), np.zeros(len(mine), dtype=np.int64)
    for start in range(0, len(others), block):
        columns = slice(start, start + block)
        scores = mine @ others[columns].T - shift[columns]
        nearer += np.count_nonzero(scores > gold[:, None] + TIE, axis=1)
        tied += np.count_nonzero(np.abs(scores - gold[:, None]) <= TIE, axis=1)
    # The translation itself is among the tied, so that is at least 1.
    return np.where(nearer > 0, 0.0, 1 / tied)
