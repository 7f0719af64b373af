"""Fine-tuning an encoder to answer questions, across languages.

It learns from questions in one language and is measured on pairs of others while it learns, so that the epoch can be
chosen by what the model is for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
)
from transformers.trainer_utils import speed_metrics

from xlretrieval.data.answers.questions import Question, QuestionSet
from xlretrieval.data.question_features import QuestionFeatures
from xlretrieval.data.question_stream import WindowStream
from xlretrieval.data.sampling import StepSampler
from xlretrieval.evaluation.question_answering import QuestionSetResult, mean_scores, score_question_set
from xlretrieval.inference.batching import input_limit
from xlretrieval.inference.question_answering import model_inputs, predict_answers, question_collator
from xlretrieval.trainers.callbacks import EpochCallback
from xlretrieval.trainers.early_stopping import PatienceCallback
from xlretrieval.trainers.publishing import PublishingMixin
from xlretrieval.trainers.question_answerer import freeze_embeddings
from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments
from xlretrieval.trainers.step_mean import StepMeanMixin


class QuestionAnsweringTrainer(StepMeanMixin, PublishingMixin, Trainer):
    """Trains the scores of an answer's first and last token.

    What a step learns from follows from the seed and its number, and does not depend on how it is cut into batches and
    processes: its loss is the mean over the windows of the whole step. Evaluation answers the dev questions of every
    pair of languages, on all processes, and logs `eval_f1_de-en` and `eval_exact_match_de-en` for each pair and their
    means `eval_f1` and `eval_exact_match`, in percent. With `best_epoch="pair"` the model of each pair's best epoch is
    kept in `best/de-en` of the output folder.

    Args:
        model: Any encoder with a head for question answering; embeddings are frozen in place.
        args: The arguments.
        train: Questions to learn from; none to evaluate only.
        processing_class: The model's tokenizer.
        dev: Sets of questions to evaluate on.
        callbacks: More callbacks.
        **kwargs: For `Trainer`, such as `optimizers`.

    Raises:
        ValueError: The model is shorter than `max_length` or has no such head; two dev sets have the same name, or
            there is none to choose an epoch by.

    Example:
        >>> squad = read_squad("train-v1.1.json", context_language="en")  # doctest: +SKIP
        >>> dev = [load_questions("MLQA_V1.zip", f"mlqa.{pair}") for pair in ("de.en", "en.de")]  # doctest: +SKIP
        >>> model, tokenizer = load_question_answerer("runs/qlm-rr")  # doctest: +SKIP
        >>> QuestionAnsweringTrainer(model, args, squad.questions, tokenizer, dev).train()  # doctest: +SKIP
    """

    def __init__(
        self,
        model: PreTrainedModel,
        args: QuestionAnsweringArguments,
        train: Sequence[Question],
        processing_class: PreTrainedTokenizerBase,
        dev: Sequence[QuestionSet] = (),
        callbacks: Sequence[TrainerCallback] = (),
        **kwargs,
    ):
        _check(model, args, processing_class, dev)
        if args.freeze_embeddings:
            freeze_embeddings(model)
        self.dev = list(dev)
        self.dev_features = [self._features(part.questions, args, processing_class) for part in self.dev]
        callbacks, dataset = list(callbacks), None
        if train:
            features = self._features(train, args, processing_class, training=True)
            dataset = WindowStream(features, args.examples_per_step, args.seed)
            self.step_sampler = StepSampler(dataset.steps_per_epoch, args.examples_per_step)
            callbacks.append(EpochCallback(self.step_sampler, dataset.steps_per_epoch))
        if args.early_stopping_patience is not None:
            callbacks.append(PatienceCallback(args.early_stopping_patience, "eval_f1"))
        super().__init__(
            model=model,
            args=args,
            data_collator=question_collator(model, processing_class, args.max_length),
            train_dataset=dataset,
            eval_dataset=self.dev_features[0] if self.dev else None,  # the Trainer wants one; see `evaluate`
            processing_class=processing_class,
            callbacks=callbacks,
            **kwargs,
        )
        # Losses below are divided by the windows of the whole step; the Trainer must not divide again.
        self.loss_is_scaled_for_ga = True

    @staticmethod
    def _features(
        questions: Sequence[Question],
        args: QuestionAnsweringArguments,
        tokenizer: PreTrainedTokenizerBase,
        training: bool = False,
    ) -> QuestionFeatures:
        return QuestionFeatures(
            tokenizer, questions, args.max_length, args.stride, args.max_query_length, training=training
        )

    def _count_items(self, batch: dict[str, torch.Tensor]) -> int:
        return len(batch["start_positions"])

    def _summed_loss(self, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, object]:
        outputs = model(**model_inputs(self.accelerator.unwrap_model(self.model), batch))
        total = 0.5 * sum(
            F.cross_entropy(logits.float().masked_fill(batch["attention_mask"] == 0, -1e4), places, reduction="sum")
            for logits, places in (
                (outputs.start_logits, batch["start_positions"]),
                (outputs.end_logits, batch["end_positions"]),
            )
        )
        return total, outputs

    def evaluate(
        self,
        eval_dataset: Sequence[QuestionSet] | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Answers the dev questions, on all processes, and logs exact match and F1 in percent.

        Args:
            eval_dataset: Other sets of questions than those of the trainer.
            ignore_keys: Unused.
            metric_key_prefix: Of the names.

        Returns:
            `exact_match` and `f1`, the means over the sets, and of each set with its name behind; and the runtime.
        """
        start = time.time()
        results = self.answer(eval_dataset if _are_sets(eval_dataset) else None)
        values = mean_scores(results)
        for result in results:
            values |= {f"{metric}_{result.name}": getattr(result.scores, metric) for metric in ("exact_match", "f1")}
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in values.items()}
        metrics.update(speed_metrics(metric_key_prefix, start, sum(len(result.scores.ids) for result in results)))
        if self.args.best_epoch == "pair" and self.is_in_train and metric_key_prefix == "eval":
            self._keep_best_of_pairs(metrics)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def answer(self, sets: Sequence[QuestionSet] | None = None) -> list[QuestionSetResult]:
        """Answers sets of questions, those of the trainer by default, and scores them.

        Raises:
            ValueError: There is no set.
        """
        pairs = list(zip(self.dev, self.dev_features, strict=True))
        if sets is not None:
            features = (self._features(part.questions, self.args, self.processing_class) for part in sets)
            pairs = list(zip(sets, features, strict=True))
        if not pairs:
            raise ValueError("There must be dev questions to evaluate on, got none. Pass dev.")
        results = []
        for questions, features in pairs:
            answers = predict_answers(
                self.model, self.processing_class, features, self.args.extraction, self.args.per_device_eval_tokens
            )
            texts = {name: answer.text for name, answer in answers.items()}
            results.append(score_question_set(questions, texts, features.counts))
        return results

    def _keep_best_of_pairs(self, metrics: dict[str, float]) -> None:
        """Saves the model for the pairs that it answers better than any epoch before, as the log has it."""
        for part in self.dev:
            name = f"eval_f1_{part.name}"
            before = [row[name] for row in self.state.log_history if name in row]
            if not before or metrics[name] > max(before):
                self.save_model(str(self.best_folder(part.name)), _internal_call=True)

    def best_folder(self, pair: str) -> Path:
        """Where the model of a pair's best epoch is kept."""
        return Path(self.args.output_dir) / "best" / pair


def _check(
    model: PreTrainedModel,
    args: QuestionAnsweringArguments,
    tokenizer: PreTrainedTokenizerBase,
    dev: Sequence[QuestionSet],
) -> None:
    input_limit(model, tokenizer, args.max_length)
    names = [part.name for part in dev]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"Dev sets must have different names, got {name!r} {names.count(name)} times. Rename one."
            )
    if not dev and (args.eval_strategy != "no" or args.load_best_model_at_end):
        raise ValueError(
            "There must be dev questions to choose the epoch by, got none. Pass dev, or set eval_strategy to no and "
            "load_best_model_at_end to false."
        )
    if args.n_gpu > 1:
        raise ValueError(
            f"Several GPUs must have a process each, got one process with {args.n_gpu} GPUs. Use `accelerate launch "
            "-m xlretrieval finetune qa ...`, or choose one with CUDA_VISIBLE_DEVICES."
        )


def _are_sets(value: object) -> bool:
    return isinstance(value, Sequence) and bool(value) and isinstance(value[0], QuestionSet)
