"""Windows of a document, and the best of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlretrieval.inference.search.documents import SearchDocument
from xlretrieval.inference.search.passages import best_passages, windows
from xlretrieval.inference.search.words import words

SENTENCE = "This sentence has exactly twelve words, which is what it is for. "


def texts_of(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in windows(text, language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("...", []),
        ("  One. Two?\n\nThree.\n", ["One. Two?\n\nThree."]),
        (SENTENCE * 6, [(SENTENCE * 5).strip(), SENTENCE.strip()]),
        ("word " * 70, [" ".join(["word"] * 60), " ".join(["word"] * 10)]),
    ],
)
def test_windows_are_whole_sentences_of_sixty_words(text, expected) -> None:
    assert texts_of(text) == expected


def test_chinese() -> None:
    found = texts_of("我喜欢喝水。" * 30, "zh")
    assert "".join(found) == "我喜欢喝水。" * 30 and len(found) > 1
    assert all(part.endswith("。") for part in found)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.integers(1, 12), st.sampled_from(["", "en", "zh", "de-AT", "xx"]))
def test_no_word_is_lost(text, times, language) -> None:
    text = f"{text} and. " * times
    found = windows(text, language)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(first[1] <= second[0] for first, second in zip(found, found[1:], strict=False))
    # What is between windows has no words.
    gaps = [0, *(place for span in found for place in span), len(text)]
    for start, end in zip(gaps[::2], gaps[1::2], strict=True):
        assert not list(words(text[start:end]))


def test_a_text_of_five_megabytes() -> None:
    found = windows("Wörter ohne Ende " * 300_000, "de")
    assert len(found) == 64 and found[0] == (0, 60 * len("Wörter ohne Ende ") // 3 - 1)
    assert len(windows("a" * 5_000_000)) <= 64


def test_the_best_one_is_chosen_of_every_document() -> None:
    documents = [
        SearchDocument("1", "no. " * 60 + "Yes here it is. " + "no. " * 60),
        SearchDocument("2", "short"),
        SearchDocument("3", "", title="only a title"),
        SearchDocument("4", "yes " * 60 + "no. " * 60),
    ]
    asked: list[list[str]] = []

    def score(query: str, texts: list[str]) -> np.ndarray:
        asked.append(texts)
        return np.array([query in text.lower() for text in texts], np.float32)

    spans = best_passages("yes", documents, score)
    assert "Yes here it is." in documents[0].text[slice(*spans[0])]
    assert spans[1:3] == [(0, 5), None] and spans[3][0] == 0
    assert len(asked) == 1 and "short" not in asked[0]
