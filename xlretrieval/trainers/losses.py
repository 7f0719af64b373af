"""Relevance ranking losses: one positive against its negatives, one loss per group.

Every function takes `scores`, `(groups, 1 + negatives)` with the positive first, and returns `(groups,)`. Those of
distillation take the teacher's scores of the same documents besides, in the same shape.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F


def pairwise_logistic(scores: torch.Tensor) -> torch.Tensor:
    """log(1 + exp(s- - s+)), mean over the negatives (RankNet, Burges et al. 2005).

    Prefer it when in doubt: it is the pairwise loss of the paper's figure and needs no margin.
    """
    return F.softplus(scores[:, 1:] - scores[:, :1]).mean(-1)


def pairwise_hinge(scores: torch.Tensor, margin: float = 1.0) -> torch.Tensor:
    """max(0, margin - s+ + s-), mean over the negatives. Stops pushing once the margin is reached.

    Args:
        scores: `(groups, 1 + negatives)`.
        margin: Wanted distance between the positive and a negative, in logits.
    """
    return F.relu(margin - scores[:, :1] + scores[:, 1:]).mean(-1)


def listwise(scores: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the positive in a softmax over the group (ListNet top one, Cao et al. 2007).

    Prefer it with several negatives: the hardest ones get the gradient.
    """
    return -scores.log_softmax(-1)[:, 0]


def pointwise(scores: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of every row by itself, mean over the group.

    The code released in 2021 trained this way, with two logits. Prefer it when scores must be probabilities.
    """
    targets = torch.zeros_like(scores)
    targets[:, 0] = 1.0
    return F.binary_cross_entropy_with_logits(scores, targets, reduction="none").mean(-1)


RANKING_LOSSES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "pairwise_logistic": pairwise_logistic,
    "pairwise_hinge": pairwise_hinge,
    "listwise": listwise,
    "pointwise": pointwise,
}


def margin_mse(scores: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """((s+ - s-) - (t+ - t-))^2, mean over the negatives (Margin-MSE, Hofstaetter et al. 2020).

    Prefer it where a teacher's scores mean something by their size: only their differences are learnt, so teacher and
    student may differ by a constant.

    Args:
        scores: `(groups, 1 + negatives)`.
        teacher: The teacher's, in the same shape.
    """
    margins, wanted = scores[:, :1] - scores[:, 1:], teacher[:, :1] - teacher[:, 1:]
    return (margins - wanted).square().mean(-1)


def kl_divergence(scores: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """KL(softmax(t) || softmax(s)) over the group, in nats.

    Prefer it with several negatives, and where the teacher's scores are logits: it learns their order and how sure
    the teacher is.

    Args:
        scores: `(groups, 1 + negatives)`.
        teacher: The teacher's, in the same shape.
    """
    target = teacher.log_softmax(-1)
    return F.kl_div(scores.log_softmax(-1), target, reduction="none", log_target=True).sum(-1)


DISTILLATION_LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "margin_mse": margin_mse,
    "kl": kl_divergence,
}
