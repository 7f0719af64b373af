"""SQuAD files: what is read, and what is wrong with a file that is not right."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.data.answers.questions import Question
from xlretrieval.data.answers.squad_format import parse_squad, read_squad


def first(document: dict[str, Any]) -> dict[str, Any]:
    """The first question of the first paragraph."""
    return document["data"][0]["paragraphs"][0]["qas"][0]


def test_reads_version_1(write, rhine) -> None:
    questions = read_squad(write(rhine), context_language="en")
    assert questions.questions[0] == Question(
        "q0", "How long is it?", "The Rhine is 1230 km long. It rises in the Alps.", ("1230 km",), (13,), "Rhine"
    )
    assert questions.references == {"q0": ("1230 km",), "q1": ("the Alps",)}
    assert (questions.name, questions.question_language, questions.problems) == ("en-en", "en", ())


def test_reads_version_2(write, rhine) -> None:
    first(rhine).update(is_impossible=True, answers=[], plausible_answers=[{"text": "1230 km", "answer_start": 13}])
    assert read_squad(write(rhine)).references == {"q0": (), "q1": ("the Alps",)}


def spoil(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    first(document).update(values)
    return document


def without_data(document: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1.1", "articles": document["data"]}


def set_context(document: dict[str, Any], context: Any) -> dict[str, Any]:
    document["data"][0]["paragraphs"][0]["context"] = context
    return document


MISTAKES = [
    (lambda d: without_data(d), "squad.json: there must be a list 'data', .* got the keys version, articles"),
    (lambda d: {"data": {}}, "squad.json: there must be a list 'data', .* got dict"),
    (lambda d: {"data": [{"title": "x"}]}, r"squad.json, data\[0\]: there must be a list 'paragraphs'"),
    (lambda d: '{\n"data": [\n', "squad.json, line 3: the file must be JSON"),
    (lambda d: "[]", "there must be a list 'data', as in a SQuAD file, got list"),
    (
        lambda d: spoil(d, answers=[{"text": "1230 km", "answer_start": 45}]),
        r"question 1 \(id 'q0'\): an answer must end within its context of 48 characters, got '1230 km' from 45 to 52",
    ),
    (
        lambda d: spoil(d, answers=[{"text": "1230 km", "answer_start": 12}]),
        r"question 1 \(id 'q0'\): the context must have the answer '1230 km' at 12, got ' 1230 k' \(it stands at 13\)",
    ),
    (
        lambda d: spoil(d, answers=[{"text": "865 km", "answer_start": 13}]),
        r"the context must have the answer '865 km' at 13, got '1230 k' \(it stands nowhere\)",
    ),
    (lambda d: spoil(d, answers=[{"text": "1230 km"}]), "answer_start must be a number from 0, got None"),
    (
        lambda d: spoil(d, answers=[{"text": "The", "answer_start": -1}]),
        "answer_start must be a number from 0, got -1",
    ),
    (lambda d: spoil(d, answers=[{"text": " ", "answer_start": 3}]), "an answer must be a text that is not empty"),
    (lambda d: spoil(d, answers=[]), "must have an answer or be marked is_impossible, got neither"),
    (lambda d: spoil(d, is_impossible=True), "an impossible question must have no answer, got '1230 km'"),
    (lambda d: spoil(d, answers="1230 km"), "answers must be a list of texts and starts"),
    (lambda d: spoil(d, id="q1"), r"question 2 \(id 'q1'\): id must occur once, got the one of question 1 again"),
    (lambda d: spoil(d, question=""), "question must be a text that is not empty, got ''"),
    (lambda d: set_context(d, ""), r"question 1 \(id 'q0'\): context must be a text that is not empty, got ''"),
    (lambda d: set_context(d, None), "context must be a text that is not empty, got None"),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(change, message: str, write, rhine) -> None:
    with pytest.raises(ValueError, match=message):
        read_squad(write(change(copy.deepcopy(rhine))))


def test_wrong_questions_are_dropped_and_listed(write, rhine) -> None:
    document = spoil(rhine, answers=[{"text": "865 km", "answer_start": 13}])
    questions = read_squad(write(document), on_problem="drop")
    assert list(questions.references) == ["q1"]
    assert len(questions.problems) == 1 and "question 1 (id 'q0')" in questions.problems[0]
    with pytest.raises(ValueError, match="on_problem must be raise or drop, got 'skip'"):
        read_squad(write(document), on_problem="skip")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 60) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from("data paragraphs qas context id question answers text".split()), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON, place=st.sampled_from(["data", "article", "paragraph", "question", "answer"]))
def test_whatever_stands_there_is_read_or_named(value: Any, place: str) -> None:
    import json

    holder: Any = {
        "data": [{"paragraphs": [{"context": "a b", "qas": [{"id": "1", "question": "x", "answers": [0]}]}]}]
    }
    if place == "data":
        holder["data"] = value
    elif place == "article":
        holder["data"][0] = value
    elif place == "paragraph":
        holder["data"][0]["paragraphs"][0] = value
    elif place == "question":
        holder["data"][0]["paragraphs"][0]["qas"][0] = value
    else:
        first(holder)["answers"] = [value]
    try:
        parse_squad(json.dumps(holder).encode(), "squad.json")
    except ValueError as error:
        assert str(error).startswith("squad.json")
