"""Fine-tuning on a collection: what moves, what is learnt, and that a step is one step however it is cut."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fine_tune_steps import fine_tune, make_trainer  # tests/trainers is on the path, see conftest
from warm_processes import run_warm

from xlretrieval.data.ranking_examples import CollectionQueries
from xlretrieval.data.sections import AlignedSections
from xlretrieval.trainers.losses import DISTILLATION_LOSSES, RANKING_LOSSES
from xlretrieval.trainers.pretraining import XLPretrainingTrainer
from xlretrieval.trainers.ranking import CollectionRankingTrainer, RelevanceRankingTrainer
from xlretrieval.trainers.ranking_arguments import RankingArguments

SCRIPT = Path(__file__).with_name("fine_tune_steps.py")


@pytest.fixture
def options(long_folder, judged_yaml, tmp_path) -> dict[str, str]:
    return {"model": str(long_folder), "config": str(judged_yaml), "output": str(tmp_path / "run")}


def assert_same(first: list[dict], second: list[dict], tolerance: float) -> None:
    assert [row["step"] for row in first] == [row["step"] for row in second]
    for one, other in zip(first, second, strict=True):
        for key in ("loss", "grad_norm", "rr_loss", "rr_accuracy", "eval_map"):
            assert one.get(key) == pytest.approx(other.get(key), abs=tolerance), (one["step"], key)


@pytest.mark.parametrize("loss", ["pairwise_logistic", "listwise"])
def test_batches_and_accumulation_change_nothing(loss, options):
    whole = fine_tune(**options, per_device_train_batch_size=8, negatives=2, loss=loss)
    assert len(whole) == 8 and whole[0]["loss"] == pytest.approx(whole[0]["rr_loss"], abs=1e-5)
    cut = fine_tune(**options, per_device_train_batch_size=2, gradient_accumulation_steps=4, negatives=2, loss=loss)
    assert_same(whole, cut, 1e-5)


@pytest.mark.slow
def test_two_processes_change_nothing(options, tmp_path):
    alone = fine_tune(**options, dev=True, eval_delay=0, per_device_train_batch_size=8)
    result = tmp_path / "result.json"
    words = {**options, "dev": True, "eval_delay": 0, "per_device_train_batch_size": 4, "ddp_backend": "gloo"}
    done = run_warm([SCRIPT, json.dumps({**words, "result_file": str(result)})], processes=2)
    assert done.returncode == 0, done.stderr[-3000:]
    assert any("eval_map" in row for row in alone)
    assert_same(alone, json.loads(result.read_text()), 1e-5)


@pytest.mark.parametrize(("weight_decay", "head"), [(0.0, None), (0.1, 5e-3)])
def test_frozen_parameters_do_not_move(weight_decay, head, options):
    trainer = make_trainer(**options, weight_decay=weight_decay, head_learning_rate=head)
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    trainer.train()
    moved = {name for name, parameter in trainer.model.named_parameters() if not torch.equal(parameter, before[name])}
    # Some that may move have no gradient: the bias of the head in a pairwise loss.
    assert moved <= {name for name, parameter in trainer.model.named_parameters() if parameter.requires_grad}
    assert "classifier.weight" in moved and any(".layer.1." in name for name in moved)
    assert not any(".layer.0." in name or "embeddings" in name for name in moved)


def test_two_learning_rates(options):
    """The first step of Adam moves a parameter by the learning rate."""
    trainer = make_trainer(**options, max_steps=1, learning_rate=1e-4, head_learning_rate=1e-2, max_grad_norm=0.0)
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    trainer.train()
    after = dict(trainer.model.named_parameters())
    steps = {name: (after[name] - old).abs().max().item() for name, old in before.items()}
    assert steps["classifier.weight"] == pytest.approx(1e-2, rel=0.01)
    assert steps["bert.encoder.layer.1.output.dense.weight"] == pytest.approx(1e-4, rel=0.01)
    assert len(trainer.optimizer.param_groups) == 4


def test_it_learns_to_rank(options):
    """On the queries it is trained with: 15 are too few to learn what the words of others mean."""
    rows = fine_tune(
        **options, dev="train", eval_delay=1, max_steps=-1, num_train_epochs=20, learning_rate=5e-3, freeze_layers=-1
    )
    values = [row["eval_map"] for row in rows if "eval_map" in row]
    assert len(values) == 20 and values[0] < 0.6 and values[-1] > 0.8  # 0.36 by chance: 3 of 12


def test_dev_queries_from_an_epoch_on_and_early_stopping(options):
    rows = fine_tune(**options, dev=True, max_steps=-1, num_train_epochs=9, eval_delay=3, learning_rate=0.0)
    assert [row["epoch"] for row in rows if "eval_map" in row] == [3, 4, 5, 6, 7, 8, 9]
    stopped = fine_tune(
        **options,
        dev=True,
        max_steps=-1,
        num_train_epochs=9,
        eval_delay=3,
        learning_rate=0.0,
        early_stopping_patience=2,
    )
    assert [row["epoch"] for row in stopped if "eval_map" in row] == [3, 4, 5]


@pytest.mark.parametrize("loss", [*RANKING_LOSSES, *DISTILLATION_LOSSES])
def test_every_loss_trains(loss, options, judged):
    teacher = {query: {document: 2.0 * grade for document, grade in of.items()} for query, of in judged.qrels.items()}
    part = CollectionQueries(judged, loss=loss, teacher=teacher if loss in DISTILLATION_LOSSES else None)
    trainer = make_trainer(
        **options, parts=[part], negatives=3, max_steps=15, learning_rate=5e-3, per_device_train_batch_size=16
    )
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "grad_norm" in row]
    assert sum(losses[-4:]) < sum(losses[:4])


def test_each_data_set_with_its_loss(options, judged):
    twin = CollectionQueries(replace(judged, name="twin"), loss="pointwise", weight=0.5)
    trainer = make_trainer(**options, parts=[CollectionQueries(judged), twin], max_steps=12)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "grad_norm" in row]
    names = [trainer.train_dataset.step(row["step"] - 1)[1] for row in rows]
    assert set(names) == {"little.en-de", "twin.en-de"}
    for row, name in zip(rows, names, strict=True):
        assert row[f"rr_loss_{name}"] == row["rr_loss"]
        assert not any(key.startswith("rr_loss_") and key != f"rr_loss_{name}" for key in row)


def test_one_name_for_both_kinds_of_data(options, corpus_folder):
    assert type(make_trainer(**options)) is CollectionRankingTrainer
    assert issubclass(CollectionRankingTrainer, RelevanceRankingTrainer)
    made = RelevanceRankingTrainer.__new__(RelevanceRankingTrainer, None, None, AlignedSections.load(corpus_folder))
    assert type(made) is RelevanceRankingTrainer and isinstance(made, XLPretrainingTrainer)


def test_mistakes(options, judged):
    with pytest.raises(ValueError, match="There must be dev queries to evaluate on"):
        make_trainer(**options, eval_strategy="epoch", eval_delay=0)
    with pytest.raises(ValueError, match="loss kl of little.en-de must have a teacher's scores"):
        make_trainer(**options, parts=[CollectionQueries(judged, loss="kl")])
    with pytest.raises(ValueError, match="loss of little.en-de must be one of pairwise_logistic, .*got 'hinge'"):
        make_trainer(**options, parts=[CollectionQueries(judged, loss="hinge")])
    with pytest.raises(ValueError, match="max_length must be at most 96"):
        make_trainer(**options, max_length=512)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of pairwise_logistic"),
        ({"negatives": 0}, "negatives must be at least 1, got 0"),
        ({"num_train_epochs": 3}, "eval_delay must leave an epoch of 3 to choose, got 10"),
        ({"save_only_model": True}, "save_only_model must be false"),
        ({"early_stopping_patience": 0}, "early_stopping_patience must be at least 1"),
    ],
)
def test_mistakes_in_arguments(values, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        RankingArguments(output_dir=str(tmp_path), use_cpu=True, **values)


def test_the_papers_protocol_is_the_default(tmp_path):
    args = RankingArguments(output_dir=str(tmp_path), use_cpu=True)
    assert (args.learning_rate, args.seed, args.num_train_epochs, args.eval_delay) == (2e-5, 611, 20, 10)
    assert (args.loss, args.negatives, args.freeze_layers) == ("pairwise_logistic", 1, None)
    assert args.metric_for_best_model == "map" and args.greater_is_better and args.load_best_model_at_end
