"""Cross validation of a ranker: every query is tested once, by a model that was not trained or chosen with it.

A fold trains on its training queries, chooses the epoch by the MAP on the dev queries, and ranks the test queries with
the model of that epoch. Its folder keeps the newest and the best checkpoint as long as it is trained, so a run that
was killed goes on in the middle of a fold and ends with the same numbers.
"""

from __future__ import annotations

import copy
import gc
import shutil
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch.distributed as dist
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback, set_seed
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from xlretrieval.data.folds import Folds, Rotation, check_folds, queries_of, rotations
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.trainers.callbacks import LastEpochCallback
from xlretrieval.trainers.checkpoints import last_whole_checkpoint, train_to_the_end
from xlretrieval.trainers.early_stopping import METRIC
from xlretrieval.trainers.fold_results import FoldResult, fold_folder, read_fold, write_fold
from xlretrieval.trainers.judged_queries import average_precision, pooled_map, rank_queries
from xlretrieval.trainers.ranking import CollectionRankingTrainer
from xlretrieval.trainers.ranking_arguments import RankingArguments


class CrossValidation:
    """Trains and tests folds, and remembers in their folders what is done.

    Args:
        load_model: Loads the model to start from, and its tokenizer; called once a fold.
        args: The arguments; `output_dir` gets the folders of the folds. They are copied for every fold, since making
            other ones would leave the process group.
        parts: Data sets that are trained, chosen by and tested, by the folds of their queries.
        folds: Part of every topic, see `split_folds`.
        train_only: Data sets all of whose queries train in every fold.
        keep_models: Whether the best model of a fold stays, in `fold-N/model`.
        callbacks: For the trainer.

    Attributes:
        unused: Number of topics in the folds that no data set has.

    Raises:
        ValueError: A query is in no fold, or a fold has no query.
    """

    def __init__(
        self,
        load_model: Callable[[], tuple[PreTrainedModel, PreTrainedTokenizerBase]],
        args: RankingArguments,
        parts: Sequence[CollectionQueries],
        folds: Folds,
        train_only: Sequence[CollectionQueries] = (),
        keep_models: bool = False,
        callbacks: Sequence[TrainerCallback] = (),
    ):
        self.load_model, self.args, self.folds = load_model, args, folds
        self.parts, self.train_only = list(parts), list(train_only)
        self.keep_models, self.callbacks = keep_models, list(callbacks)
        self.output = Path(args.output_dir)
        self.unused = check_folds(folds, [query for part in self.parts for query in part.collection.queries])
        self.rotations = rotations(len(set(folds.values())))

    def run(self, numbers: Iterable[int] | None = None) -> list[FoldResult]:
        """Trains and tests folds that are not finished yet.

        Args:
            numbers: Which folds, from 1; all by default.

        Returns:
            Their results.

        Raises:
            ValueError: There is no such fold.
        """
        chosen = range(1, len(self.rotations) + 1) if numbers is None else numbers
        results = []
        for number in chosen:
            if not 1 <= number <= len(self.rotations):
                raise ValueError(
                    f"fold must be between 1 and {len(self.rotations)}, got {number}. Choose one of them."
                )
            done = read_fold(self.output, number)
            results.append(done or self._run_fold(self.rotations[number - 1]))
            if self.args.should_save:
                shutil.rmtree(fold_folder(self.output, number) / "checkpoints", ignore_errors=True)
            self._wait()
        return results

    def finished(self) -> list[FoldResult]:
        """The results of the folds that are finished, by any process."""
        found = (read_fold(self.output, rotation.number) for rotation in self.rotations)
        return [result for result in found if result is not None]

    def train_final(self, results: Sequence[FoldResult]) -> dict[str, Any]:
        """Trains one model on all queries, the one to use, and saves it in the output folder.

        There are no queries left to choose its epoch by, so it ends after the median of the epochs that the folds
        chose, on the schedule that they had. Nothing measures it; the folds tell what to expect.

        Args:
            results: Of all folds.

        Returns:
            `epochs`, `steps` and `examples`.
        """
        epochs = max(1, statistics.median_low([round(result.best_epoch) for result in results]))
        args = self._arguments_of("final")
        args.eval_strategy, args.load_best_model_at_end = IntervalStrategy.NO, False
        args.save_strategy, args.early_stopping_patience = SaveStrategy.EPOCH, None
        set_seed(args.seed)
        model, tokenizer = self.load_model()
        callbacks = [*self.callbacks, LastEpochCallback(epochs)]
        trainer = CollectionRankingTrainer(model, args, [*self.parts, *self.train_only], tokenizer, (), callbacks)
        train_to_the_end(trainer, last_whole_checkpoint(Path(args.output_dir)))
        trainer.save_model(str(self.output))
        if self.args.should_save:
            shutil.rmtree(self.output / "final", ignore_errors=True)
        self._wait()
        return {"epochs": epochs, "steps": trainer.state.global_step, "examples": trainer.train_dataset.counts()}

    def _run_fold(self, rotation: Rotation) -> FoldResult:
        trainer, tokenizer = self._trainer(rotation)
        self._train(trainer)
        step, dev_map = _best(trainer)
        test = self._choose(rotation.test)
        runs, ranked = rank_queries(trainer.model, tokenizer, test, self.args)
        precision = average_precision(test, runs)
        # Data sets without a query in the test part have none in the table either, but a column.
        precision = {part.name: precision.get(part.name, {}) for part in self.parts}
        history = trainer.state.log_history
        epochs = {row["step"]: row["epoch"] for row in history if METRIC in row}
        result = FoldResult(
            fold=rotation.number,
            best_epoch=epochs[step],
            best_step=step,
            dev_map=dev_map,
            map=pooled_map(precision),
            average_precision=precision,
            dev_maps={f"{row['epoch']:g}": row[METRIC] for row in history if METRIC in row},
            counts={
                "frozen_layers": trainer.frozen_layers,
                "examples": trainer.train_dataset.counts(),
                "trained_since_last_start": trainer.data_collator.counts(),
                "ranked": ranked,
            },
        )
        if self.keep_models:
            trainer.save_model(str(fold_folder(self.output, rotation.number) / "model"))
        if self.args.should_save:
            write_fold(result, runs, self.output)
        self._wait()
        del trainer
        gc.collect()  # model, optimizer and trainer refer to each other
        return result

    def _trainer(self, rotation: Rotation) -> tuple[CollectionRankingTrainer, PreTrainedTokenizerBase]:
        args = self._arguments_of(fold_folder(self.output, rotation.number).name)
        set_seed(args.seed)  # a new head is drawn from it, in every fold the same
        model, tokenizer = self.load_model()
        train = [*self._choose(*rotation.train), *self.train_only]
        dev = self._choose(rotation.dev)
        return CollectionRankingTrainer(model, args, train, tokenizer, dev, self.callbacks), tokenizer

    def _arguments_of(self, folder: str) -> RankingArguments:
        """Those of the run, with checkpoints in a folder of the output."""
        args = copy.copy(self.args)
        args.output_dir = str(self.output / folder / "checkpoints")
        return args

    def _choose(self, *numbers: int) -> list[CollectionQueries]:
        """The data sets with their queries in these parts; those without one are left out."""
        chosen = [
            replace(part, queries=tuple(queries_of(self.folds, part.collection.queries, *numbers)))
            for part in self.parts
        ]
        return [part for part in chosen if part.queries]

    @staticmethod
    def _train(trainer: CollectionRankingTrainer) -> None:
        """Trains to the end, or from the newest whole checkpoint to the end, and loads the best one."""
        found = last_whole_checkpoint(Path(trainer.args.output_dir))
        train_to_the_end(trainer, found, fixed_length=True)

    def _wait(self) -> None:
        """Until all processes are here: what the first one writes is read by the others."""
        if dist.is_available() and dist.is_initialized():
            dist.barrier()


def _best(trainer: CollectionRankingTrainer) -> tuple[int, float]:
    """Step and dev MAP of the model that training ended with."""
    values = {row["step"]: row[METRIC] for row in trainer.state.log_history if METRIC in row}
    step = trainer.state.best_global_step if trainer.args.load_best_model_at_end else trainer.state.global_step
    if step not in values:  # the run was too short to be evaluated, or keeps its last model
        step = trainer.state.global_step
        values[step] = trainer.evaluate()[METRIC] if step not in values else values[step]
    return step, values[step]
