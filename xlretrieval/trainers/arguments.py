"""Arguments of pretraining: those of `TrainingArguments`, with the paper's defaults, and those of the objectives."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import SchedulerType

from xlretrieval.trainers.losses import RANKING_LOSSES
from xlretrieval.trainers.step_arguments import StepArguments

OBJECTIVES = ("qlm", "rr")
MASK_MODES = ("query", "document", "mixed")


@dataclass
class XLPretrainingArguments(StepArguments):
    """Arguments of `XLPretrainingTrainer`.

    Everything that `TrainingArguments` offers, with the paper's optimizer as default (Adam, constant learning rate
    1e-5, gradient norm at most 5, 20 epochs), and what the two objectives need. A batch counts pairs of a query and
    its document; relevance ranking adds the negatives to them.

    Raises:
        ValueError: When an argument is outside its range or its choices.
    """

    learning_rate: float = field(default=1e-5, metadata={"help": "Learning rate; the paper's is 1e-5."})
    lr_scheduler_type: SchedulerType | str = field(
        default="constant", metadata={"help": "Learning rate schedule; constant in the paper."}
    )
    max_grad_norm: float = field(default=5.0, metadata={"help": "Gradients are clipped to this norm."})
    num_train_epochs: float = field(default=20.0, metadata={"help": "Epochs of `pairs_per_epoch` pairs each."})
    per_device_train_batch_size: int = field(
        default=4, metadata={"help": "Pairs per device and forward pass; a step takes all devices and accumulation."}
    )
    logging_steps: float = field(default=50, metadata={"help": "Log every so many steps."})

    objectives: list[str] = field(
        default_factory=lambda: list(OBJECTIVES),
        metadata={"help": "Objectives in the order of the schedule: qlm (query language modeling), rr (ranking)."},
    )
    qlm_weight: float = field(default=1.0, metadata={"help": "Weight of the QLM loss."})
    rr_weight: float = field(default=1.0, metadata={"help": "Weight of the RR loss."})
    language_pairs: list[str] | None = field(
        default=None, metadata={"help": "Pairs to train on, such as en-de; all pairs of the corpus by default."}
    )
    pairs_per_epoch: int | None = field(
        default=None,
        metadata={
            "help": "Positive pairs per language pair and objective in an epoch; by default 64,000 as in the paper, "
            "or every pair once where the corpus has fewer."
        },
    )
    mask_mode: str = field(default="query", metadata={"help": "What QLM masks.", "choices": list(MASK_MODES)})
    mask_probability: float = field(default=0.30, metadata={"help": "Share of the maskable tokens that is masked."})
    negatives: int = field(default=1, metadata={"help": "Negative documents per positive in RR."})
    rr_loss: str = field(
        default="pairwise_logistic", metadata={"help": "Loss of RR.", "choices": list(RANKING_LOSSES)}
    )
    max_length: int = field(default=512, metadata={"help": "Longest pair in tokens; the document is cut to fit."})
    max_query_length: int = field(default=64, metadata={"help": "Longest query in tokens."})
    eval_split: str = field(default="validation", metadata={"help": "Split that evaluation looks at."})
    eval_pairs: int = field(default=200, metadata={"help": "Held-out pairs per language pair in an evaluation."})
    eval_candidates: int = field(default=20, metadata={"help": "Candidates per query in the evaluation's MRR."})
    early_stopping_patience: int | None = field(
        default=None,
        metadata={"help": "Stop after so many evaluations without a better `metric_for_best_model`."},
    )

    def __post_init__(self):
        super().__post_init__()
        if self.ddp_find_unused_parameters is None:
            # Every step reaches every parameter; a search for unused ones would take the heads for unused, and fail.
            self.ddp_find_unused_parameters = False
        for name in self.objectives:
            self._check("objectives", name in OBJECTIVES, name, f"be of {', '.join(OBJECTIVES)}")
        unique = bool(self.objectives) and len(set(self.objectives)) == len(self.objectives)
        self._check("objectives", unique, self.objectives, "name at least one objective, each once")
        self._check("mask_mode", self.mask_mode in MASK_MODES, self.mask_mode, f"be one of {', '.join(MASK_MODES)}")
        self._check("rr_loss", self.rr_loss in RANKING_LOSSES, self.rr_loss, f"be one of {', '.join(RANKING_LOSSES)}")
        self._check("mask_probability", 0 < self.mask_probability <= 1, self.mask_probability, "be in (0, 1]")
        self._check_positive("negatives", "max_query_length", "max_length", "eval_pairs")
        if self.early_stopping_patience is not None:
            self._check_positive("early_stopping_patience")
            self._check("eval_strategy", self.eval_strategy != "no", "no", "be steps or epoch to stop early")
        self._check("eval_candidates", self.eval_candidates >= 2, self.eval_candidates, "be at least 2")
        for name in ("qlm_weight", "rr_weight"):
            self._check(name, getattr(self, name) >= 0, getattr(self, name), "not be negative")
        if self.pairs_per_epoch is not None:
            self._check_positive("pairs_per_epoch")
