"""Files in the format of SQuAD, 1.1 and 2.0: articles, their paragraphs, and the questions about each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .questions import OnProblem, QuestionChecks, QuestionSet
from .sources import read_plain


def read_squad(
    path: str | Path, on_problem: OnProblem = "raise", context_language: str = "", question_language: str = ""
) -> QuestionSet:
    """Reads a file, `.json` or `.json.gz`.

    Args:
        path: The file.
        on_problem: "raise" for an error at the first wrong question, "drop" to list them in the set's `problems`.
        context_language: Of the contexts.
        question_language: Of the questions.

    Raises:
        ValueError: With file and row: it is no such file, or a question is wrong.
        OSError: The file cannot be read.
    """
    return parse_squad(read_plain(path), str(path), on_problem, context_language, question_language)


def parse_squad(
    content: bytes, path: str, on_problem: OnProblem = "raise", context_language: str = "", question_language: str = ""
) -> QuestionSet:
    """As `read_squad`, of a file's bytes; `path` is for messages.

    Raises:
        ValueError: With file and row: it is no such file, or a question is wrong.
    """
    checks = QuestionChecks(path, on_problem)
    for number, article in enumerate(_member(_document(content, path), "data", list, path)):
        where = f"{path}, data[{number}]"
        for place, paragraph in enumerate(_member(article, "paragraphs", list, where)):
            for row in _member(paragraph, "qas", list, f"{where}.paragraphs[{place}]"):
                _add(checks, article, paragraph, row)
    asked = question_language or context_language
    name = f"{context_language}-{asked}" if context_language else Path(path).name.split(".")[0]
    return QuestionSet(name, context_language, asked, tuple(checks.questions), tuple(checks.problems))


def _document(content: bytes, path: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file must be UTF-8, got {error}. Convert it with `iconv -t UTF-8`.") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}, line {error.lineno}: the file must be JSON, got an error: {error.msg}. Download it again."
        ) from None
    except RecursionError:
        raise ValueError(f"{path}: the file must be JSON of few levels, got too many. Download it again.") from None


def _member(value: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(name), kind):
        got = f"the keys {', '.join(map(str, value)) or '(none)'}" if isinstance(value, dict) else type(value).__name__
        if isinstance(value, dict) and name in value:
            got = type(value[name]).__name__
        raise ValueError(
            f"{where}: there must be a {kind.__name__} {name!r}, as in a SQuAD file, got {got}. Check the file."
        )
    return value[name]


def _add(checks: QuestionChecks, article: dict, paragraph: dict, row: Any) -> None:
    row = row if isinstance(row, dict) else {}
    answers = row.get("answers")
    pairs = None
    if isinstance(answers, list) and all(isinstance(answer, dict) for answer in answers):
        pairs = [(answer.get("text"), answer.get("answer_start")) for answer in answers]
    impossible = bool(row.get("is_impossible", False))
    if impossible and answers is None:
        pairs = []
    checks.add(row.get("id"), row.get("question"), paragraph.get("context"), pairs, article.get("title"), impossible)
