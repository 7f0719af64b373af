"""Trainers that push: the card and the files are those of the command, and nothing is asked of the user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard

from xlretrieval import (
    AlignedSections,
    CollectionQueries,
    QuestionAnsweringArguments,
    QuestionAnsweringTrainer,
    RankingArguments,
    RelevanceRankingTrainer,
    XLPretrainingArguments,
    XLPretrainingTrainer,
    load_xl_retrieval,
)
from xlretrieval.cli.main import main
from xlretrieval.data.answers.questions import Question, QuestionSet
from xlretrieval.modeling.conversion import load_tokenizer
from xlretrieval.trainers.question_answerer import load_question_answerer
from xlretrieval.trainers.ranker import load_ranker

OPTIONS: dict[str, Any] = {
    "learning_rate": 1e-3,
    "per_device_train_batch_size": 8,
    "max_length": 40,
    "max_query_length": 8,
    "logging_steps": 1,
    "use_cpu": True,
    "disable_tqdm": True,
}


@pytest.fixture
def here(hub: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Hub, for this process."""
    hub.use_here(monkeypatch)
    torch.set_num_threads(1)
    return hub


def pushed(hub: Any, repo: str) -> tuple[ModelCard, dict[str, bytes], list[str]]:
    """Card, files, and the summaries of the commits."""
    commits = hub.repositories["models", repo].branches["main"]
    files = commits[-1].files
    assert not any(name.startswith("checkpoint-") or name == "training_args.bin" for name in files)
    assert {"model.safetensors", "tokenizer.json", "modeling_bert_long.py", "card.json"} <= set(files)
    return ModelCard(files["README.md"].decode()), files, [commit.summary for commit in commits[1:]]


def pretraining(long_folder: Path, corpus: AlignedSections, output: Path, **options: Any) -> XLPretrainingTrainer:
    args = XLPretrainingArguments(
        output_dir=str(output), max_steps=2, save_strategy="no", **OPTIONS, **{"eval_pairs": 4, **options}
    )
    model = load_xl_retrieval(str(long_folder))
    return XLPretrainingTrainer(model, args, corpus, processing_class=load_tokenizer(str(long_folder)))


def test_a_pretraining_in_python_is_pushed_with_its_card(
    here: Any, long_folder: Path, corpus: AlignedSections, tmp_path: Path
) -> None:
    trainer = pretraining(long_folder, corpus, tmp_path / "qlm-rr", objectives=["rr", "qlm"], rr_weight=0.5)
    trainer.train()
    assert trainer.push_to_hub(license="mit", dataset="me/sections") == f"{here.url}/user/qlm-rr"
    card, files, commits = pushed(here, "user/qlm-rr")
    assert commits == ["End of training"]
    assert card.data.language == ["de", "en", "fr"] and card.data.pipeline_tag == "text-ranking"
    assert card.data.license == "mit" and card.data.datasets == ["me/sections"]
    assert "untrained" not in card.data.tags and 'Reranker.from_pretrained("user/qlm-rr")' in card.text
    assert "It was pretrained on pairs of aligned sections in de, en, fr." in card.text
    assert f"Made from `{long_folder.name}`." in card.text
    assert "| optimizer steps | 2 |\n| pairs of query and document per step | 8 (16 in all) |" in card.text
    assert "| relevance ranking (RR) | weight 0.5;" in card.text and "| en-fr | " in card.text
    record = json.loads(files["pretraining.json"])
    assert record["steps"] == 2 and record["truncated"]["examples"] >= 8
    assert str(tmp_path).encode() not in files["pretraining.json"] + files["trainer_state.json"]


def test_push_to_hub_while_training_and_at_its_end(
    here: Any, long_folder: Path, corpus: AlignedSections, tmp_path: Path
) -> None:
    options = {"push_to_hub": True, "hub_model_id": "user/often", "hub_private_repo": True, "save_strategy": "steps"}
    args = XLPretrainingArguments(output_dir=str(tmp_path / "often"), max_steps=2, save_steps=1, **OPTIONS, **options)
    model = load_xl_retrieval(str(long_folder))
    trainer = XLPretrainingTrainer(model, args, corpus, processing_class=load_tokenizer(str(long_folder)))
    trainer.train()
    trainer.save_model()
    card, files, commits = pushed(here, "user/often")
    assert here.repositories["models", "user/often"].private
    assert commits[-1] == "Model save" and "| optimizer steps | 2 |" in card.text
    # What the Trainer sends while it trains is not all for others.
    before = here.repositories["models", "user/often"].branches["main"][-2].files
    assert "training_args.bin" in before and "training_args.bin" not in files


def test_a_card_in_the_middle_of_training_says_so(long_folder: Path, corpus: AlignedSections, tmp_path: Path) -> None:
    from transformers import TrainerCallback

    class Cards(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 1:
                trainer.save_model(_internal_call=True)
                trainer.create_model_card()
                cards.append((tmp_path / "README.md").read_text())

    cards: list[str] = []
    trainer = pretraining(long_folder, corpus, tmp_path)
    trainer.add_callback(Cards())
    trainer.train()
    assert "**The training of this model did not come to its end.**" in cards[0]
    trainer.create_model_card()
    assert "| optimizer steps | 2 |" in (tmp_path / "README.md").read_text()


def test_a_readme_of_others_is_kept(
    here: Any, long_folder: Path, corpus: AlignedSections, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = pretraining(long_folder, corpus, tmp_path / "mine")
    (tmp_path / "mine").mkdir(exist_ok=True)
    (tmp_path / "mine" / "README.md").write_text("# Mine\n")
    trainer.push_to_hub(commit_message="As it is", blocking=False).result()
    files = here.repositories["models", "user/mine"].branches["main"][-1].files
    assert files["README.md"] == b"# Mine\n" and "was not written by xlretrieval and is kept" in caplog.text
    assert "pretraining.json" not in files  # nothing was trained


def test_the_command_pushes_with_its_own_record(
    here: Any, long_folder: Path, corpus_folder: Path, tmp_path: Path
) -> None:
    options = OPTIONS | {"corpus": str(corpus_folder), "output_dir": str(tmp_path / "run"), "max_steps": 2}
    options |= {"push_to_hub": True, "hub_model_id": "user/run", "save_strategy": "no"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    (tmp_path / "start.yaml").write_text(f"model: {long_folder}\n")
    assert main(["pretrain", str(tmp_path / "start.yaml"), *words]) == 0
    card, files, _ = pushed(here, "user/run")
    record = json.loads(files["pretraining.json"])
    assert record["arguments"]["corpus"] == "aligned" and record["steps"] == 2  # the trainer knows no corpus's folder
    assert "| optimizer steps | 2 |" in card.text


def test_a_ranker_fine_tuned_in_python(here: Any, long_folder: Path, judged: Any, tmp_path: Path) -> None:
    queries = tuple(judged.queries)
    args = RankingArguments(
        output_dir=str(tmp_path / "ranker"),
        **OPTIONS,
        **{"num_train_epochs": 1, "eval_delay": 0, "eval_strategy": "epoch", "save_strategy": "epoch"},
    )
    model, tokenizer = load_ranker(str(long_folder))
    train, dev = CollectionQueries(judged, queries[:-5]), CollectionQueries(judged, queries[-5:])
    trainer = RelevanceRankingTrainer(model, args, [train], tokenizer, dev=[dev])
    trainer.train()
    trainer.push_to_hub()
    card, files, _ = pushed(here, "user/ranker")
    assert "It was fine-tuned to rank documents, with the judged queries of little.en-de." in card.text
    assert card.data.language == ["de", "en"] and "cross-encoder" in card.data.tags
    assert f"| best MAP on dev queries | {trainer.state.best_metric:.3f} |" in card.text
    assert "| little.en-de | 240 documents, 20 topics, 240 judgements" in card.text
    assert "Cross validation" not in card.text and "**The relevance head was not trained**" not in card.text
    assert json.loads(files["finetuning.json"])["steps"] == trainer.state.global_step


def test_a_question_answerer_fine_tuned_in_python(here: Any, long_folder: Path, tmp_path: Path) -> None:
    context = "the red house is in the city. the blue river is on the mountain."
    rows = [("red?", "the red house"), ("river?", "on the mountain")]
    asked = [Question(str(n), q, context, (a,), (context.index(a),)) for n, (q, a) in enumerate(rows)]
    args = QuestionAnsweringArguments(output_dir=str(tmp_path / "qa"), num_train_epochs=1, stride=8, **OPTIONS)
    model, tokenizer = load_question_answerer(str(long_folder))
    dev = [QuestionSet("en-en", "en", "en", tuple(asked))]
    trainer = QuestionAnsweringTrainer(model, args, asked, tokenizer, dev)
    trainer.train()
    trainer.push_to_hub()
    card, _, _ = pushed(here, "user/qa")
    assert card.data.pipeline_tag == "question-answering" and "cross-encoder" not in card.data.tags
    assert "It was fine-tuned to answer questions, with 2 of them." in card.text
    assert "CrossEncoder" not in card.text and "AutoModelForQuestionAnswering" in card.text
    assert f"| best F1 on dev questions | {trainer.state.best_metric:.1f} |" in card.text
