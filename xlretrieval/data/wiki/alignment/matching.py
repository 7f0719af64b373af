"""From evidence to a one-to-one matching with confidences."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp

# Sums of floats differ in their last digits between processors; what is written must not.
_DECIMALS = 9


def confidences(scores: np.ndarray) -> np.ndarray:
    """Probability that two sections match, given that a section matches at most one: (sources, targets) in [0, 1].

    A section has a partner among those of the other article, or none, which has score 0. Its choice is the softmax
    over these. Two sections match if each chooses the other: the confidence is the geometric mean of both
    probabilities.

    Args:
        scores: Log-odds of the combinations against having no partner, (sources, targets).
    """
    if not scores.size:
        return np.zeros(scores.shape)
    by_source = np.logaddexp(logsumexp(scores, axis=1, keepdims=True), 0.0)
    by_target = np.logaddexp(logsumexp(scores, axis=0, keepdims=True), 0.0)
    return np.exp(np.minimum(scores - (by_source + by_target) / 2, 0.0)).round(_DECIMALS)


def assign(probabilities: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The one-to-one matching with the largest sum of log-odds above those of the threshold.

    Combinations below the threshold count nothing, as if each section could also be matched with nobody, so that a bad
    combination cannot take a section away from a good one.

    Returns:
        Source and target indices of the matches, by source.
    """
    if not probabilities.size:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    clipped = probabilities.clip(1e-9, 1 - 1e-9)
    limit = np.clip(threshold, 1e-9, 1 - 1e-9)
    gains = np.log(clipped / (1 - clipped)) - np.log(limit / (1 - limit))
    rows, columns = linear_sum_assignment(gains.clip(0.0), maximize=True)
    kept = probabilities[rows, columns] >= threshold
    return rows[kept], columns[kept]
