"""Publishing models with the real client on a Hub of our own; loading them from it, with and without the package."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from xlretrieval.hub.card import CardOptions, recompose_card, write_card
from xlretrieval.hub.publish import push_model
from xlretrieval.hub.records import read_model

RECORDS = Path(__file__).with_name("records")
PAIRS = [
    ("the city on the river", "die stadt auf dem fluss"),
    ("the red house", "das haus in der stadt und das wasser und der berg und die musik " * 3),
]
CODE = ["attention.py", "configuration_bert_long.py", "heads.py", "modeling_bert_long.py"]
CODE += ["fused_attention.py", "attention_kernels.py", "fused_layer.py", "fused_linear.py", "layer_kernels.py"]
CODE += ["packed_attention.py", "rows.py", "tiled_attention.py"]
MODEL = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
# What a run leaves beside a model, and what is nobody's business.
OTHERS = ("checkpoint-3/optimizer.pt", "training_args.bin", "runs/events", "notes.txt", ".env", "scheduler.pt")


@pytest.fixture
def folder(long_folder: Path, tmp_path: Path) -> Path:
    """A model with the records of its training, and much else in its folder."""
    place = shutil.copytree(long_folder, tmp_path / "trained")
    for name in ("pretraining.json", "trainer_state.json"):
        shutil.copy(RECORDS / "trained" / name, place / name)
    (place / "curves.png").write_bytes(b"\x89PNG curves")
    for name in OTHERS:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("private")
    return place


@pytest.fixture
def here(hub: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Hub, for this process."""
    hub.use_here(monkeypatch)
    return hub


def files(hub: Any, repo: str = "user/ranker", branch: str = "main") -> dict[str, bytes]:
    return hub.repositories["models", repo].branches[branch][-1].files


def test_one_commit_with_all_that_loads_and_nothing_else(here: Any, folder: Path) -> None:
    (folder / "heads.py").touch()
    record = json.loads((folder / "pretraining.json").read_text())
    record["arguments"]["model"], record["arguments"]["output_dir"] = "/home/me/secret/start", str(folder)
    (folder / "pretraining.json").write_text(json.dumps(record))
    shutil.copytree(RECORDS / "ranking", folder.parent / "ranking")
    options = CardOptions(licence="mit", evaluation_datasets={"ranking": "me/sections"})
    write_card(folder, [folder.parent / "ranking"], options=options)
    shutil.rmtree(folder.parent / "ranking")
    address = push_model(folder, "user/ranker", private=True)
    assert address == f"{here.url}/user/ranker"
    repository = here.repositories["models", "user/ranker"]
    initial, commit = repository.branches["main"]
    records = ["card.json", "evaluation-ranking.json", "pretraining.json", "trainer_state.json"]
    expected = [".eval_results/ranking.yaml", "README.md", *CODE, *MODEL, "curves.png", *records]
    assert sorted(commit.files) == sorted([*initial.files, *expected]) and repository.private
    assert all(commit.files[name] == (folder / name).read_bytes() for name in [*CODE, *MODEL, "README.md"])
    card = ModelCard(commit.files["README.md"].decode())
    # As the card was before, with the name of the repository.
    assert card.data.license == "mit" and card.data.model_name == "user/ranker" and len(card.data.eval_results) == 6
    assert 'CrossEncoder("user/ranker", trust_remote_code=True' in card.text
    assert json.loads(commit.files["pretraining.json"])["arguments"]["model"] == "start"
    assert not any(str(folder.parent).encode() in data or b"/home/me" in data for data in commit.files.values())


def test_what_is_there_is_not_sent_again_and_what_is_gone_is_removed(here: Any, folder: Path) -> None:
    push_model(folder, "user/ranker", revision="v1", message="The first one")
    assert here.uploads() == 1
    push_model(folder, "user/ranker", revision="v1")
    commits = here.repositories["models", "user/ranker"].branches["v1"]
    assert here.uploads() == 0 and [commit.summary for commit in commits] == ["initial commit", "The first one"]
    (folder / "curves.png").unlink()
    shutil.copytree(RECORDS / "ranking", folder.parent / "ranking")
    write_card(folder, [folder.parent / "ranking"])
    push_model(folder, "user/ranker", revision="v1")
    write_card(folder)
    push_model(folder, "user/ranker", revision="v1")
    assert "evaluation-ranking.json" not in files(here, branch="v1")
    assert "deletedFile evaluation-ranking.json" in commits[-1].operations


def test_a_card_of_others_is_kept(here: Any, folder: Path) -> None:
    (folder / "README.md").write_text("# Mine\n![curves](curves.png) ![other](../secret.png)\n")
    (folder.parent / "secret.png").write_bytes(b"secret")
    push_model(folder, "user/ranker")
    assert files(here)["README.md"].startswith(b"# Mine") and "curves.png" in files(here)
    assert "card.json" not in files(here)
    push_model(folder, "user/ranker", overwrite_card=True)
    assert b"xlretrieval card" in files(here)["README.md"]


def test_shards_are_published_with_their_index(here: Any, folder: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="50KB")
    push_model(folder, "user/ranker")
    shards = sorted(name for name in files(here) if name.endswith(".safetensors"))
    assert len(shards) > 1 and "model.safetensors.index.json" in files(here)
    (folder / shards[0]).unlink()
    with pytest.raises(ValueError, match=rf"the weights it names must be beside it, got none of {shards[0]}\."):
        push_model(folder, "user/ranker")


def test_a_dry_run_lists_files_and_what_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.__init__", lambda *_, **options: pytest.fail("talks to the Hub"))
    assert push_model(folder, "user/ranker", dry_run=True).endswith("/user/ranker")
    *lines, left_out = capsys.readouterr().out.splitlines()
    listed = {line.split()[0]: line.split()[1] for line in lines[1:-1]}
    assert {*CODE, *MODEL, "README.md", "pretraining.json"} <= set(listed)
    assert listed["model.safetensors"] == f"{(folder / 'model.safetensors').stat().st_size:,}"
    assert left_out == "left out: .env, checkpoint-3/, notes.txt, runs/, scheduler.pt, training_args.bin"
    assert not (folder / "README.md").exists()


def test_the_folder_one_is_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    push_model(".", "user/ranker", dry_run=True)
    assert set(CODE) <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}


def test_a_published_fold_tells_the_same_where_it_is_alone(here: Any, long_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(RECORDS, tmp_path / "runs")
    model = shutil.copytree(long_folder, tmp_path / "runs" / "tuned" / "fold-2" / "model", dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path / "runs")  # where the records' paths are right
        push_model(model, "user/ranker")
    published = files(here)
    for name, data in published.items():
        (tmp_path / "alone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "alone" / name).write_bytes(data)
    assert not any(b"/home/me" in data for data in published.values())
    assert json.loads(published["finetuning.json"])["model_of_fold"] == 2
    text = published["README.md"].decode()
    assert "| 2 (these weights) | 2 | 10 | 0.625 | 0.400 [" in text and "was made from `google-bert/bert-base-" in text
    card = recompose_card(read_model(tmp_path / "alone"), "user/ranker")
    lost = [line for line in text.splitlines() if line not in card.text.splitlines()]
    log = ("| training time", "On held-out articles, at", "|  | first", "| --- | --- | --- |", "| MRR of", "| RR ")
    # The log of the pretraining stays with the model before.
    assert lost and all(line.startswith((*log, "| QLM ", "| sentence P@1")) for line in lost)


@pytest.mark.parametrize(
    ("removed", "added", "message"),
    [
        ("model.safetensors", None, r"must hold model\.safetensors, got .*trained without it\. Save the model there"),
        (
            "model.safetensors",
            "pytorch_model.bin",
            r"must be model\.safetensors, got pytorch_model\.bin in .* pickled",
        ),
        ("tokenizer.json", None, "A checkpoint must come with its tokenizer, got none in"),
        ("heads.py", None, r"must hold the code of its model type, .* got no heads\.py in .* save_pretrained"),
        ("modeling_bert_long.py", None, r"got no modeling_bert_long\.py in"),
    ],
)
def test_a_model_that_others_could_not_load_is_refused(
    folder: Path, removed: str, added: str | None, message: str
) -> None:
    (folder / removed).unlink()
    if removed == "tokenizer.json":
        (folder / "tokenizer_config.json").unlink()
    if added:
        (folder / "scheduler.pt").unlink()
        (folder / added).write_bytes(b"pickle")
    with pytest.raises(ValueError, match=message):
        push_model(folder, "user/ranker")


def test_code_that_was_not_saved_is_asked_for(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["auto_map"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"got no auto_map in config\.json in .* With xlretrieval imported, load"):
        push_model(folder, "user/ranker")


def test_damage_and_access_tokens_are_refused(folder: Path) -> None:
    (folder / "pretraining.json").write_text(json.dumps({"token": "hf_" + "a" * 34}))
    with pytest.raises(ValueError, match=r"pretraining\.json: a published file must hold no access token"):
        push_model(folder, "user/ranker")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"model\.safetensors: weights must be whole safetensors"):
        push_model(folder, "user/ranker")


def test_native_encoders_bring_no_code(here: Any, tiny_checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_checkpoint("XLMRobertaForSequenceClassification"), tmp_path / "xlmr")
    push_model(folder, "user/xlmr")
    assert not any(name.endswith(".py") for name in files(here, "user/xlmr"))
    assert 'CrossEncoder("user/xlmr", activation_fn' in files(here, "user/xlmr")["README.md"].decode()


PUSH = "from xlretrieval.hub.publish import push_model\npush_model({folder!r}, 'user/ranker')"

WITHOUT_PACKAGE = """
import json, sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "xlretrieval":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nowhere())
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoModelForSequenceClassification, AutoTokenizer
pairs = {pairs!r}
tokenizer = AutoTokenizer.from_pretrained("user/ranker", trust_remote_code=True)
model = AutoModelForSequenceClassification.from_pretrained("user/ranker", trust_remote_code=True).eval()
inputs = tokenizer(*map(list, zip(*pairs)), padding=True, truncation="only_second", return_tensors="pt")
with torch.no_grad():
    plain = model(**inputs).logits[:, 0].tolist()
encoder = CrossEncoder("user/ranker", trust_remote_code=True, activation_fn=torch.nn.Identity())
print(json.dumps([plain, encoder.predict(pairs).tolist(), "xlretrieval" in sys.modules]))
"""

WITH_PACKAGE = """
import json
from transformers import AutoModel
import xlretrieval
scores = xlretrieval.Reranker.from_pretrained("user/ranker").score({pairs!r}).tolist()
print(json.dumps([scores, type(AutoModel.from_pretrained("user/ranker")).__module__]))
"""


@pytest.mark.slow
def test_everybody_gets_the_same_scores(hub: Any, run_on_hub: Callable[..., str], folder: Path) -> None:
    from xlretrieval import Reranker

    expected = Reranker.from_pretrained(str(folder)).score(PAIRS).tolist()
    with pytest.MonkeyPatch.context() as patched:
        hub.use_here(patched)
        push_model(folder, "user/ranker")
    plain, cross_encoder, imported = json.loads(run_on_hub(WITHOUT_PACKAGE.format(pairs=PAIRS)).splitlines()[-1])
    assert not imported
    ours, module = json.loads(run_on_hub(WITH_PACKAGE.format(pairs=PAIRS)).splitlines()[-1])
    assert module == "xlretrieval.modeling.modeling_bert_long"
    for scores in (plain, cross_encoder, ours):
        assert scores == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_push_that_is_killed_publishes_nothing_and_goes_on(hub: Any, folder: Path, tmp_path: Path) -> None:
    environment = {**os.environ, **hub.environment(tmp_path / "home")}
    process = subprocess.Popen([sys.executable, "-c", PUSH.format(folder=str(folder))], env=environment)
    hub.on_commit = lambda: process.send_signal(signal.SIGKILL)
    assert process.wait(120) == -signal.SIGKILL
    hub.on_commit = None
    assert hub.uploads() == 1 and len(hub.repositories["models", "user/ranker"].branches["main"]) == 1
    with pytest.MonkeyPatch.context() as patched:
        hub.use_here(patched)
        push_model(folder, "user/ranker")
    assert hub.uploads() == 0 and files(hub)["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert len(hub.repositories["models", "user/ranker"].branches["main"]) == 2
