"""`xlretrieval evaluate ranking` on collections: what it ranks, what it says of two systems, what it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlretrieval.cli.main import main
from xlretrieval.evaluation.ranking import evaluate_run, read_qrels, read_run
from xlretrieval.hub.evaluations import read_evaluations

WORDS = {
    "en": "city river house water mountain history language country people music".split(),
    "de": "stadt fluss haus wasser berg geschichte sprache land leute musik".split(),
    "fr": "ville rivière maison eau montagne histoire langue pays gens musique".split(),
}
HEAD = "BertForSequenceClassification"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """YAML file: ten English topics, ten documents in German and ten in French, four judged per topic and language."""
    topics = (
        f"<top><num> C{41 + number:03} </num><EN-title> {word} </EN-title></top>\n"
        for number, word in enumerate(WORDS["en"])
    )
    (tmp_path / "topics.txt").write_text("".join(topics))
    for language in ("de", "fr"):
        rows = (
            {"id": f"{language.upper()}{number}", "text": " ".join(np.roll(WORDS[language], -number)[:5])}
            for number in range(10)
        )
        (tmp_path / f"{language}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        judgements = (
            f"{41 + topic}-AH 0 {language.upper()}{(topic + shift) % 10} {int(shift in (0, 8))}\n"
            for topic in range(10)
            for shift in (0, 3, 5, 8)
        )
        (tmp_path / f"{language}.qrels").write_text("".join(judgements))
    (tmp_path / "toy.yaml").write_text(
        "name: toy\ntopics: {en: topics.txt}\ndocuments: {de: de.jsonl, fr: fr.jsonl}\n"
        "qrels: {de: de.qrels, fr: fr.qrels}\n"
    )
    return tmp_path / "toy.yaml"


@pytest.fixture
def evaluate(tmp_path: Path, tiny_checkpoint: Callable[[str], Path]) -> Callable[..., dict[str, Any]]:
    """Runs the command into `tmp_path / name` and returns results.json."""

    def call(name: str, *options: object, model: str | None = HEAD) -> dict[str, Any]:
        argv = ["evaluate", "ranking", *(["--model", tiny_checkpoint(model)] if model else []), *options]
        if "--collection" in argv:
            argv += ["--cache-dir", tmp_path / "cache"]
        assert main([str(word) for word in (*argv, "--output", tmp_path / name)]) == 0
        return json.loads((tmp_path / name / "results.json").read_text(encoding="utf-8"))

    return call


def test_two_models_in_two_directions(
    collection: Path, evaluate, tiny_checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tiny_checkpoint("XLMRobertaForSequenceClassification")
    options = ["--collection", collection, "--direction", "all", "--before", before, "--metrics", "AP,P@2,RR"]
    content = evaluate("out", *options)
    folder = tmp_path / "out"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "heatmap.png",
        "plots/en-de.differences.png",
        "plots/en-de.precision-recall.png",
        "plots/en-fr.differences.png",
        "plots/en-fr.precision-recall.png",
        "queries.json",
        "queries.tsv",
        "results.json",
        "runs/en-de.after.run",
        "runs/en-de.before.run",
        "runs/en-de.qrels",
        "runs/en-fr.after.run",
        "runs/en-fr.before.run",
        "runs/en-fr.qrels",
        "table.md",
    ]
    rows = {(row["task"], row["metric"]): row for row in content["measurements"]}
    assert list(rows) == [(task, metric) for task in ("en-de", "en-fr", "mean") for metric in ("AP", "P@2", "RR")]
    for task in ("en-de", "en-fr"):
        result = evaluate_run(read_run(folder / f"runs/{task}.after.run"), read_qrels(folder / f"runs/{task}.qrels"))
        assert rows[task, "AP"]["after"]["value"] == pytest.approx(result.mean["AP"])
        assert rows[task, "AP"]["test"]["family"] == 2
    p_values = sorted(rows[task, "AP"]["test"]["randomisation"] for task in ("en-de", "en-fr"))
    adjusted = sorted(rows[task, "AP"]["test"]["randomisation_holm"] for task in ("en-de", "en-fr"))
    smaller = min(1, 2 * p_values[0])
    assert adjusted == [smaller, max(smaller, p_values[1])]
    assert rows["mean", "AP"]["test"] is None
    table = (folder / "table.md").read_text()
    assert table.startswith("| task | metric | n | before | after | difference | p | p (t) | p Holm | p Holm (t) |\n")
    assert "\nen-de" not in table and "Holm: corrected for 2 tasks.\n" in table
    shown = capsys.readouterr().out
    assert "Holm: corrected for 2 tasks" in shown and "p Holm (t)" in shown
    assert content["collections"]["en-de"]["counts"]["judgements"] == 40
    assert [detail["pairs"] for detail in content["details"]] == [40] * 4
    evaluation = read_evaluations([folder])[0]
    assert evaluation.headline().startswith("Ranking of the collection toy: MRR ")
    assert list(evaluation.directions()) == [("en", "de"), ("en", "fr")]
    assert evaluation.protocol().startswith("Ranked are the judged documents of each query, by the relevance head. ")


def test_every_query_is_in_the_tables(collection: Path, evaluate, tiny_checkpoint, tmp_path: Path) -> None:
    before = tiny_checkpoint("XLMRobertaForSequenceClassification")
    evaluate("out", "--collection", collection, "--direction", "en-de", "--before", before, "--metrics", "RR")
    lines = (tmp_path / "out/queries.tsv").read_text().splitlines()
    assert lines[0].split("\t") == [
        *("task", "query", "text", "judged", "relevant", "retrieved.before", "retrieved.after"),
        *("RR.before", "RR.after", "RR.difference"),
    ]
    rows = json.loads((tmp_path / "out/queries.json").read_text())
    assert len(rows) == len(lines) - 1 == 10
    assert list(rows[1].values())[:7] == ["en-de", "42-AH", "river", 4, 2, 4, 4]
    for row, line in zip(rows, lines[1:], strict=True):
        assert row["RR.difference"] == row["RR.after"] - row["RR.before"]
        assert line.split("\t")[-1] == f"{row['RR.difference']:.6f}"
    # The same rankings, measured from their files.
    runs = tmp_path / "out/runs"
    options = ["--run", runs / "en-de.after.run", "--baseline", runs / "en-de.before.run", "--metrics", "RR"]
    again = evaluate("again", *options, "--qrels", runs / "en-de.qrels", model=None)
    content = json.loads((tmp_path / "out/results.json").read_text())
    assert [row | {"task": "en-de"} for row in again["measurements"]] == content["measurements"]


def test_a_run_is_ranked_again_and_compared_with(
    collection: Path, evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "bm25.run"
    lines = [f"41-AH Q0 DE{number} 1 {10 - number} x\n" for number in range(6)]
    run.write_text("".join([*lines, "42-AH Q0 DE1 1 1 x\n", "99 Q0 DE1 1 1 x\n"]))
    options = ["--collection", collection, "--direction", "en-de", "--candidates-run", run, "--top-k", "3"]
    content = evaluate("out", *options, "--baseline", run)
    after = read_run(tmp_path / "out/runs/en-de.after.run")
    assert {query: sorted(found) for query, found in after.items()} == {
        "41-AH": ["DE0", "DE1", "DE2"],
        "42-AH": ["DE1"],
    }
    assert {query: len(found) for query, found in read_run(tmp_path / "out/runs/en-de.before.run").items()} == {
        "41-AH": 6,
        "42-AH": 1,
    }
    after_details, before_details = content["details"]
    missing = [f"{number}-AH" for number in range(43, 51)]
    assert after_details["missing"] == before_details["missing"] == missing
    note = f"en-de (after): 8 of 10 judged queries are missing and count 0: {', '.join(missing)}"
    for text in (capsys.readouterr().out, (tmp_path / "out/table.md").read_text()):
        assert note in " ".join(text.split())
        assert "en-de: 1 queries of the candidates' run are not in the collection" in text
    assert content["measurements"][0]["n"] == 10
    evaluation = read_evaluations([tmp_path / "out"])[0]
    assert "Ranked are the first 3 documents of the run `bm25.run`" in evaluation.protocol()
    assert "Before: run `bm25.run`." in evaluation.protocol()


def test_languages_compete_in_one_pool(
    collection: Path, evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--collection", collection, "--direction", "en-de,en-fr", "--mix-languages"]
    content = evaluate("out", *options)
    assert {row["task"] for row in content["measurements"]} == {"en-de+fr"}
    run = read_run(tmp_path / "out/runs/en-de+fr.after.run")
    assert all(len(found) == 8 for found in run.values()) and len(run) == 10
    bias = content["language_bias"]["en-de+fr"]["after"]
    assert [(entry["language"], entry["relevant"], entry["ranked"]) for entry in bias["languages"]] == [
        ("de", 20, 40),
        ("fr", 20, 40),
    ]
    assert (bias["mixed_queries"], bias["unknown"], bias["tests"][0]["queries"]) == (10, [], 10)
    means = [entry["mean_percentile"] for entry in bias["languages"]]
    assert bias["tests"][0]["difference"] == pytest.approx(means[0] - means[1])
    note = f"mean rank percentile of relevant documents (0: top): de {means[0]:.1f} (n=20), fr {means[1]:.1f} (n=20)"
    assert note in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "out/plots/en-de+fr.language-bias.png").exists()
    # From the run and a file of languages, the same numbers.
    languages = tmp_path / "languages.tsv"
    languages.write_text("".join(f"{name}{number}\t{name.lower()}\n" for name in ("DE", "FR") for number in range(10)))
    runs = tmp_path / "out/runs"
    options = ["--run", runs / "en-de+fr.after.run", "--qrels", runs / "en-de+fr.qrels"]
    again = evaluate("again", *options, "--document-languages", languages, model=None)
    assert again["language_bias"]["en-de+fr.after"]["after"] == bias
    languages.write_text("DE1\tde\nFR1\tfr\nDE1\tfr\n")
    argv = ["evaluate", "ranking", *map(str, options), "--document-languages", str(languages)]
    assert main(argv) == 2
    assert (
        "languages.tsv, line 3: a document must occur once, got DE1 which is also in line 1" in capsys.readouterr().err
    )


def test_passages_of_documents_that_fit_change_nothing(collection: Path, evaluate, tmp_path: Path) -> None:
    options = ["--collection", collection, "--direction", "en-de"]
    plain = evaluate("plain", *options)
    whole = evaluate("whole", *options, "--passages", "maxp")
    assert whole["measurements"] == plain["measurements"]
    run = "runs/en-de.after.run"
    assert (tmp_path / "whole" / run).read_text() == (tmp_path / "plain" / run).read_text()
    cut = evaluate("cut", *options, "--passages", "firstp", "--passage-tokens", "2", "--passage-stride", "1")
    detail = cut["details"][0]
    assert detail["split"] == detail["truncated_documents"] == detail["passages"] == 40
    assert (
        "en-de (after): 40 documents cut to their first passage; 40 of 40 documents longer than a passage, "
        "40 passages scored"
    ) in (tmp_path / "cut/table.md").read_text()
    assert (tmp_path / "cut" / run).read_text() != (tmp_path / "plain" / run).read_text()
    assert "long documents by their first passage" in read_evaluations([tmp_path / "cut"])[0].protocol()


def test_fewer_queries(collection: Path, evaluate, tmp_path: Path) -> None:
    content = evaluate("out", "--collection", collection, "--direction", "en-fr", "--limit-queries", "4")
    assert content["measurements"][0]["n"] == len(read_qrels(tmp_path / "out/runs/en-fr.qrels")) == 4
    assert "dropped: 6 queries beyond the limit" in (tmp_path / "out/table.md").read_text()
    options = ["--scorer", "embedding", "--limit-queries", "4"]
    assert evaluate("embedding", "--collection", collection, "--direction", "en-fr", *options)["measurements"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model M --collection C", "C: --direction: direction must be one of en-de, en-fr, got None"),
        ("--model M --collection C --direction en-it", "direction must be one of en-de, en-fr, got 'en-it'"),
        ("--model M --collection C --corpus D", "Ranking must be given --corpus or --collection, got --model"),
        ("--collection C --direction en-de", "--model must be given"),
        ("--collection C --run R --qrels Q", "got --collection, --run, --qrels. Give one or the other"),
        ("--model M --corpus D --top-k 3", "--top-k must be given with --collection, got it without"),
        ("--model M --collection C --top-k 3", "--top-k must be given with --candidates-run or --first-stage"),
        ("--model M --corpus D --first-stage M", "--first-stage must be given with --collection, got it without"),
        ("--model M --collection C --first-stage-layer 1", "--first-stage-layer must be given with --first-stage"),
        ("--model M --collection C --first-stage M --candidates-run R", "--candidates-run or --first-stage, got both"),
        ("--before M --collection C --first-stage M", "--before must be given with --model, got --first-stage alone"),
        ("--collection C --first-stage M --passages maxp", "by its head, got --first-stage alone"),
        ("--collection C --direction en-de --first-stage M --top-k 0", "top_k must be at least 1, got 0"),
        ("--collection C --direction en-de --first-stage M --first-stage-layer 9", "layer must be between -3 and 2"),
        ("--model M --collection C --passage-tokens 3", "--passage-tokens must be given with --passages"),
        (
            "--run R --qrels Q --passages maxp",
            "--passages must be given with a model that scores by its head, got --run",
        ),
        ("--model M --collection C --scorer embedding --passages maxp", "by its head, got --scorer embedding"),
        (
            "--model M --before M --collection C --baseline R",
            "one run that the model is compared with, got --before too",
        ),
        (
            "--model M --collection C --direction all --baseline R",
            "--baseline must be of one direction, got en-de, en-fr",
        ),
        ("--model M --collection C --direction en-de --mix-languages", "Collections that are mixed must have queries"),
        ("--model M --collection C --direction en-de --candidates-run F", "french.run: documents of a run must be in"),
        ("--model M --collection C --direction en-de --candidates-run B", "broken.run, line 2: a line must have 6"),
        ("--model M --collection C --direction en-de --limit-queries 0", "limit must be at least 1 query, got 0"),
        (
            "--model M --collection C --direction en-de --metrics AP,MAP",
            "Metrics must be different ones, got AP and MAP",
        ),
        ("--run R --qrels Q --limit-queries 0", "--limit-queries must be given with --collection"),
        ("--run R R --qrels Q", "Runs must have different names, got .* 2 times"),
        ("--run R B --baseline R --qrels Q", "--baseline must be given 2 files for 2 runs, got 1"),
        ("--run R --qrels Q Q", "--qrels must be given 1 files for 1 runs, got 2"),
    ],
)
def test_wrong_options_end_with_code_2(
    options: str, message: str, collection: Path, tmp_path: Path, tiny_checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "german.run").write_text("41-AH Q0 DE1 1 1 x\n")
    (tmp_path / "french.run").write_text("41-AH Q0 FR1 1 1 x\n")
    (tmp_path / "broken.run").write_text("41-AH Q0 DE1 1 1 x\n41-AH DE2 1\n")
    files = {"M": tiny_checkpoint(HEAD), "C": collection, "D": tmp_path, "Q": tmp_path / "de.qrels"}
    files |= {"R": tmp_path / "german.run", "F": tmp_path / "french.run", "B": tmp_path / "broken.run"}
    argv = [str(files.get(word, word)) for word in options.split()]
    if "--collection" in argv and "--run" not in argv:
        argv += ["--cache-dir", str(tmp_path / "cache")]
    assert main(["evaluate", "ranking", *argv, "--output", str(tmp_path / "out")]) == 2
    assert re.search(message.replace("C:", f"{collection}:"), capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
