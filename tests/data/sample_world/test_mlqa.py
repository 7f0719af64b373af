"""The question answering collection: exact answers, the same questions in all languages."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

LANGUAGES = ("de", "en", "es", "fr")


def questions(sample: Path, split: str, context: str, question: str) -> dict[str, tuple[str, str, str, int, str]]:
    """Id -> question, answer, context, start, title."""
    path = sample / "mlqa" / f"{split}-context-{context}-question-{question}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    assert list(document) == ["version", "data"]
    found = {}
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                (answer,) = asked["answers"]
                assert asked["id"] not in found
                found[asked["id"]] = (
                    asked["question"],
                    answer["text"],
                    paragraph["context"],
                    answer["answer_start"],
                    article["title"],
                )
    return found


@pytest.mark.parametrize("split,least", [("test", 300), ("dev", 100)])
def test_answers_stand_where_they_are_said_to_stand(sample: Path, split: str, least: int) -> None:
    everything = {
        (context, question): questions(sample, split, context, question)
        for context, question in itertools.product(LANGUAGES, LANGUAGES)
    }
    assert len({tuple(sorted(found)) for found in everything.values()}) == 1
    assert len(everything["en", "en"]) >= least
    for (context, question), found in everything.items():
        for key, (asked, answer, text, start, title) in found.items():
            assert answer and text[start : start + len(answer)] == answer
            assert asked.endswith("?") and "{" not in asked and "  " not in asked
            # The question does not depend on the context's language, nor the context on the question's.
            assert asked == everything["en", question][key][0]
            assert (answer, text, start, title) == everything[context, "en"][key][1:]


def test_a_question_is_asked_once(sample: Path) -> None:
    for language in LANGUAGES:
        asked = [found[0] for found in questions(sample, "test", "en", language).values()]
        assert len(asked) == len(set(asked))


def test_the_splits_share_no_article(sample: Path) -> None:
    titles = [{found[4] for found in questions(sample, split, "en", "en").values()} for split in ("dev", "test")]
    assert len(titles[0]) > 20 and len(titles[1]) > 80
    assert not titles[0] & titles[1]


def test_questions_are_of_many_kinds(sample: Path) -> None:
    starts = {" ".join(found[0].split()[:3]) for found in questions(sample, "test", "en", "en").values()}
    assert len(starts) >= 20
