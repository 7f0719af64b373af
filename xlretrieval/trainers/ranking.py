"""Training with relevance ranking (RR) only."""

from __future__ import annotations

from xlretrieval.trainers.pretraining import XLPretrainingTrainer


class RelevanceRankingTrainer(XLPretrainingTrainer):
    """Ranks the aligned section over others; the loss is `args.rr_loss`."""

    objectives = ("rr",)
