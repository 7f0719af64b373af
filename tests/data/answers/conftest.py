"""A small MLQA and XQuAD in three languages, and how tests write such files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Language -> context, and for each question the question and the answer.
RIVERS = {
    "en": (
        "The Rhine is 1230 km long. It rises in the Alps.",
        [("How long is it?", "1230 km"), ("Where?", "the Alps")],
    ),
    "de": (
        "Der Rhein ist 1230 km lang. Er entspringt in den Alpen.",
        [("Wie lang?", "1230 km"), ("Wo?", "den Alpen")],
    ),
    "zh": ("莱茵河长1230公里，发源于阿尔卑斯山。", [("有多长？", "1230公里"), ("在哪里？", "阿尔卑斯山")]),
}


def document(context: str, rows: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """A SQuAD document of one paragraph; ids are q0, q1 ..."""
    questions = [
        {
            "id": f"q{number}",
            "question": question,
            "answers": [{"text": answer, "answer_start": context.index(answer)}],
            **more,
        }
        for number, (question, answer) in enumerate(rows)
    ]
    return {"version": "1.1", "data": [{"title": "Rhine", "paragraphs": [{"context": context, "qas": questions}]}]}


def asked_in(context: str, question: str) -> dict[str, Any]:
    """The document of a pair of languages."""
    rows = [(asked[0], told[1]) for asked, told in zip(RIVERS[question][1], RIVERS[context][1], strict=True)]
    return document(RIVERS[context][0], rows)


@pytest.fixture
def mlqa_folder(tmp_path: Path) -> Path:
    """Nine files of dev, one of them gzipped, and one of test, in folders as in MLQA_V1.zip."""
    for context in RIVERS:
        for question in RIVERS:
            path = tmp_path / "MLQA_V1" / "dev" / f"dev-context-{context}-question-{question}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asked_in(context, question), ensure_ascii=False), encoding="utf-8")
    packed = path.with_name("dev-context-zh-question-zh.json.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    test = tmp_path / "MLQA_V1" / "test" / "test-context-en-question-de.json"
    test.parent.mkdir()
    test.write_text(json.dumps(asked_in("en", "de")), encoding="utf-8")
    return tmp_path / "MLQA_V1"


@pytest.fixture
def xquad_folder(tmp_path: Path) -> Path:
    """A file for each language."""
    folder = tmp_path / "xquad"
    folder.mkdir()
    for language in RIVERS:
        text = json.dumps(asked_in(language, language), ensure_ascii=False)
        (folder / f"xquad.{language}.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a document as JSON and returns the file."""

    def writer(content: Any) -> Path:
        path = tmp_path / "squad.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return writer


@pytest.fixture
def rhine() -> dict[str, Any]:
    """A right document, to be spoilt."""
    return asked_in("en", "en")
