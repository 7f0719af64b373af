"""What is read of an article is the same tokens in every language, and counts of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlretrieval.data.wiki.alignment.rarity import Rarity
from xlretrieval.data.wiki.alignment.signals import hash_token, signals_of, words_in
from xlretrieval.data.wiki.records import Article, ArticleSection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Berlin liegt in Berlin.", {"berlin", "liegt", "in"}),
        ("I saw J. S. Bach", {"saw", "bach"}),
        ("STRASSE Straße", {"strasse"}),
        ("王城", {"王城"}),
        ("乔治三世", {"乔治", "治三", "三世"}),
        ("在Rome的", {"在", "rome", "的"}),
        ("ベルリン", {"ベル", "ルリ", "リン"}),
        ("กรุง", {"กร", "รุ", "ุง"}),
        ("Москва 1990 и Kyiv", {"москва", "kyiv"}),
        ("서울은 크다", {"서울은", "크다"}),
        ("12 % _x_", set()),
        ("", set()),
    ],
)
def test_words(text, expected):
    assert words_in(text) == expected


@given(st.text())
@example("\u0e50 ก\u0e51ข \u1040")
def test_words_of_any_text_have_no_space_and_no_digit(text):
    for word in words_in(text):
        assert word and not any(character.isspace() or character.isdecimal() for character in word)


def test_an_article_as_numbers():
    sections = [
        ArticleSection(0, (), "Rome, 753", (7, 9)),
        ArticleSection(1, ("History", "Early life: "), "in 753 and 1453", (7,), ("753", "1453")),
    ]
    article = signals_of(Article("Q1", "en", 1, "T", sections))
    assert article.headings.tolist() == [0, hash_token("early life")]
    assert article.parents.tolist() == [0, hash_token("history")]
    assert article.path_headings.tolist() == sorted([hash_token("history"), hash_token("early life")])
    assert article.lengths == pytest.approx(np.log1p([9, 15]))
    numbers = article.tables["numbers"]
    found = set(zip(numbers.tokens.tolist(), numbers.sections.tolist(), strict=True))
    assert found == {(hash_token("753"), 0), (hash_token("753"), 1), (hash_token("1453"), 1)}
    assert (np.diff(numbers.tokens.astype(np.int64)) >= 0).all()
    assert article.tables["items"].sections.tolist().count(0) == 2


def test_rare_tokens_weigh_more():
    texts = ["rome fell", "rome rose", "rome and bern", "rome"]
    sections = [ArticleSection(n, (), text) for n, text in enumerate(texts)]
    rarity = Rarity()
    rarity.add(signals_of(Article("Q1", "en", 1, "T", sections)))
    tokens = np.array([hash_token(word) for word in ("rome", "bern", "unseen")], np.uint32)
    rome, bern, unseen = rarity.weights("words", tokens)
    assert (rome, bern, unseen) == pytest.approx((np.log(5 / 4.5), np.log(5 / 1.5), np.log(5 / 0.5)))
    assert rarity.weights("numbers", tokens[:1]) == pytest.approx(np.log(5 / 0.5)), "kinds are counted apart"
