"""The order of windows: every pass has each once, and it follows from the seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from xlretrieval.data.answers.questions import Question
from xlretrieval.data.question_features import QuestionFeatures
from xlretrieval.data.question_stream import WindowStream


@pytest.fixture(scope="session")
def features(wordpiece_folder: Path) -> QuestionFeatures:
    tokenizer = AutoTokenizer.from_pretrained(wordpiece_folder)
    contexts = ["the red house", "the blue city", "music", "water and people", "the mountain"]
    rows = [Question(str(n), "is it?", text, (text,), (0,)) for n, text in enumerate(contexts)]
    return QuestionFeatures(tokenizer, rows, 32, 4, 8)


def order(features: QuestionFeatures, seed: int, indices: range) -> list[int]:
    rows = [features[index].row.ids for index in range(len(features))]
    stream = WindowStream(features, 2, seed)
    return [rows.index(stream[index].row.ids) for index in indices]


def test_passes_follow_each_other(features: QuestionFeatures) -> None:
    stream = WindowStream(features, 2, 611)
    assert (stream.steps_per_epoch, len(stream), stream.counts["windows"]) == (3, 6, 5)
    drawn = order(features, 611, range(20))
    passes = [drawn[start : start + 5] for start in range(0, 20, 5)]
    assert all(sorted(one) == [0, 1, 2, 3, 4] for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    # Beginning anywhere gives the same, and another seed another order.
    assert order(features, 611, range(7, 20)) == drawn[7:]
    assert order(features, 612, range(20)) != drawn


def test_mistakes(features: QuestionFeatures) -> None:
    with pytest.raises(IndexError, match="index must be at least 0, got -1"):
        WindowStream(features, 2, 611)[-1]
    with pytest.raises(ValueError, match="There must be a window to learn from, got none"):
        WindowStream([], 2, 611)
