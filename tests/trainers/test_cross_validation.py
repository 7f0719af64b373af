"""Cross validation: who is trained, chosen by and tested, and the same table after any interruption."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForSequenceClassification, TrainerCallback

from xlretrieval.data.folds import split_folds
from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.data.trec import read_qrels, read_run
from xlretrieval.evaluation.ranking import evaluate_run
from xlretrieval.trainers import cross_validation
from xlretrieval.trainers.cross_validation import CrossValidation
from xlretrieval.trainers.fold_results import FoldResult, summarize
from xlretrieval.trainers.ranker import load_ranker
from xlretrieval.trainers.ranking_arguments import RankingArguments

FOLDS = 3
NAME = "little.en-de"


class Interrupted(Exception):
    """Stands for a kill."""


def interrupt(*_) -> None:
    raise Interrupted


class InterruptAt(TrainerCallback):
    """Raises at a step, or right after a checkpoint was saved there."""

    def __init__(self, step: int, saved: bool = False):
        self.step, self.saved = step, saved

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step and not self.saved:
            raise Interrupted

    def on_save(self, args, state, control, **kwargs):
        if state.global_step == self.step and self.saved:
            raise Interrupted


@pytest.fixture(scope="module")
def validate_in(tiny_checkpoint, judged):
    """Makes a cross validation of three folds, three epochs of four or five steps; dropout is on."""

    def make(output: Path, callbacks=(), parts=None, train_only=(), keep_models=False, **options):
        defaults = {"num_train_epochs": 3, "eval_delay": 2, "per_device_train_batch_size": 5, "learning_rate": 1e-3}
        defaults |= {"max_length": 64, "max_query_length": 16, "use_cpu": True, "disable_tqdm": True}
        args = RankingArguments(output_dir=str(output), **(defaults | options))
        parts = [CollectionQueries(judged)] if parts is None else parts
        folds = split_folds(judged.queries, FOLDS)
        model = str(tiny_checkpoint("BertForMaskedLM"))
        return CrossValidation(lambda: load_ranker(model), args, parts, folds, train_only, keep_models, callbacks)

    return make


@pytest.fixture
def validate(validate_in, tmp_path):
    """The same, in a folder of the test by its name."""
    return lambda name="run", *others, **options: validate_in(tmp_path / name, *others, **options)


def finish(validation: CrossValidation) -> dict[str, str]:
    """Runs it, and returns the files of the result."""
    validation.run()
    summarize(validation.finished(), validation.parts, validation.output)
    names = ("results.json", "table.md", f"{NAME}.run", f"{NAME}.qrels")
    return {name: (validation.output / name).read_text() for name in names}


def test_every_query_is_tested_by_a_model_that_has_not_seen_it(validate, judged):
    validation = validate()
    files = finish(validation)
    results = validation.finished()
    tested = [query for result in results for query in result.average_precision[NAME]]
    assert sorted(tested) == sorted(judged.queries)
    for result, rotation in zip(results, validation.rotations, strict=True):
        train, dev = (
            {query for query in judged.queries if validation.folds[query] in chosen}
            for chosen in (rotation.train, (rotation.dev,))
        )
        test = set(result.average_precision[NAME])
        assert not train & dev and not (train | dev) & test and len(train | dev | test) == 20
        assert result.counts["examples"][NAME]["examples"] == 3 * len(train)
        # The first epoch is not looked at; the best of the others is.
        assert list(result.dev_maps) == ["2", "3"]
        assert result.dev_map == max(result.dev_maps.values()) == result.dev_maps[f"{result.best_epoch:g}"]
    # The table is what anyone would measure of the run.
    run, qrels = read_run(validation.output / f"{NAME}.run"), read_qrels(validation.output / f"{NAME}.qrels")
    summary = json.loads(files["results.json"])
    assert qrels == judged.qrels
    assert evaluate_run(run, judged.qrels, ["AP"]).mean["AP"] == pytest.approx(summary["map"], abs=1e-9)
    means = [fold["map"] for fold in summary["folds"]]
    sizes = [fold["queries"] for fold in summary["folds"]]
    assert sizes == [7, 7, 6] and np.average(means, weights=sizes) == pytest.approx(summary["map"])
    assert f"| all | 20 | | | **{summary['map']:.4f}** |" in files["table.md"]
    # Checkpoints are gone, models are not kept.
    assert {path.name for path in (validation.output / "fold-1").iterdir()} == {"metrics.json", f"{NAME}.run"}


@pytest.mark.parametrize("bf16", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_model_that_is_kept_gives_the_run(bf16, validate, judged):
    """Training in bf16, too: what ranks is the model that is saved, in its own precision."""
    validation = validate(keep_models=True, bf16=bf16)
    validation.run([2])
    folder = validation.output / "fold-2"
    from xlretrieval.inference.distributed import score_collection
    from xlretrieval.inference.reranker import Reranker

    run = read_run(folder / f"{NAME}.run")
    reranker = Reranker.from_pretrained(str(folder / "model"), max_query_length=16, max_length=64)
    again, _ = score_collection(reranker, judged, list(run))
    for query, documents in run.items():
        assert again[query] == pytest.approx(documents, abs=1e-6)
    assert AutoModelForSequenceClassification.from_pretrained(folder / "model").config.num_labels == 1


def first_fold(validation: CrossValidation) -> tuple[FoldResult, str]:
    """Runs it: the result, without what depends on how often it was started, and the run file."""
    [result] = validation.run([1])
    return replace(result, counts={}), (validation.output / "fold-1" / f"{NAME}.run").read_text()


@pytest.fixture(scope="module")
def uninterrupted(validate_in, tmp_path_factory) -> tuple[FoldResult, str]:
    """The first fold: three epochs of four steps."""
    validation = validate_in(tmp_path_factory.mktemp("whole"))
    result = first_fold(validation)
    assert list(result[0].dev_maps) == ["2", "3"] and result[0].best_step in (8, 12)
    return result


@pytest.mark.parametrize(
    ("callback", "left"),
    [
        pytest.param(InterruptAt(1), [], marks=pytest.mark.slow),
        (InterruptAt(6), ["checkpoint-4"]),
        pytest.param(InterruptAt(8, saved=True), ["checkpoint-8"], marks=pytest.mark.slow),
        (InterruptAt(11), ["checkpoint-8"]),
        pytest.param(InterruptAt(12, saved=True), ["checkpoint-12"], marks=pytest.mark.slow),
    ],
    ids=["first step", "middle of an epoch", "saved", "dev queries ranked once", "last saved"],
)
def test_interrupted_anywhere(callback, left, validate, uninterrupted):
    with pytest.raises(Interrupted):
        validate("broken", [callback]).run([1])
    checkpoints = validate("broken").output / "fold-1" / "checkpoints"
    assert {path.name for path in checkpoints.glob("checkpoint-*")} >= set(left)
    assert first_fold(validate("broken")) == uninterrupted
    assert not checkpoints.exists()


def test_interrupted_before_the_result(validate, uninterrupted, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(cross_validation, "write_fold", interrupt)
        validate("broken").run([1])
    assert first_fold(validate("broken", [InterruptAt(1)])) == uninterrupted  # not a step is trained again


@pytest.mark.slow
def test_a_checkpoint_cut_off_is_passed_over(validate, uninterrupted):
    with pytest.raises(Interrupted):
        validate("broken", [InterruptAt(8, saved=True)]).run([1])
    checkpoints = validate("broken").output / "fold-1" / "checkpoints"
    (checkpoints / "checkpoint-8" / "trainer_state.json").write_text("{")
    assert first_fold(validate("broken")) == uninterrupted


def test_finished_folds_are_passed_over(validate):
    first = validate("run").run([1])
    assert validate("run", [InterruptAt(1)]).run([1]) == first


def test_a_run_that_was_stopped_early_is_over(validate, monkeypatch):
    """It is killed between its last step and its result, and must not train another epoch."""
    options = {"num_train_epochs": 8, "eval_delay": 1, "early_stopping_patience": 1, "learning_rate": 0.0}
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(cross_validation, "write_fold", interrupt)
        validate("stopped", **options).run([1])
    [result] = validate("stopped", **options).run([1])
    assert list(result.dev_maps) == ["1", "2"] and result.best_epoch == 1


@pytest.mark.slow
def test_several_data_sets(validate, judged):
    """The topics of one collection are in the same fold as those of the other; one only trains."""
    twin = replace(judged, name="twin")
    parts = [CollectionQueries(judged), CollectionQueries(twin, loss="listwise")]
    more = CollectionQueries(replace(judged, name="more", queries={"1": judged.queries["1"]}), weight=2)
    validation = validate(parts=parts, train_only=[more], num_train_epochs=1, eval_delay=1)
    validation.run()
    summary = summarize(validation.finished(), parts, validation.output)
    assert summary["queries"] == 40 and set(summary["data"]) == {NAME, "twin.en-de"}
    for result in validation.finished():
        assert set(result.average_precision[NAME]) == set(result.average_precision["twin.en-de"])
        assert result.counts["examples"]["more.en-de"]["examples"] == 3
    assert "| twin.en-de | 20 |" in (validation.output / "table.md").read_text()


@pytest.mark.slow
def test_a_fold_leaves_no_model_behind(validate):
    validation, models = validate(num_train_epochs=1, eval_delay=1), []
    load_model = validation.load_model

    def load():
        loaded = load_model()
        models.append(weakref.ref(loaded[0]))
        return loaded

    validation.load_model = load
    validation.run([1, 2])
    assert [model() for model in models] == [None, None]


def test_mistakes(validate, judged):
    with pytest.raises(ValueError, match="fold must be between 1 and 3, got 4"):
        validate().run([4])
    grown = replace(judged, queries=judged.queries | {"99": "water"})
    with pytest.raises(ValueError, match="every query must be in a fold, got 1 without one, such as 99"):
        validate(parts=[CollectionQueries(grown)])
    path: Path = validate().output / "fold-1" / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(ValueError, match="the metrics of a fold must be whole"):
        validate().run([1])


def test_the_final_model_goes_on_after_a_kill(validate):
    """On all queries, for the median of the folds' epochs, with the same weights however often it was started."""

    def weights(output: Path) -> bytes:
        return (output / "model.safetensors").read_bytes()

    results = [FoldResult(number, epoch, 0, 0.0, 0.0, {}) for number, epoch in enumerate((3.0, 1.0, 2.0), 1)]
    whole = validate("whole")
    final = whole.train_final(results)
    assert final == {"epochs": 2, "steps": 24, "examples": final["examples"]}
    assert final["examples"][NAME]["queries"] == 20
    with pytest.raises(Interrupted):
        validate("killed", [InterruptAt(18)]).train_final(results)
    killed = validate("killed")
    assert killed.train_final(results) == final
    assert weights(killed.output) == weights(whole.output) != weights_of_one_epoch(validate, results)


def test_the_final_model_is_over_when_its_last_epoch_is(validate, monkeypatch):
    """Killed while the model is saved, it trains no further."""
    results = [FoldResult(1, 1.0, 0, 0.0, 0.0, {})]
    whole, stopped = validate("whole"), validate("stopped")
    final = whole.train_final(results)

    def save(trainer, folder=None, _internal_call=False):
        if not _internal_call:
            raise Interrupted
        save_model(trainer, folder, _internal_call)

    save_model = cross_validation.CollectionRankingTrainer.save_model
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(cross_validation.CollectionRankingTrainer, "save_model", save)
        stopped.train_final(results)
    assert stopped.train_final(results) == final
    names = [validation.output / "model.safetensors" for validation in (whole, stopped)]
    assert names[0].read_bytes() == names[1].read_bytes()


def weights_of_one_epoch(validate, results: list[FoldResult]) -> bytes:
    shorter = validate("shorter")
    assert shorter.train_final(results[1:2])["epochs"] == 1
    return (shorter.output / "model.safetensors").read_bytes()
