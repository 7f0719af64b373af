"""Cross-lingual alignment of an encoder: does a text's nearest neighbour in the other language say the same?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.inference.encoder import Encoder

# Cosines closer than this are equal. The rounding of a float64 product of unit vectors is below dimensions * 1.1e-16,
# 8.5e-14 at 768; one changed bit of a float32 vector moves a cosine by some 1e-8.
TIE = 1e-12


@dataclass(frozen=True)
class AlignmentResult:
    """Precision at 1 in percent.

    Args:
        forward: Source texts whose nearest target is their translation.
        backward: Target texts whose nearest source is their translation.
        mean: Of both.
        n: Number of pairs.
        hits: `(2, n)` in [0, 1]: the share of each source and each target text, for confidence intervals.
    """

    forward: float
    backward: float
    mean: float
    n: int
    hits: np.ndarray = field(repr=False, compare=False)


def precision_at_1(source: np.ndarray, target: np.ndarray, block: int = 1024) -> AlignmentResult:
    """P@1 by cosine in both directions, where row i of one side translates row i of the other.

    When the translation shares the highest cosine with others it counts 1 / (number of them): the chance to be
    drawn first. So an encoder that maps all texts to one vector gets 100/n, not 0 or 100 as the order of the rows
    would have it. Sums are float64, so that equal vectors have equal cosines wherever they stand in the matrix. The
    cosine of a zero vector is 0.

    Memory is `block` x `block` similarities, never n x n.

    Args:
        source: `(n, dimensions)`, of any scale.
        target: `(n, dimensions)`.
        block: Rows and columns compared at a time.

    Returns:
        The precision in percent, per direction and their mean.

    Raises:
        ValueError: The shapes differ, there is no row, or a value is not finite.
    """
    if source.ndim != 2 or source.shape != target.shape or not len(source):
        raise ValueError(
            f"source and target must be matrices of the same shape with at least one row, got {source.shape} and "
            f"{target.shape}. Encode both sides of the same aligned texts."
        )
    if block < 1:
        raise ValueError(f"block must be at least 1, got {block}. The default is 1024.")
    source, target = _unit_rows(source, "source"), _unit_rows(target, "target")
    n = len(source)
    gold = np.einsum("nd,nd->n", source, target)
    # Row 0 counts targets for each source text, row 1 sources for each target text.
    nearer, tied = np.zeros((2, n), dtype=np.int64), np.zeros((2, n), dtype=np.int64)
    for rows in (slice(start, start + block) for start in range(0, n, block)):
        for columns in (slice(start, start + block) for start in range(0, n, block)):
            cosines = source[rows] @ target[columns].T
            for side, mine, best in ((0, rows, gold[rows, None]), (1, columns, gold[columns])):
                nearer[side, mine] += (cosines > best + TIE).sum(axis=1 - side)
                tied[side, mine] += (np.abs(cosines - best) <= TIE).sum(axis=1 - side)
    # Nothing for a text with a nearer one; the translation itself is among the tied, so that is at least 1.
    hits = np.where(nearer > 0, 0.0, 1 / tied)
    forward, backward = (float(value) for value in 100 * hits.mean(axis=1))
    return AlignmentResult(forward, backward, (forward + backward) / 2, n, hits)


def _unit_rows(vectors: np.ndarray, name: str) -> np.ndarray:
    """Float64 rows of length 1; zero rows stay zero."""
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


def _encode_distinct(encoder: Encoder, texts: Sequence[str], **options: object) -> tuple[np.ndarray, int]:
    """Encodes every distinct text once, so that equal texts get equal vectors whatever batch they would be in.

    Returns:
        `(texts, hidden)`, and how many of the texts were truncated at least (distinct ones).
    """
    distinct = list(dict.fromkeys(texts))
    row = {text: index for index, text in enumerate(distinct)}
    vectors = encoder.encode(distinct, **options)
    return vectors[[row[text] for text in texts]], encoder.truncated


def evaluate_alignment(
    encoder: Encoder,
    parallel_texts: ParallelTexts,
    pooling: Literal["mean", "cls"] = "mean",
    layer: int = -1,
    **options: object,
) -> dict[str, object]:
    """Encodes aligned texts and measures P@1.

    Args:
        encoder: The encoder.
        parallel_texts: The aligned texts.
        pooling: As for `Encoder.encode`.
        layer: As for `Encoder.encode`.
        **options: More for `Encoder.encode`: `max_length`, `batch_tokens`, `show_progress`.

    Returns:
        `name`, `languages`, `n`, `forward`, `backward`, `mean` (percent), `hits` (`(2, n)` array), `truncated`
        (distinct texts that were cut) and `dropped` (of the aligned texts).
    """
    options = {"pooling": pooling, "layer": layer, **options}
    source, source_truncated = _encode_distinct(encoder, parallel_texts.source, **options)
    target, target_truncated = _encode_distinct(encoder, parallel_texts.target, **options)
    result = precision_at_1(source, target)
    return {
        "name": parallel_texts.name,
        "languages": parallel_texts.languages,
        "n": result.n,
        "forward": result.forward,
        "backward": result.backward,
        "mean": result.mean,
        "hits": result.hits,
        "truncated": source_truncated + target_truncated,
        "dropped": dict(parallel_texts.dropped),
    }
