"""Ranking losses against values worked out by hand and against torch's own functions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from xlretrieval.trainers.losses import RANKING_LOSSES, listwise, pairwise_hinge, pairwise_logistic, pointwise

SCORES = torch.tensor([[2.0, 0.0, 1.0], [0.0, 0.0, 3.0]])


def test_pairwise_logistic():
    first = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    second = (math.log(2) + math.log1p(math.exp(3))) / 2
    assert pairwise_logistic(SCORES).tolist() == pytest.approx([first, second], abs=1e-6)


def test_pairwise_hinge():
    assert pairwise_hinge(SCORES).tolist() == [0.0, 2.5]
    assert pairwise_hinge(SCORES, margin=2.0).tolist() == [0.5, 3.5]


def test_listwise_is_cross_entropy_of_the_first():
    expected = F.cross_entropy(SCORES, torch.zeros(2, dtype=torch.long), reduction="none")
    torch.testing.assert_close(listwise(SCORES), expected)


def test_pointwise_is_the_released_loss_in_one_logit():
    """The released code took a two-class cross-entropy; with one logit s it is that of the logits (0, s)."""
    classes = torch.stack([torch.zeros_like(SCORES), SCORES], dim=-1).view(-1, 2)
    targets = torch.tensor([1, 0, 0, 1, 0, 0])
    expected = F.cross_entropy(classes, targets, reduction="none").view(2, 3).mean(-1)
    torch.testing.assert_close(pointwise(SCORES), expected)


@pytest.mark.parametrize("name", RANKING_LOSSES)
def test_extreme_scores_and_the_order_of_negatives(name):
    loss = RANKING_LOSSES[name]
    extreme = torch.tensor([[1e4, -1e4], [-1e4, 1e4]], requires_grad=True)
    loss(extreme).sum().backward()
    assert torch.isfinite(extreme.grad).all()
    torch.testing.assert_close(loss(SCORES), loss(SCORES[:, [0, 2, 1]]))
    assert (loss(SCORES + torch.tensor([1.0, 0.0, 0.0])) < loss(SCORES) + 1e-9).all()
