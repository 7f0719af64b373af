"""Records for the public: nothing of this machine is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlretrieval.hub.json_records import public_record


def test_of_a_path_the_last_part_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs" / "qlm-rr").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    record = {
        "model": "/home/me/runs/start/",
        "paths": ["~/data/clef.yaml", "../de.parquet", "C:\\Users\\me\\en.jsonl", "runs/qlm-rr"],
        "nested": {"corpus": str(tmp_path / "corpus")},
        # No paths: a model on the Hub, a data set, text, numbers.
        "base": "google-bert/bert-base-multilingual-uncased",
        "source": "irds:hc4/zh/dev",
        "text": "sections too short",
        "numbers": [1, 0.5, None, True],
    }
    assert public_record(record) == {
        "model": "start",
        "paths": ["clef.yaml", "de.parquet", "en.jsonl", "qlm-rr"],
        "nested": {"corpus": "corpus"},
        "base": "google-bert/bert-base-multilingual-uncased",
        "source": "irds:hc4/zh/dev",
        "text": "sections too short",
        "numbers": [1, 0.5, None, True],
    }
