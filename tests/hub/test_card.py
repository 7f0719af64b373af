"""What a model card says, on records whose every number is known (`records/`)."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from xlretrieval.hub.card import CardOptions, write_card

RECORDS = Path(__file__).with_name("records")
ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n curves"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of a start, a trained model, and two evaluations of it; the paths in them are relative to the folder."""
    shutil.copytree(RECORDS, tmp_path / "runs")
    (tmp_path / "runs" / "trained" / "curves.png").write_bytes(PNG)
    (tmp_path / "runs" / "ranking" / "heatmap.png").write_bytes(PNG + b" of ranking")
    monkeypatch.chdir(tmp_path / "runs")
    return tmp_path / "runs"


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def card(*words: object, **options: object) -> str:
    return write_card(*words, **options).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """From a heading to the next of its level."""
    level = re.match("#+", title)[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no {title!r} in\n{text}"
    return found[1]


def test_a_trained_model(folder):
    text = card(folder / "trained", [folder / "ranking", folder / "alignment"])
    assert "It was pretrained on pairs of aligned sections in de, en, fr." in text
    assert "Made from `start`, which was made from `google-bert/bert-base-multilingual-uncased`." in text
    ranking = "- Ranking of held-out sections: MRR 0.200 → 0.210 (+0.010; "
    assert f"{ranking}beyond chance: better in 1 and worse in 1 of 3 directions)\n" in text
    assert "- Alignment of held-out sections: P@1 10.0 → 30.0 (+20.0, 95% +12.5 to +27.5)\n" in text
    architecture = section(text, "## Architecture")
    assert "| longest input | 128 tokens |" in architecture and "| vocabulary | 105,879 |" in architecture
    assert "| attention window | 16 tokens; query tokens are global, document tokens local |" in architecture
    assert "parameters" not in architecture  # there are no weights to count
    training = section(text, "## Training")
    assert "| query language modeling (QLM) | weight 1; 30% of the words of the query are masked and pred" in training
    assert "| relevance ranking (RR) | weight 0.5; pairwise logistic loss, 3 negative documents per pos" in training
    assert "| optimizer steps | 60 |\n| pairs of query and document per step | 32 (1,920 in all) |\n" in training
    assert "| learning rate | 0.002 |" in training and "| training time | 1.5 minutes, " in training
    assert "gradient norm" not in training  # the default of a version that is not this one
    assert "Of 3,008 rows that were encoded (92,574 tokens), 0 queries and 17 documents were cut" in training
    assert "| MRR of the relevance head | 0.250 | 0.375 |" in training
    assert "| sentence P@1 of embeddings | 0.250 | 0.375 |" in training
    assert "](curves.png)" in training and (folder / "trained" / "curves.png").read_bytes() == PNG
    corpus = section(text, "## Corpus")
    assert "| de-en | 1,520 | 16 | 72 |\n| en-fr | 152 | 0 | 72 |\n" in corpus and "| en | 1,832 |" in corpus
    assert "| sections read | 5,000 |\n| dropped: unaligned | 1,330 |\n| dropped: too short | 6 |\n" in corpus
    licence = section(text, "## Licence and patents")
    assert "A US patent, US11886446B2 (Baidu USA, granted 2024), covers" in licence
    versions = section(text, "## Versions")
    assert "| corpus, training | xlretrieval 0.0.9, torch 2.13.0 |\n" in versions
    assert "| evaluation ranking | ir-measures 0.4.3 |" in versions
    assert "/tmp" not in text and str(folder) not in text


def test_evaluations(folder):
    text = card(folder / "trained", [folder / "ranking", folder / "alignment"])
    ranking = section(text, "### Ranking of held-out sections")
    assert "among 4 candidates, hard negatives" in ranking and "Before: `start`; after: `trained`." in ranking
    assert "A random order has an MRR of 0.521." in ranking  # (1 + 1/2 + 1/3 + 1/4) / 4
    assert "| mean | MRR | 204 | 0.200 | 0.210 | +0.010 |" in ranking
    assert (
        "| query \\ document | de | en | fr |\n| --- | ---: | ---: | ---: |\n"
        "| de |  | 0.250 **(+0.080)** |  |\n| en | 0.220 (+0.010) |  | 0.160 **(-0.060)** |\n"
    ) in ranking
    assert "| en-fr | RR | 60 | 0.220 [0.170, 0.270] | 0.160 [0.110, 0.210] | -0.060 [-0.100, -0.010] |" in ranking
    assert "Before and after: 3 dropped (no sentence), 7 texts cut to the model's length." in ranking
    assert "](evaluation-ranking.png)" in ranking
    assert (folder / "trained" / "evaluation-ranking.png").read_bytes() == PNG + b" of ranking"
    alignment = section(text, "### Alignment of held-out sections")
    assert "of the last layer; P@1 in percent. Before: `start`; after: `trained`. Inputs of at most 96 " in alignment
    assert "<details>" not in alignment and ".png" not in alignment
    assert "| de-en test | P@1 | 72 | 10.0 [6.0, 14.0] | 30.0 [25.0, 35.0] | +20.0 [+12.5, +27.5] |" in alignment
    limits = section(text, "## Limits and bias")
    assert "**Worse than before** beyond chance in 1 of 3 tasks of the ranking of held-out sections." in limits
    assert "alignment of held-out" not in limits


def test_metadata(folder):
    options = CardOptions(name="me/qlm-rr", licence="mit", datasets=["me/sections"])
    path = write_card(folder / "trained", [folder / "ranking", folder / "alignment"], options=options)
    data = ModelCard.load(path).data
    assert data.language == ["de", "en", "fr"] and data.license == "mit" and data.datasets == ["me/sections"]
    assert data.pipeline_tag == "text-ranking" and data.library_name == "transformers"
    assert data.base_model == "google-bert/bert-base-multilingual-uncased"
    assert data.tags == ["xlretrieval", "cross-lingual", "cross-encoder", "reranker", "qlm", "rr"]
    assert data.metrics == ["map", "mrr", "precision_at_1"] and data.model_name == "me/qlm-rr"
    results = {(result.dataset_config, result.metric_type): result for result in data.eval_results}
    assert len(results) == len(data.eval_results) == 7  # 3 directions x 2 metrics, 1 pair; no means of them
    result = results["ranking de-en", "mrr"]
    assert (result.task_type, result.metric_value, result.dataset_split) == ("text-ranking", 0.25, "test")
    assert result.metric_args["before"] == 0.17 and result.metric_args["95%"] == [0.2, 0.3]
    assert results["alignment de-en test", "precision_at_1"].metric_value == 30.0
    assert 'Reranker.from_pretrained("me/qlm-rr")' in path.read_text()
    assert not (folder / "trained" / ".eval_results").exists()


def test_eval_results_need_a_dataset_of_the_hub(folder):
    options = CardOptions(evaluation_datasets={"ranking": "me/sections"})
    path = write_card(folder / "trained", [folder / "ranking"], options=options)
    entries = parse_eval_result_entries(yaml.safe_load((path.parent / ".eval_results" / "ranking.yaml").read_text()))
    assert [(entry.dataset_id, entry.task_id, entry.value) for entry in entries] == [
        ("me/sections", "de-en", 0.25),
        ("me/sections", "en-de", 0.22),
        ("me/sections", "en-fr", 0.16),
    ]
    assert entries[0].notes == "MRR over 72 queries; 95% 0.200 to 0.300; before 0.170; 4 candidates a query"
    assert {result.dataset_type for result in ModelCard.load(path).data.eval_results} == {"me/sections"}
    with pytest.raises(ValueError, match=r"must belong to an evaluation of the card \(ranking\), got 'other'"):
        write_card(folder / "trained", [folder / "ranking"], options=CardOptions(evaluation_datasets={"other": "a/b"}))


def test_an_untrained_model_says_so(folder):
    text = card(folder / "start")
    assert "**This model was not trained for cross-lingual retrieval.**" in text
    assert "Train it first" in text and "`classifier.weight`, `classifier.bias`" in text
    assert section(text, "## Training").strip() == section(text, "## Corpus").strip() == "None is recorded."
    assert "how well this model retrieves is unknown" in section(text, "## Evaluation")
    data = ModelCard.load(folder / "start" / "README.md").data
    assert "untrained" in data.tags and data.language is None and data.eval_results is None
    assert data.base_model == "google-bert/bert-base-multilingual-uncased"


def test_a_training_that_was_killed_says_so(folder):
    record = json.loads((folder / "trained" / "pretraining.json").read_text())
    del record["steps"], record["truncated"]
    (folder / "trained" / "pretraining.json").write_text(json.dumps(record))
    text = card(folder / "trained")
    assert "**The training of this model did not come to its end.**" in text and "untrained" in text
    assert "was pretrained on" not in text and "| optimizer steps" not in text


def test_a_model_that_never_learned_to_rank_says_so(folder):
    record = json.loads((folder / "trained" / "pretraining.json").read_text())
    record["arguments"]["objectives"] = ["qlm"]
    (folder / "trained" / "pretraining.json").write_text(json.dumps(record))
    text = card(folder / "trained")
    assert "**The relevance head was not trained**" in text and "relevance ranking (RR)" not in text


def test_a_wikipedia_corpus_sums_what_its_stages_counted(folder):
    record = json.loads((folder / "trained" / "pretraining.json").read_text())
    record["corpus_provenance"] = {
        "source": "wikipedia",
        "dumps": {"de": {"date": "20261101", "files": {}}, "en": {"date": None, "files": {}}},
        "counts": {
            "scan": {"de": {"articles": 10, "broken_pages": 0}, "en": {"articles": 32, "broken_pages": 2}},
            "parse": {"de": {"over the limit": 1}, "en": {}},
            "align": {"de-en": {"de sections too short": 3, "en sections too short": 4}},
            "corpus": {"sections": {"de": 5, "en": 6}, "pairs": {}},
        },
    }
    (folder / "trained" / "pretraining.json").write_text(json.dumps(record))
    corpus = section(card(folder / "trained"), "## Corpus")
    assert "Aligned sections from Wikipedia (de 20261101)" in corpus and "| de | 5 |\n| en | 6 |" in corpus
    assert (
        "| reading: articles | 42 |\n| reading: broken pages | 2 |\n"
        "| parsing: over the limit | 1 |\n| aligning: sections too short | 7 |\n"
    ) in corpus


def test_native_encoders_need_no_code_of_ours(folder):
    config = json.loads((folder / "start" / "config.json").read_text())
    for name in ("auto_map", "attention_window", "max_global_tokens", "position_offset"):
        del config[name]
    config |= {"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    (folder / "start" / "config.json").write_text(json.dumps(config))
    text = card(folder / "start")
    assert "trust_remote_code" not in text and "window" not in text and "| longest input | 512 tokens |" in text


def test_parameters_are_counted_in_the_weights(folder):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((30, 40), np.float32), "b": np.zeros(34, np.float32)}, folder / "start/model.safetensors")
    assert "| parameters | 1,234 |" in card(folder / "start")
    (folder / "start" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"model\.safetensors: weights must be whole safetensors"):
        write_card(folder / "start")


def test_text_of_records_is_shown_as_text(folder):
    results = folder / "ranking" / "results.json"
    results.write_text(results.read_text().replace('"en-de"', '"<script>alert(1)</script>|{{ 7 * 7 }}"'))
    text = card(folder / "trained", [folder / "ranking"])
    body = text.split("\n---\n", 1)[1]
    assert "<script>" not in body and "&lt;script&gt;alert(1)&lt;/script&gt;&#124;{{ 7 * 7 }}" in body
    assert ModelCard.load(folder / "trained" / "README.md").data.eval_results


def test_the_same_records_give_the_same_files(folder):
    evaluations = [folder / "ranking", folder / "alignment"]
    first = write_card(folder / "trained", evaluations).read_bytes()
    files = {path.name: path.read_bytes() for path in (folder / "trained").iterdir()}
    assert write_card(folder / "trained", evaluations).read_bytes() == first
    assert {path.name: path.read_bytes() for path in (folder / "trained").iterdir()} == files
    options = CardOptions(evaluation_datasets={"ranking": "me/sections"})
    write_card(folder / "trained", [folder / "ranking"], options=options)
    theirs = folder / "trained" / ".eval_results" / "theirs.yaml"
    theirs.write_text("[]\n")
    # What the card shows no longer goes with it.
    assert "evaluation-ranking" not in card(folder / "trained")
    assert not (folder / "trained" / "evaluation-ranking.png").exists()
    assert list((folder / "trained" / ".eval_results").iterdir()) == [theirs]


def test_evaluations_of_one_name_are_told_apart(folder):
    shutil.copytree(folder / "ranking", folder / "more" / "ranking")
    write_card(folder / "trained", [folder / "ranking", folder / "more" / "ranking"])
    assert (folder / "trained" / "evaluation-ranking-2.png").is_file()
    assert len(ModelCard.load(folder / "trained" / "README.md").data.eval_results) == 12


def test_a_readme_of_others_is_kept(folder):
    readme = folder / "trained" / "README.md"
    readme.write_text("mine")
    with pytest.raises(ValueError, match=r"must not replace a file that this command did not write, got .*README\.md"):
        write_card(folder / "trained", [folder / "ranking"])
    assert readme.read_text() == "mine" and not (folder / "trained" / "evaluation-ranking.png").exists()
    assert card(folder / "trained", overwrite=True).startswith("---\n")


def test_the_card_may_stand_elsewhere(folder):
    path = write_card(folder / "trained", [folder / "ranking"], output=folder / "cards" / "qlm-rr" / "README.md")
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ["README.md", "curves.png", "evaluation-ranking.png"]
    assert not (folder / "trained" / "README.md").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trained/pretraining.json", '{\n"a": ', r"pretraining\.json, line 2: the file must be whole JSON"),
        ("trained/config.json", "[]", r"config\.json: the file must hold a JSON object, got list"),
        ("ranking/results.json", "{}", r"results\.json: results must be of `xlretrieval evaluate`"),
        ("ranking/results.json", '{"a": NaN}', r"results\.json: numbers must be finite, got NaN"),
        (
            "ranking/results.json",
            '{"command": "evaluate ranking", "measurements": [{"task": "a"}]}',
            r"results\.json: measurement 1 must have task, metric, n and an estimate `after`",
        ),
    ],
)
def test_damaged_records_are_named(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        write_card(folder / "trained", [folder / "ranking"])
    assert not (folder / "trained" / "README.md").exists()


def test_a_log_that_diverged_is_no_damage(folder):
    state = folder / "trained" / "trainer_state.json"
    state.write_text(state.read_text().replace('"loss": 3.5', '"loss": NaN'))
    assert "| MRR of the relevance head | 0.250 | 0.375 |" in card(folder / "trained")


def test_weights_of_the_best_step(folder):
    record = json.loads((folder / "trained" / "pretraining.json").read_text())
    record["arguments"]["load_best_model_at_end"] = True
    (folder / "trained" / "pretraining.json").write_text(json.dumps(record))
    change(folder / "trained" / "trainer_state.json", best_global_step=30)
    assert "| weights are those of step | 30, the best on held-out articles |" in card(folder / "trained")


def test_the_citation_is_that_of_the_package(folder):
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    text = section(card(folder / "start"), "## Citation")
    paper = cited["references"][0]
    assert f"doi       = {{{paper['doi']}}}" in text and paper["title"] in text and str(paper["year"]) in text
    assert all(author["family-names"] in text for author in paper["authors"])
    assert f"author  = {{{{{cited['authors'][0]['name']}}}}}" in text and f"license = {{{cited['license']}}}" in text
    patent = "A US patent, US11886446B2 (Baidu USA, granted 2024), covers this kind of pretraining."
    assert patent in " ".join((ROOT / "README.md").read_text().split())


def test_the_usage_runs(long_folder, tmp_path, monkeypatch):
    shutil.copytree(long_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", card(tmp_path / "model"), re.DOTALL)
    outcomes = []
    for number, block in enumerate(blocks):
        path = tmp_path / f"usage{number}.py"
        path.write_text(block)
        outcomes.append(runpy.run_path(str(path)))
    ours, plain, cross_encoder = outcomes
    query, documents = ours["query"], ours["documents"]
    ranking = ours["reranker"].rank(query, documents)
    rows = cross_encoder["model"].rank(query, documents)
    assert [index for index, _ in ranking] == [row["corpus_id"] for row in rows]
    scores = [score for _, score in ranking]
    assert scores == pytest.approx([float(plain["scores"][index]) for index, _ in ranking], abs=1e-5)
    assert scores == pytest.approx([float(row["score"]) for row in rows], abs=1e-5)
