"""Training with relevance ranking (RR) only: on aligned sections, or on judged collections.

Both follow the same rules: what a step contains follows from the seed and its number, and its loss is a mean over the
whole step, so the trajectory does not depend on how a step is cut into batches and processes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainerCallback
from transformers.trainer_utils import speed_metrics

from xlretrieval.data.ranking_collator import JudgedGroupCollator
from xlretrieval.data.ranking_examples import CollectionQueries, RankingDataset
from xlretrieval.data.sampling import StepSampler
from xlretrieval.data.sections import AlignedSections
from xlretrieval.inference.batching import input_limit
from xlretrieval.trainers.callbacks import EpochCallback
from xlretrieval.trainers.early_stopping import PatienceCallback
from xlretrieval.trainers.freezing import freeze_lower
from xlretrieval.trainers.judged_queries import average_precision, pooled_map, rank_queries
from xlretrieval.trainers.losses import DISTILLATION_LOSSES, RANKING_LOSSES
from xlretrieval.trainers.pretraining import XLPretrainingTrainer
from xlretrieval.trainers.ranking_arguments import RankingArguments


class RelevanceRankingTrainer(XLPretrainingTrainer):
    """Ranks the relevant document over others.

    On `AlignedSections` it is `XLPretrainingTrainer` with one objective, the aligned section against others, and takes
    the same arguments. On collections, a list of `CollectionQueries`, it is a `CollectionRankingTrainer`.
    """

    objectives = ("rr",)

    def __new__(cls, model=None, args=None, corpus=None, *others, **kwargs):
        """Chooses the class by the data, as `pathlib.Path` does by the system."""
        on_collections = (
            cls is RelevanceRankingTrainer and corpus is not None and not isinstance(corpus, AlignedSections)
        )
        return super().__new__(CollectionRankingTrainer if on_collections else cls)


class CollectionRankingTrainer(RelevanceRankingTrainer):
    """Fine-tunes a ranker on judged queries of collections.

    An example is a query with one of its relevant documents and `args.negatives` documents that were judged not
    relevant, drawn anew every epoch. One step serves one data set, with its loss. Evaluation ranks the candidates of
    the dev queries and logs their mean average precision: `eval_map` over all of them, and one for each data set.

    Args:
        model: One logit for a pair; what `args.freeze_layers` names is frozen in place.
        args: The arguments.
        corpus: Data sets to train on.
        processing_class: The model's tokenizer.
        dev: Queries to evaluate on.
        callbacks: More callbacks.
        **kwargs: For `Trainer`, such as `optimizers`.

    Raises:
        ValueError: The model has several logits or is shorter than `max_length`; a loss is unknown, or one of
            distillation comes without a teacher; there are no dev queries to evaluate; parameters are sharded.

    Example:
        >>> clef = load_collection("clef.yaml", "en-de")  # doctest: +SKIP
        >>> train, dev = CollectionQueries(clef, ("41-AH",)), CollectionQueries(clef, ("42-AH",))  # doctest: +SKIP
        >>> RelevanceRankingTrainer(model, args, [train], tokenizer, dev=[dev]).train()  # doctest: +SKIP
    """

    def __init__(
        self,
        model: PreTrainedModel,
        args: RankingArguments,
        corpus: Sequence[CollectionQueries],
        processing_class: PreTrainedTokenizerBase,
        dev: Sequence[CollectionQueries] = (),
        callbacks: Sequence[TrainerCallback] = (),
        **kwargs,
    ):
        _check_model(model, args, processing_class)
        for part in corpus:
            _check_loss(part)
        if args.eval_strategy != "no" and not dev:
            raise ValueError(
                "There must be dev queries to evaluate on, got none. Pass dev, or set eval_strategy to no."
            )
        self.frozen_layers = freeze_lower(model, args.freeze_layers)
        dataset = RankingDataset(corpus, args.examples_per_step, args.negatives, args.seed)
        self.dev = list(dev)
        self.schedule = dataset  # names what a step serves, for the log lines
        self.step_sampler = StepSampler(dataset.steps_per_epoch, args.examples_per_step)
        callbacks = [*callbacks, EpochCallback(self.step_sampler, dataset.steps_per_epoch)]
        if args.early_stopping_patience is not None:
            callbacks.append(PatienceCallback(args.early_stopping_patience))
        # Not that of pretraining, which wants both heads and a corpus.
        Trainer.__init__(
            self,
            model=model,
            args=args,
            data_collator=JudgedGroupCollator(
                processing_class,
                max_length=args.max_length,
                max_query_length=args.max_query_length,
                global_attention=model.config.model_type == "bert-long",
            ),
            train_dataset=dataset,
            eval_dataset=dataset if args.eval_strategy != "no" else None,  # the Trainer wants one; see `evaluate`
            processing_class=processing_class,
            callbacks=callbacks,
            **kwargs,
        )
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            raise ValueError(
                "Documents must be ranked by a whole model in every process, got sharded parameters. Leave FSDP and "
                "DeepSpeed out; frozen layers have no state of the optimizer."
            )
        # Losses below are divided by the examples of the whole step; the Trainer must not divide again.
        self.loss_is_scaled_for_ga = True
        self._log_sums = {}

    def _count(self, labels: torch.Tensor) -> torch.Tensor:
        return torch.tensor(labels.numel() // (1 + self.args.negatives), device=labels.device)

    def _summed_loss(self, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, object]:
        labels = batch["labels"].view(-1, 1 + self.args.negatives)
        outputs = model(**{name: value for name, value in batch.items() if name != "labels"})
        scores = outputs.logits.float().view_as(labels)
        loss_name = self.train_dataset.part(self.state.global_step).loss
        if loss_name in DISTILLATION_LOSSES:
            total = DISTILLATION_LOSSES[loss_name](scores, labels).sum()
        else:
            total = RANKING_LOSSES[loss_name](scores).sum()
        count = self._count(labels)
        self._record("rr", "loss", total, count)
        self._record("rr", "accuracy", (scores[:, :1] > scores[:, 1:]).all(-1).sum(), count)
        return total, outputs

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """As the Trainer's, with `args.head_learning_rate` for what stands above the encoder."""
        optimizer = super().create_optimizer(model)
        if self.args.head_learning_rate is None:
            return optimizer
        encoder = {id(parameter) for parameter in self.accelerator.unwrap_model(self.model).base_model.parameters()}
        for group in list(optimizer.param_groups):
            head = [parameter for parameter in group["params"] if id(parameter) not in encoder]
            group["params"] = [parameter for parameter in group["params"] if id(parameter) in encoder]
            settings = {name: value for name, value in group.items() if name != "params"}
            if head:
                optimizer.add_param_group({**settings, "params": head, "lr": self.args.head_learning_rate})
        return optimizer

    def evaluate(
        self,
        eval_dataset: object = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Ranks the candidates of the dev queries, on all processes, and logs their MAP.

        Returns:
            `map`, and `map_<data set>` where there are several, with the prefix; and the runtime.
        """
        start = time.time()
        runs, _ = rank_queries(self.model, self.processing_class, self.dev, self.args)
        precision = average_precision(self.dev, runs)
        metrics = {f"{metric_key_prefix}_map": pooled_map(precision)}
        if len(precision) > 1:
            metrics |= {
                f"{metric_key_prefix}_map_{name}": pooled_map({name: values}) for name, values in precision.items()
            }
        metrics.update(speed_metrics(metric_key_prefix, start, num_samples=sum(map(len, precision.values()))))
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _check_model(model: PreTrainedModel, args: RankingArguments, tokenizer: PreTrainedTokenizerBase) -> None:
    if model.config.num_labels != 1:
        raise ValueError(
            f"A ranker must have one logit, got {model.config.num_labels} labels. Load it with load_ranker."
        )
    if args.n_gpu > 1:
        raise ValueError(
            f"Several GPUs must have a process each, got one process with {args.n_gpu} GPUs. Use `accelerate launch "
            "-m xlretrieval finetune ranking ...`, or choose one with CUDA_VISIBLE_DEVICES."
        )
    input_limit(model, tokenizer, args.max_length)


def _check_loss(part: CollectionQueries) -> None:
    losses = [*RANKING_LOSSES, *DISTILLATION_LOSSES]
    if part.loss not in losses:
        raise ValueError(f"loss of {part.name} must be one of {', '.join(losses)}, got {part.loss!r}. Choose one.")
    if part.loss in DISTILLATION_LOSSES and part.teacher is None:
        raise ValueError(f"loss {part.loss} of {part.name} must have a teacher's scores, got none. Name its run.")
