"""What counts as a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.inference.search.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'eau, 2 iPhones", ["l", "eau", "2", "iphones"]),
        ("Straße STRASSE ﬁn Ａ", ["strasse", "strasse", "fin", "a"]),
        ("iPhone手机壳 水", ["iphone", "手机", "机壳", "水"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("น้ำ", ["น้", "้ํ", "ํา"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("؟ ... \n", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@given(st.text(), st.text())
def test_words_of_two_texts_are_those_of_each(first: str, second: str) -> None:
    assert list(words(f"{first} \n {second}")) == [*words(first), *words(second)]
