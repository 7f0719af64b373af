"""Held-out evaluation: literal ranks, the same numbers in any order of processes, and what it needs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from train_steps import train

from xlretrieval.data.sections import AlignedSections
from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.modeling.xl_retrieval import load_xl_retrieval
from xlretrieval.trainers.arguments import XLPretrainingArguments
from xlretrieval.trainers.held_out import ranking_row
from xlretrieval.trainers.pretraining import QueryLanguageModelingTrainer, XLPretrainingTrainer
from xlretrieval.trainers.ranking import RelevanceRankingTrainer


def build(long_folder, corpus, tmp_path, **options) -> XLPretrainingTrainer:
    arguments = XLPretrainingArguments(
        output_dir=str(tmp_path),
        eval_strategy="steps",
        max_length=64,
        max_query_length=16,
        use_cpu=True,
        **options,
    )
    model, tokenizer = load_xl_retrieval(str(long_folder)), load_tokenizer(str(long_folder))
    return XLPretrainingTrainer(model, arguments, corpus, processing_class=tokenizer)


@pytest.mark.parametrize(
    ("scores", "accuracy", "reciprocal_rank"),
    [
        ([3.0, 1.0, 2.0], 1.0, 1.0),
        ([2.0, 1.0, 3.0], 0.5, 0.5),
        ([0.0, 1.0, 2.0], 0.0, 1 / 3),
        ([1.0, 1.0, 1.0], 0.5, 0.5),  # a model that scores everything alike is no better than chance
    ],
)
def test_ranking_row(scores, accuracy, reciprocal_rank):
    loss, below, reciprocal = ranking_row(np.array(scores))
    assert below == accuracy and reciprocal == pytest.approx(reciprocal_rank)
    assert loss == pytest.approx(np.log1p(np.exp(np.array(scores[1:]) - scores[0])).mean())


def test_metrics_and_their_means(long_folder, corpus, tmp_path):
    trainer = build(long_folder, corpus, tmp_path, eval_pairs=8, eval_candidates=5)
    trainer.model.train()
    metrics = trainer.evaluate()
    assert trainer.model.training
    for name in ("qlm_loss", "qlm_accuracy", "rr_loss", "rr_accuracy", "mrr", "sentence_p1"):
        pairs = [metrics[f"eval_{name}_{pair}"] for pair in ("en-de", "en-fr")]
        assert metrics[f"eval_{name}"] == pytest.approx(np.mean(pairs))
    assert metrics["eval_loss"] == pytest.approx(metrics["eval_qlm_loss"] + metrics["eval_rr_loss"])
    again = {name: value for name, value in trainer.evaluate().items() if "per_second" not in name}
    assert all(metrics[name] == value for name, value in again.items() if "runtime" not in name)


def test_training_learns_and_keeps_the_best(long_folder, corpus, tmp_path):
    """On a language made of a dictionary, held-out ranking gets better within seconds; the best step is loaded."""
    options = {"eval_pairs": 16, "eval_candidates": 10, "max_steps": 90, "eval_steps": 30, "save_steps": 30}
    options |= {"load_best_model_at_end": True, "metric_for_best_model": "mrr", "greater_is_better": True}
    trainer = build(
        long_folder,
        corpus,
        tmp_path,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        negatives=3,
        rr_loss="listwise",
        disable_tqdm=True,
        **options,
    )
    before = trainer.evaluate()
    trainer.train()
    assert trainer.state.best_model_checkpoint is not None
    after = trainer.evaluate()
    assert after["eval_mrr"] == pytest.approx(trainer.state.best_metric)
    assert after["eval_qlm_loss"] < before["eval_qlm_loss"] - 0.5
    assert (tmp_path / "curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("trainer_class", "objective"), [(QueryLanguageModelingTrainer, "qlm"), (RelevanceRankingTrainer, "rr")]
)
def test_trainers_of_one_objective(trainer_class, objective, long_folder, corpus, tmp_path):
    arguments = XLPretrainingArguments(
        output_dir=str(tmp_path), max_steps=3, logging_steps=1, max_length=64, max_query_length=16, use_cpu=True
    )
    model, tokenizer = load_xl_retrieval(str(long_folder)), load_tokenizer(str(long_folder))
    trainer = trainer_class(model, arguments, corpus, processing_class=tokenizer)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "grad_norm" in row]
    assert len(rows) == 3 and all(row[f"{objective}_loss"] == pytest.approx(row["loss"], abs=1e-5) for row in rows)
    other = {"qlm": "rr", "rr": "qlm"}[objective]
    assert not any(key.startswith(other) for row in rows for key in row)


def test_early_stopping(long_folder, corpus_folder, tmp_path):
    """With a learning rate of zero nothing gets better, and training ends after the patience."""
    options = {"eval_strategy": "steps", "eval_steps": 2, "eval_pairs": 4, "eval_candidates": 3, "max_steps": 20}
    options |= {"early_stopping_patience": 2, "metric_for_best_model": "mrr", "load_best_model_at_end": True}
    options |= {"save_strategy": "steps", "save_steps": 2, "learning_rate": 0.0}
    rows = train(str(long_folder), str(corpus_folder), str(tmp_path), **options)
    assert rows[-1]["step"] == 6
    # Killed after one evaluation that was no better, it waits for one more.
    resume = str(tmp_path / "checkpoint-4")
    rows = train(str(long_folder), str(corpus_folder), str(tmp_path / "resumed"), resume=resume, **options)
    assert rows[-1]["step"] == 6


def test_nothing_held_out(long_folder, corpus_folder, tmp_path):
    corpus = AlignedSections.load(corpus_folder)
    with pytest.raises(ValueError, match="must be one of train, validation, test, got 'dev'"):
        build(long_folder, corpus, tmp_path, eval_split="dev")


def test_a_model_that_is_too_short(long_folder, corpus, tmp_path):
    arguments = XLPretrainingArguments(output_dir=str(tmp_path), max_length=512, use_cpu=True)
    with pytest.raises(ValueError, match="max_length must be at most 96, the positions of this model, got 512"):
        XLPretrainingTrainer(
            load_xl_retrieval(str(long_folder)), arguments, corpus, processing_class=load_tokenizer(str(long_folder))
        )


def test_the_first_positions_of_xlm_r_are_none(tiny_checkpoint, corpus, tmp_path):
    folder = str(tiny_checkpoint("XLMRobertaForMaskedLM"))
    model, tokenizer = load_xl_retrieval(folder), load_tokenizer(folder)
    positions = model.config.max_position_embeddings
    arguments = XLPretrainingArguments(output_dir=str(tmp_path), max_length=positions, use_cpu=True)
    with pytest.raises(ValueError, match=f"max_length must be at most {positions - model.config.pad_token_id - 1},"):
        XLPretrainingTrainer(model, arguments, corpus, processing_class=tokenizer)


def test_a_step_in_which_nothing_is_masked(long_folder, corpus, tmp_path):
    """Its loss and its gradient are zero, and not 0 / 0, which would take the weights with it."""
    trainer = build(long_folder, corpus, tmp_path, eval_pairs=4, eval_candidates=3)
    batch = trainer.data_collator([trainer.train_dataset[0]])
    batch["labels"] = torch.full_like(batch["labels"], -100)
    items = trainer._get_num_items_in_batch([batch], torch.device("cpu"))
    for found in (items, None):
        loss = trainer.compute_loss(trainer.model.train(), batch, num_items_in_batch=found)
        loss.backward()
        assert loss.item() == 0
    assert all(p.grad is None or not p.grad.any() for p in trainer.model.parameters())
    trainer.log({"loss": 0.0})  # a mean over nothing is left out
    assert not any(name.startswith("qlm") for name in trainer.state.log_history[-1])


def test_a_model_without_heads(long_folder, corpus, tmp_path):
    from transformers import AutoModel

    arguments = XLPretrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    with pytest.raises(ValueError, match="The model must have both heads, got BertLongModel without masked_lm_head"):
        XLPretrainingTrainer(
            AutoModel.from_pretrained(long_folder),
            arguments,
            corpus,
            processing_class=load_tokenizer(str(long_folder)),
        )
