"""Ranking losses against values worked out by hand and against torch's own functions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from xlretrieval.trainers.losses import (
    DISTILLATION_LOSSES,
    RANKING_LOSSES,
    kl_divergence,
    listwise,
    margin_mse,
    pairwise_hinge,
    pairwise_logistic,
    pointwise,
)

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


def test_margin_mse_by_hand():
    teacher = torch.tensor([[5.0, 2.0, 4.0], [1.0, 2.0, 0.0]])
    # Margins 2 and 1 against 3 and 1; 0 and -3 against -1 and 1.
    assert margin_mse(SCORES, teacher).tolist() == [0.5, (1 + 16) / 2]
    assert margin_mse(SCORES, SCORES + 7.0).tolist() == [0.0, 0.0]


def test_kl_by_hand():
    teacher = torch.tensor([[math.log(0.5), math.log(0.25), math.log(0.25)]]) + 3.0
    scores = torch.tensor([[math.log(0.2), math.log(0.2), math.log(0.6)]])
    expected = 0.5 * math.log(0.5 / 0.2) + 0.25 * math.log(0.25 / 0.2) + 0.25 * math.log(0.25 / 0.6)
    assert kl_divergence(scores, teacher).tolist() == pytest.approx([expected], abs=1e-6)
    assert kl_divergence(SCORES, SCORES - 2.0).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("name", DISTILLATION_LOSSES)
def test_distillation_moves_the_student_to_the_teacher(name):
    """The gradient is 0 where the student is the teacher, and finite far away."""
    teacher = torch.tensor([[3.0, 1.0, -2.0]])
    student = teacher.clone().requires_grad_()
    DISTILLATION_LOSSES[name](student, teacher).sum().backward()
    torch.testing.assert_close(student.grad, torch.zeros_like(teacher))
    far = torch.tensor([[-1e4, 1e4, 0.0]], requires_grad=True)
    DISTILLATION_LOSSES[name](far, teacher).sum().backward()
    assert torch.isfinite(far.grad).all() and far.grad[0, 0] < 0 < far.grad[0, 1]
