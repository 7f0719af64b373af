"""The whole of `xlretrieval evaluate ranking` on real documents: Cranfield, and English topics for Chinese news."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from xlretrieval.cli.main import main
from xlretrieval.evaluation.ranking import read_qrels, read_run


@pytest.fixture
def configure(shared: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the YAML file of a collection."""

    def write(name: str, **changes: object) -> Path:
        folder = shared / "data" / name
        config = {
            "cranfield": {
                "documents": {"en": str(folder / "cran.all.1400.xml.gz")},
                # Its judgements count topics by position.
                "topics": {"en": {"path": str(folder / "cran.qry.xml.gz"), "number": "position"}},
                "qrels": {"en": str(folder / "cranqrel.trec.txt")},
            },
            "patapsco": {
                "fields": "title+description",
                "documents": {"zh": str(folder / "cc-news-zho-1000.jsonl.gz")},
                "topics": {"en": str(folder / "dev.topics.v1-0.jsonl"), "zh": str(folder / "dev.topics.v1-0.jsonl")},
                "qrels": {"zh": str(folder / "zho.toy-dev.qrels.v1-0.txt")},
            },
        }[name]
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"name": name} | config | changes))
        return path

    return write


def evaluate(tmp_path: Path, *options: object) -> dict:
    argv = ["evaluate", "ranking", *options, "--output", tmp_path / "out", "--cache-dir", tmp_path / "cache"]
    assert main([str(word) for word in argv]) == 0
    return json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))


def test_cranfield(configure, tiny_checkpoint, tmp_path: Path) -> None:
    models = [tiny_checkpoint(f"{name}ForSequenceClassification") for name in ("Bert", "ModernBert")]
    options = ["--collection", configure("cranfield"), "--model", models[0], "--before", models[1]]
    content = evaluate(tmp_path, *options, "--limit-queries", "30", "--metrics", "AP,nDCG@10,P@5,R@10,RR")
    folder = tmp_path / "out"
    qrels, run = read_qrels(folder / "runs/en-en.qrels"), read_run(folder / "runs/en-en.after.run")
    assert len(qrels) == len(run) == 30 and all(set(run[query]) == set(qrels[query]) for query in qrels)
    rows = {row["metric"]: row for row in content["measurements"]}
    assert list(rows) == ["AP", "nDCG@10", "P@5", "R@10", "RR"] and all(row["n"] == 30 for row in rows.values())
    # 64 tokens of letters are about the title of a document.
    details = content["details"]
    assert all(detail["truncated_documents"] == detail["pairs"] > 100 for detail in details)
    assert all(0 < row["test"]["randomisation"] <= 1 and row["test"]["family"] == 1 for row in rows.values())
    assert len((folder / "queries.tsv").read_text().splitlines()) == 31
    assert sorted(path.name for path in (folder / "plots").iterdir()) == [
        "en-en.differences.png",
        "en-en.precision-recall.png",
    ]
    assert (
        content["collections"]["en-en"]["counts"]["documents"]
        and "empty document: 2" in (folder / "table.md").read_text()
    )


def test_cranfield_by_passages(configure, tiny_checkpoint, tmp_path: Path) -> None:
    options = ["--collection", configure("cranfield"), "--model", tiny_checkpoint("BertForSequenceClassification")]
    content = evaluate(tmp_path, *options, "--limit-queries", "5", "--passages", "maxp", "--passage-tokens", "28")
    detail = content["details"][0]
    assert detail["truncated_documents"] == 0 and detail["passages"] > 10 * detail["pairs"]
    assert (
        detail["split"] == detail["pairs"] == sum(map(len, read_run(tmp_path / "out/runs/en-en.after.run").values()))
    )


def test_english_topics_for_chinese_documents(configure, tiny_checkpoint, tmp_path: Path) -> None:
    options = ["--collection", configure("patapsco"), "--direction", "en-zh,zh-zh", "--metrics", "AP,nDCG@10"]
    content = evaluate(tmp_path, *options, "--model", tiny_checkpoint("XLMRobertaForSequenceClassification"))
    assert [(row["task"], row["metric"], row["n"]) for row in content["measurements"]] == [
        ("en-zh", "AP", 2),
        ("en-zh", "nDCG@10", 2),
        ("zh-zh", "AP", 2),
        ("zh-zh", "nDCG@10", 2),
        ("mean", "AP", 4),
        ("mean", "nDCG@10", 4),
    ]
    run = read_run(tmp_path / "out/runs/en-zh.after.run")
    assert {query: len(found) for query, found in run.items()} == {
        query: len(found) for query, found in read_qrels(tmp_path / "out/runs/en-zh.qrels").items()
    }
    assert sum(map(len, run.values())) == 44


def test_bad_judgements_are_named_by_file_and_line(
    configure, shared: Path, tiny_checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure("patapsco", qrels={"zh": str(shared / "data/patapsco/qrels_bad")})
    argv = ["evaluate", "ranking", "--collection", path, "--direction", "en-zh", "--cache-dir", tmp_path / "cache"]
    argv += ["--model", tiny_checkpoint("BertForSequenceClassification"), "--output", tmp_path / "out"]
    assert main([str(word) for word in argv]) == 2
    assert "qrels_bad, line 5: relevance must be an integer, got '0.5'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
