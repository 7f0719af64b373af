"""Fine-tuning for question answering: it learns, however a step is cut; epochs are chosen, runs are resumed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, set_seed

from xlretrieval.data.answers.questions import Question, QuestionSet
from xlretrieval.trainers.question_answerer import freeze_embeddings, load_question_answerer
from xlretrieval.trainers.question_answering import QuestionAnsweringTrainer
from xlretrieval.trainers.question_answering_arguments import QuestionAnsweringArguments

ENGLISH = "the red house is in the city. the blue river is on the mountain. music is in the water."
GERMAN = "das haus ist rot in der stadt. der fluss ist blau und der berg ist auf. musik ist in das wasser."
ASKED = [("red?", "the red house"), ("river?", "on the mountain"), ("music?", "the water"), ("blue?", "blue river")]
GEFRAGT = [("rot?", "das haus"), ("fluss?", "blau"), ("musik?", "das wasser"), ("stadt?", "der stadt")]


def questions(language: str) -> QuestionSet:
    context, rows = (ENGLISH, ASKED) if language == "en" else (GERMAN, GEFRAGT)
    made = [Question(f"{language}{n}", q, context, (a,), (context.index(a),)) for n, (q, a) in enumerate(rows)]
    return QuestionSet(f"{language}-{language}", language, language, tuple(made))


def encoder(name: str, tiny_checkpoint, long_folder: Path, folder: Path) -> str:
    path = Path(__file__).with_name("encoder_types.py")
    spec = importlib.util.spec_from_file_location("encoder_types_of_answers", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return str(module.encoder_folder(name, tiny_checkpoint, long_folder, folder))


def make_trainer(model: str, output: Path, dev=("en", "de"), dropout: bool = False, **options):
    torch.set_num_threads(1)
    defaults = {
        "num_train_epochs": 3,
        "learning_rate": 3e-3,
        "per_device_train_batch_size": 4,
        "logging_steps": 1,
        "max_length": 40,
        "stride": 8,
        "max_query_length": 8,
        "use_cpu": True,
        "disable_tqdm": True,
    }
    if not dev:
        defaults |= {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False}
    args = QuestionAnsweringArguments(output_dir=str(output), **(defaults | options))
    set_seed(0)
    answerer, tokenizer = load_question_answerer(model)
    for module in answerer.modules():
        if isinstance(module, torch.nn.Dropout) and not dropout:
            module.p = 0.0
    train = [*questions("en").questions, *questions("de").questions]
    return QuestionAnsweringTrainer(answerer, args, train, tokenizer, [questions(language) for language in dev])


def losses(trainer) -> list[float]:
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]


@pytest.mark.parametrize("name", ["mbert", "mbert-long"])
def test_learns_eight_questions(name: str, tiny_checkpoint, long_folder: Path, tmp_path: Path) -> None:
    model = encoder(name, tiny_checkpoint, long_folder, tmp_path)
    trainer = make_trainer(
        model,
        tmp_path / "out",
        num_train_epochs=60,
        eval_strategy="no",
        save_strategy="no",
        load_best_model_at_end=False,
    )
    before = trainer.evaluate()
    embeddings = trainer.model.get_input_embeddings().weight.clone()
    trainer.train()
    after = trainer.evaluate()
    assert losses(trainer)[-1] < 0.3 * losses(trainer)[0]
    assert before["eval_exact_match"] <= 25 and after["eval_exact_match"] >= 75
    assert after["eval_f1"] == pytest.approx((after["eval_f1_en-en"] + after["eval_f1_de-de"]) / 2)
    assert torch.equal(trainer.model.get_input_embeddings().weight, embeddings)


@pytest.mark.parametrize("name", ["mbert", "mbert-long", "xlm-r", "modernbert", "xlm-100"])
def test_every_encoder_trains_answers_and_loads(name: str, tiny_checkpoint, long_folder: Path, tmp_path: Path) -> None:
    model = encoder(name, tiny_checkpoint, long_folder, tmp_path)
    trainer = make_trainer(
        model,
        tmp_path / "out",
        max_steps=2,
        num_train_epochs=1,
        eval_strategy="steps",
        eval_steps=2,
        save_strategy="steps",
        save_steps=2,
    )
    trainer.train()
    trainer.save_model()
    assert len(losses(trainer)) == 2 and all(0 < loss < 20 for loss in losses(trainer))
    loaded = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out")
    assert (
        next(head for name, head in loaded.named_children() if name in ("qa_outputs", "classifier")).out_features == 2
    )
    answers = trainer.answer()
    trainer.model = loaded
    assert [result.predictions for result in trainer.answer()] == [result.predictions for result in answers]


def test_the_cut_into_batches_changes_nothing(tiny_checkpoint, tmp_path: Path) -> None:
    model = str(tiny_checkpoint("BertForMaskedLM"))
    histories = []
    for batch, accumulation in ((6, 1), (3, 2), (2, 3)):
        trainer = make_trainer(
            model,
            tmp_path / f"{batch}",
            dev=(),
            num_train_epochs=3,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=accumulation,
        )
        trainer.train()
        histories.append(losses(trainer))
    assert len(histories[0]) >= 6
    assert histories[1] == pytest.approx(histories[0], rel=1e-4)
    assert histories[2] == pytest.approx(histories[0], rel=1e-4)


def test_the_best_epoch_by_the_mean_and_by_pair(tiny_checkpoint, tmp_path: Path) -> None:
    model = str(tiny_checkpoint("BertForMaskedLM"))
    trainer = make_trainer(model, tmp_path, num_train_epochs=6, best_epoch="pair")
    trainer.train()
    rows = [row for row in trainer.state.log_history if "eval_f1" in row]
    assert len(rows) == 6
    # The result is the epoch with the highest mean; the models in best/ are those of the pairs' own epochs.
    best = max(row["eval_f1"] for row in rows)
    assert trainer.state.best_metric == best
    assert sum(of.scores.f1 for of in trainer.answer()) / 2 == pytest.approx(best)
    for place, name in enumerate(["en-en", "de-de"]):
        trainer.model = AutoModelForQuestionAnswering.from_pretrained(trainer.best_folder(name)).eval()
        highest = max(row[f"eval_f1_{name}"] for row in rows)
        assert trainer.answer()[place].scores.f1 == pytest.approx(highest)


def test_a_resumed_run_goes_on_as_it_would_have(tiny_checkpoint, tmp_path: Path) -> None:
    model = str(tiny_checkpoint("BertForMaskedLM"))
    whole = make_trainer(model, tmp_path / "whole", dropout=True, num_train_epochs=3, save_total_limit=None)
    whole.train()
    first = sorted((tmp_path / "whole").glob("checkpoint-*"), key=lambda path: int(path.name[11:]))[0]
    resumed = make_trainer(model, tmp_path / "whole", dropout=True, num_train_epochs=3)
    resumed.train(resume_from_checkpoint=str(first))
    assert losses(resumed) == losses(whole)


def test_early_stopping(tiny_checkpoint, tmp_path: Path) -> None:
    model = str(tiny_checkpoint("BertForMaskedLM"))
    trainer = make_trainer(model, tmp_path, num_train_epochs=9, learning_rate=1e-12, early_stopping_patience=2)
    trainer.train()
    assert sum("eval_f1" in row for row in trainer.state.log_history) == 3


def test_freezing_reaches_all_embeddings(tiny_checkpoint) -> None:
    model, _ = load_question_answerer(str(tiny_checkpoint("BertForMaskedLM")))
    frozen = freeze_embeddings(model)
    names = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert names == {name for name, _ in model.named_parameters() if name.startswith("bert.embeddings.")}
    assert frozen == sum(parameter.numel() for parameter in model.bert.embeddings.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"best_epoch": "last"}, "best_epoch must be one of mean, pair, got 'last'"),
        ({"stride": -1}, "stride must not be negative, got -1"),
        ({"stride": 40}, "stride must be from 0 to 28, .*got 40"),
        ({"max_length": 500}, "max_length must be at most 64, the positions of this model, got 500"),
        ({"dev": ("en", "en")}, "Dev sets must have different names, got 'en-en' 2 times"),
        ({"dev": (), "eval_strategy": "epoch"}, "There must be dev questions to choose the epoch by, got none"),
    ],
)
def test_mistakes(options: dict, message: str, tiny_checkpoint, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        make_trainer(str(tiny_checkpoint("BertForMaskedLM")), tmp_path, **options)


def test_a_model_type_without_such_a_head(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(ValueError, match="must have a head for question answering in transformers, got 'vit'"):
        load_question_answerer(str(tmp_path))
