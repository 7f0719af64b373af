"""`xlretrieval evaluate ranking` under a launcher: the run of one process, and one voice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from warm_processes import run_warm

from xlretrieval.cli.main import main
from xlretrieval.data.trec import read_run
from xlretrieval.inference.reranker import Reranker

# Threads of the group that are left in the end make a process abort now and then when the interpreter is taken down.
ENDING = """
import pathlib, sys
from xlretrieval.cli.main import main
code = main(sys.argv[1:])
names = [path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
sys.exit(code or ", ".join(name for name in names if "gloo" in name) or None)
"""
# Every process writes down the pairs that it scores.
SPY = """
import os, sys
from xlretrieval.cli.main import main
from xlretrieval.inference.reranker import Reranker
launch = Reranker._launch
def spy(self, forward, rows, *rest):
    with open(f"{os.environ['SPY']}.{os.environ['RANK']}", "a") as file:
        file.writelines(f"{row.ids}\\n" for row in rows)
    return launch(self, forward, rows, *rest)
Reranker._launch = spy
sys.exit(main(sys.argv[1:]))
"""


def assert_same_run(one: Path, two: Path) -> None:
    first, second = read_run(one), read_run(two)
    assert list(first) == list(second)
    for query, documents in first.items():
        assert second[query] == pytest.approx(documents, abs=1e-6)


@pytest.fixture
def words(judged_yaml, tiny_checkpoint) -> list[str]:
    checkpoint = str(tiny_checkpoint("BertForSequenceClassification"))
    cache = str(judged_yaml.parent / "cache")
    return ["evaluate", "ranking", "--model", checkpoint, "--collection", str(judged_yaml), "--cache-dir", cache]


@pytest.mark.slow
def test_two_processes_write_the_run_of_one(words, tmp_path, monkeypatch, capsys) -> None:
    program = tmp_path / "spy.py"
    program.write_text(SPY)
    # A cache that is not there yet, which both would fill; and every step: first stage, passages, the report.
    words[-1] = str(tmp_path / "cache")
    words += ["--first-stage", words[3], "--top-k", "7", "--passages", "maxp", "--passage-tokens", "3"]
    done = run_warm([program, *words, "--output", tmp_path / "two"], processes=2, SPY=str(tmp_path / "pairs"))
    assert done.returncode == 0, done.stderr[-3000:]
    expected, launch = [], Reranker._launch

    def spy(self: Reranker, forward: object, rows: list, *rest: object) -> object:
        expected.extend(str(row.ids) for row in rows)
        return launch(self, forward, rows, *rest)

    monkeypatch.setattr(Reranker, "_launch", spy)
    assert main([*words, "--output", str(tmp_path / "one")]) == 0
    for side in ("candidates", "after"):
        assert_same_run(*(tmp_path / name / f"runs/en-de.{side}.run" for name in ("one", "two")))
    assert done.stdout == capsys.readouterr().out.replace("/one", "/two")
    names = [
        sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*")) for name in ("one", "two")
    ]
    assert names[0] == names[1]
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("one", "two")]
    assert results[0]["details"] == results[1]["details"] and results[0]["collections"] == results[1]["collections"]
    # Every passage of every pair on one process only, and about as many on each.
    shares = [(tmp_path / f"pairs.{rank}").read_text().splitlines() for rank in (0, 1)]
    assert sorted([*shares[0], *shares[1]]) == sorted(expected)
    assert len(expected) == results[1]["details"][0]["passages"] > 140
    assert min(map(len, shares)) > 0.4 * len(expected)


@pytest.mark.slow
def test_embeddings_and_mistakes_of_two_processes(words, tmp_path) -> None:
    output = ["--scorer", "embedding", "--output", str(tmp_path / "two")]
    program = tmp_path / "ending.py"
    program.write_text(ENDING)
    done = run_warm([program, *words, *output], processes=2)
    assert done.returncode == 0, done.stderr[-3000:]
    assert main([*words, *output[:2], "--output", str(tmp_path / "one")]) == 0
    assert_same_run(*(tmp_path / name / "runs/en-de.after.run" for name in ("one", "two")))
    before = (tmp_path / "two/results.json").read_text()
    done = run_warm(["-m", "xlretrieval", *words, *output], processes=2)
    assert done.returncode != 0 and "The output folder must be new or empty" in done.stderr
    assert (tmp_path / "two/results.json").read_text() == before
