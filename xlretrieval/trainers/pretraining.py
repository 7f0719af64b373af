"""Joint pretraining with query language modeling (QLM) and relevance ranking (RR).

One optimizer step serves one objective and one language pair; the schedule goes through all of them. What a step
contains follows from the seed and its number alone (`data/sampling.py`), and its loss is a mean over the whole step
whatever the number of micro-batches and processes, so the trajectory does not depend on how a step is cut.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback
from transformers.trainer_utils import speed_metrics

from xlretrieval.data.collators import PretrainingCollator
from xlretrieval.data.sampling import PretrainingDataset, Schedule, StepSampler
from xlretrieval.data.sections import AlignedSections
from xlretrieval.inference.batching import input_limit
from xlretrieval.modeling.heads import IGNORE_INDEX
from xlretrieval.trainers.arguments import XLPretrainingArguments
from xlretrieval.trainers.callbacks import CurvesCallback, EpochCallback
from xlretrieval.trainers.early_stopping import PatienceCallback, chosen_metric
from xlretrieval.trainers.held_out import HeldOut
from xlretrieval.trainers.log_lines import use_log_lines
from xlretrieval.trainers.losses import RANKING_LOSSES
from xlretrieval.trainers.publishing import PublishingMixin
from xlretrieval.trainers.step_mean import StepMeanMixin
from xlretrieval.trainers.whole_model import whole_model

PAPER_PAIRS_PER_EPOCH = 64_000


class XLPretrainingTrainer(StepMeanMixin, PublishingMixin, Trainer):
    """Pretrains an encoder on aligned sections with QLM and RR, in turn over objectives and language pairs.

    A plain `Trainer`: accumulation, several processes, mixed precision, resuming, best checkpoint and pushing to the
    Hub work as there. Logs carry loss and accuracy per objective and per language pair; evaluation measures held-out
    articles (see `HeldOut`).

    Args:
        model: One of the `*ForXLRetrieval` models.
        args: The arguments.
        corpus: Aligned sections: training looks at the split `train`, evaluation at `args.eval_split`.
        processing_class: The model's tokenizer.
        callbacks: More callbacks.
        **kwargs: For `Trainer`, such as `optimizers`.

    Raises:
        ValueError: When the model lacks a head, the corpus a pair, or the model is shorter than `max_length`.

    Example:
        >>> corpus = AlignedSections.load("corpus")  # doctest: +SKIP
        >>> trainer = XLPretrainingTrainer(model, args, corpus, processing_class=tokenizer)  # doctest: +SKIP
        >>> trainer.train()  # doctest: +SKIP
    """

    objectives: tuple[str, ...] | None = None  # a subclass that serves one objective names it

    def __init__(
        self,
        model: PreTrainedModel,
        args: XLPretrainingArguments,
        corpus: AlignedSections,
        processing_class: PreTrainedTokenizerBase,
        callbacks: Sequence[TrainerCallback] = (),
        **kwargs,
    ):
        for head in ("masked_lm_head", "relevance_head"):
            if not hasattr(model, head):
                raise ValueError(
                    f"The model must have both heads, got {type(model).__name__} without {head}. "
                    "Load it with load_xl_retrieval."
                )
        if args.n_gpu > 1:
            raise ValueError(
                f"Several GPUs must have a process each, got one process with {args.n_gpu} GPUs. "
                "Use `accelerate launch -m xlretrieval pretrain ...`, or choose one with CUDA_VISIBLE_DEVICES."
            )
        input_limit(model, processing_class, args.max_length)
        objectives = self.objectives or tuple(args.objectives)
        pairs = [corpus.pair(pair).name for pair in args.language_pairs or corpus.pairs]
        self.corpus = corpus
        self.schedule = Schedule(objectives, pairs, args.seed)
        self.examples_per_step = args.examples_per_step
        self.steps_per_epoch = steps_per_epoch(corpus, self.schedule, self.examples_per_step, args.pairs_per_epoch)
        dataset = PretrainingDataset(
            corpus,
            self.schedule,
            self.examples_per_step,
            negatives=args.negatives,
            split="train",
            seed=args.seed,
            steps_per_epoch=self.steps_per_epoch,
        )
        collator = PretrainingCollator(
            processing_class,
            max_length=args.max_length,
            max_query_length=args.max_query_length,
            mask_mode=args.mask_mode,
            mask_probability=args.mask_probability,
            global_attention=model.config.model_type == "bert-long",
        )
        self.step_sampler = StepSampler(self.steps_per_epoch, self.examples_per_step)
        callbacks = [*callbacks, EpochCallback(self.step_sampler, self.steps_per_epoch), CurvesCallback()]
        if args.early_stopping_patience is not None:
            callbacks.append(PatienceCallback(args.early_stopping_patience, *chosen_metric(args)))
        self.held_out = HeldOut(corpus, pairs, args, collator) if args.eval_strategy != "no" else None
        super().__init__(
            model=model,
            args=args,
            data_collator=collator,
            train_dataset=dataset,
            eval_dataset=dataset if self.held_out else None,  # the Trainer wants one; `evaluate` asks `held_out`
            processing_class=processing_class,
            callbacks=callbacks,
            **kwargs,
        )
        use_log_lines(self)
        self._model_class = type(model)  # sharding makes it another
        plugin = getattr(self.accelerator.state, "fsdp_plugin", None)
        if plugin is not None and plugin.fsdp_version != 2:
            raise ValueError(
                f"fsdp_version must be 2, got {plugin.fsdp_version}. Take examples/accelerate/fsdp2.yaml, for example."
            )
        # Losses below are divided by the items of the whole step; the Trainer must not divide again.
        self.loss_is_scaled_for_ga = True
        self._log_sums: dict[str, torch.Tensor] = {}
        self._head_parameters: list[torch.nn.Parameter] | None = None
        self._ranking_loss = RANKING_LOSSES[args.rr_loss]

    def _count_items(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return self._count(batch["labels"])

    @staticmethod
    def _count(labels: torch.Tensor) -> torch.Tensor:
        """Masked tokens of a QLM batch, groups of an RR batch (each has one positive)."""
        return (labels == 1).sum() if labels.is_floating_point() else (labels != IGNORE_INDEX).sum()

    def _summed_loss(self, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, object]:
        labels = batch["labels"]
        count = self._count(labels)
        if labels.is_floating_point():
            objective, weight = "rr", self.args.rr_weight
            outputs = model(**{name: value for name, value in batch.items() if name != "labels"})
            scores = outputs.logits.float().view(-1, 1 + self.args.negatives)
            total = self._ranking_loss(scores).sum()
            self._record(objective, "margin", (scores[:, 0] - scores[:, 1:].mean(-1)).sum(), count)
            correct = (scores[:, :1] > scores[:, 1:]).all(-1).sum()
        else:
            objective, weight = "qlm", self.args.qlm_weight
            outputs = model(**batch)
            total = outputs.loss * count
            correct = (outputs.mlm_logits.argmax(-1) == labels[labels != IGNORE_INDEX]).sum()
        self._record(objective, "loss", total, count)
        self._record(objective, "accuracy", correct, count)
        return weight * total + self._touch_heads(), outputs

    def _prepare_for_training(self, *args: Any, **kwargs: Any) -> Any:
        """As the base, and under FSDP with all parameters but those of the layers in one group.

        accelerate would put word embeddings and decoder into a group of their own. The decoder's bias, which its head
        shares, would then stand in two groups, which torch refuses; and in steps of relevance ranking, which have no
        use for the decoder, the group would not run to its end.
        """
        if not self.is_fsdp_enabled:
            return super()._prepare_for_training(*args, **kwargs)
        model = self.model
        model.get_input_embeddings = model.get_output_embeddings = lambda: None
        try:
            return super()._prepare_for_training(*args, **kwargs)
        finally:
            del model.get_input_embeddings, model.get_output_embeddings

    def training_step(self, model: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As the base, and under FSDP with a zero where the step left a head without a gradient."""
        loss = super().training_step(model, *args, **kwargs)
        if self.is_fsdp_enabled and self.accelerator.sync_gradients:
            for parameter in self._heads():
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
        return loss

    def _touch_heads(self) -> torch.Tensor | float:
        """Zero, through one element of every head parameter.

        A step serves one objective, and DistributedDataParallel waits for a gradient of every parameter. One process
        does the same, since Adam moves a parameter whose gradient is zero, but not one without a gradient. FSDP's
        parameters are shards that take no part in its forward pass; `training_step` gives them their zero.
        """
        if self.is_fsdp_enabled:
            return 0.0
        return sum(0.0 * parameter.flatten()[0] for parameter in self._heads())

    def _heads(self) -> list[torch.nn.Parameter]:
        """The trainable parameters outside of the encoder, its pooler among them."""
        if self._head_parameters is None:
            model = self.accelerator.unwrap_model(self.model)
            pooler = getattr(model.base_model, "pooler", None)
            encoder = {id(parameter) for parameter in model.base_model.parameters()}
            encoder -= {id(parameter) for parameter in pooler.parameters()} if pooler is not None else set()
            self._head_parameters = [
                parameter
                for parameter in model.parameters()
                if parameter.requires_grad and id(parameter) not in encoder
            ]
        return self._head_parameters

    def _record(self, objective: str, name: str, total: torch.Tensor, count: torch.Tensor) -> None:
        """Adds to the sums behind the next log line, for the objective and for the step's language pair."""
        if not self.model.training:
            return
        _, pair = self.schedule.step(self.state.global_step)
        values = torch.stack([total.detach().float(), count.float()])
        for key in (f"{objective}_{name}", f"{objective}_{name}_{pair}"):
            self._log_sums[key] = self._log_sums[key] + values if key in self._log_sums else values

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds loss and accuracy per objective and per language pair since the last line, over all processes."""
        if self._log_sums and "loss" in logs:
            logs = {**logs, **self._drain_log_sums()}
        super().log(logs, start_time)

    def _drain_log_sums(self) -> dict[str, float]:
        # The keys follow from the steps, so they are the same on every process.
        keys = sorted(self._log_sums)
        sums = torch.stack([self._log_sums[key] for key in keys])
        if self.args.world_size > 1:
            sums = self.accelerator.reduce(sums, reduction="sum")
        self._log_sums.clear()
        means = zip(keys, sums.tolist(), strict=True)
        return {key: round(float(total / count), 6) for key, (total, count) in means if count}

    def evaluate(
        self,
        eval_dataset: object = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Measures held-out articles and logs the result.

        Returns:
            What `HeldOut.evaluate` measures, with the prefix, and the runtime.

        Raises:
            ValueError: When the trainer was built without evaluation.
        """
        if self.held_out is None:
            raise ValueError("eval_strategy must be steps or epoch to evaluate, got no. Set it in the arguments.")
        start = time.time()
        model = whole_model(self.model, self._model_class)
        measured = self.held_out.evaluate(model, self.processing_class, self.accelerator)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in measured.items()}
        metrics.update(speed_metrics(metric_key_prefix, start, num_samples=self.held_out.size))
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class QueryLanguageModelingTrainer(XLPretrainingTrainer):
    """Pretraining with QLM only."""

    objectives = ("qlm",)


def steps_per_epoch(
    corpus: AlignedSections, schedule: Schedule, examples_per_step: int, pairs_per_epoch: int | None
) -> int:
    """Optimizer steps of an epoch: whole iterations of the schedule, at least one.

    Args:
        corpus: The corpus.
        schedule: Objectives and language pairs.
        examples_per_step: Pairs of one step.
        pairs_per_epoch: Positive pairs per language pair and objective; by default 64,000, or the largest language
            pair once where that is less.
    """
    if pairs_per_epoch is None:
        largest = max(len(corpus.pair(pair).rows("train")) for pair in schedule.pairs)
        pairs_per_epoch = min(PAPER_PAIRS_PER_EPOCH, largest)
    return max(1, math.ceil(pairs_per_epoch / examples_per_step)) * schedule.steps_per_iteration
