"""The example of a search runs as its first lines say."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def test_search(tiny_checkpoint, tmp_path, monkeypatch, capsys) -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "search.py"
    words = [tiny_checkpoint("BertModel"), tmp_path / "index", "--reranker"]
    words.append(tiny_checkpoint("BertForSequenceClassification"))
    monkeypatch.setattr(sys, "argv", [str(example), *map(str, words)])
    runpy.run_path(str(example), run_name="__main__")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {row[1] for row in rows} == {"danube", "seine", "rhine"}
    scores = [float(row[0]) for row in rows]
    assert scores == sorted(scores, reverse=True)
