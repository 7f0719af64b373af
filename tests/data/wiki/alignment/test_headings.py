"""Headings translate as the corpus teaches, or by their letters."""

from __future__ import annotations

import numpy as np
import pytest

from xlretrieval.data.wiki.alignment.headings import heading_gains, heading_likeness
from xlretrieval.data.wiki.alignment.signals import hash_token, normalise_heading, signals_of
from xlretrieval.data.wiki.alignment.translations import Bags, TranslationTable, learn_translations
from xlretrieval.data.wiki.records import Article, ArticleSection

ENGLISH = ["history", "geography", "economy", "culture", "education"]
GERMAN = ["geschichte", "geographie", "wirtschaft", "kultur", "bildung"]


def _bag(headings):
    return np.array(sorted(map(hash_token, headings)), dtype=np.uint32)


def _hashes(headings):
    return np.array([hash_token(heading) for heading in headings], dtype=np.uint32)


@pytest.fixture(scope="module")
def learned() -> TranslationTable:
    """From 300 articles, each with three headings of five that translate, and one that stands on either side alone."""
    rng = np.random.default_rng(5)
    source, target = [], []
    for _ in range(300):
        chosen = rng.choice(5, size=3, replace=False)
        source.append(_bag([*(ENGLISH[i] for i in chosen), "references"]))
        target.append(_bag([GERMAN[i] for i in chosen if rng.random() < 0.8] + ["weblinks"]))
    return learn_translations(Bags.of(source), Bags.of(target))


def test_each_heading_is_closest_to_its_translation(learned):
    gains = learned.look_up(_hashes(ENGLISH), _hashes(GERMAN))
    assert gains.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert gains.argmax(axis=0).tolist() == [0, 1, 2, 3, 4]
    off_diagonal = gains[~np.eye(5, dtype=bool)]
    assert gains.diagonal().min() > 1.5 > 0.5 > off_diagonal.max()


def test_directions_swap(learned):
    rng = np.random.default_rng(3)
    bags = [[_bag(rng.choice(names, size=3, replace=False)) for _ in range(50)] for names in (ENGLISH, GERMAN)]
    forward = learn_translations(Bags.of(bags[0]), Bags.of(bags[1]))
    backward = learn_translations(Bags.of(bags[1]), Bags.of(bags[0]))
    there = forward.look_up(_hashes(ENGLISH), _hashes(GERMAN))
    assert there == pytest.approx(backward.look_up(_hashes(GERMAN), _hashes(ENGLISH)).T)


def test_a_combination_seen_in_one_article_can_be_left_out():
    source, target = [_bag(["a", "b"]), _bag(["a", "c"])], [_bag(["x", "y"]), _bag(["x", "z"])]
    assert len(learn_translations(Bags.of(source), Bags.of(target), minimum=1).keys) > 1
    table = learn_translations(Bags.of(source), Bags.of(target), minimum=1, together=2, least_gain=-10.0)
    assert table.keys.tolist() == [hash_token("a") << 32 | hash_token("x")]


def test_articles_without_headings_change_nothing():
    bags = [_bag(["a", "b"]), _bag(["a"]), _bag(["b"])] * 5
    others = [_bag(["x", "y"]), _bag(["x"]), _bag(["y"])] * 5
    empty = np.empty(0, np.uint32)
    table = learn_translations(Bags.of(bags), Bags.of(others))
    padded = learn_translations(Bags.of([empty, *bags, empty]), Bags.of([empty, *others, empty]))
    assert len(table.keys) == 2
    assert padded.keys.tolist() == table.keys.tolist()
    assert padded.gains.tolist() == table.gains.tolist()


@pytest.mark.parametrize("bags", [[], [np.empty(0, np.uint32)], [_bag(["once"])]])
def test_nothing_to_learn_from(bags):
    table = learn_translations(Bags.of(bags), Bags.of(bags))
    assert len(table.keys) == 0
    assert table.look_up(_hashes(["a"]), _hashes(["b", "c"])).tolist() == [[0.0, 0.0]]


def test_entries_of_a_token(learned):
    source, target, gains = learned.entries_of(_hashes(["history", "unknown"]))
    assert set(source.tolist()) == {hash_token("history")}
    best = target[gains.argmax()]
    assert best == hash_token("geschichte")
    assert len(source) == len(target) == len(gains)


def test_the_same_heading_counts_as_translation():
    assert heading_gains(_hashes(["2010", "a"]), _hashes(["2010"]), TranslationTable.empty()).tolist() == [
        [4.0],
        [0.0],
    ]


def test_headings_that_look_alike():
    def article(language, *headings):
        return signals_of(Article("Q1", language, 1, "T", [ArticleSection(0, (name,), "") for name in headings]))

    english = article("en", "Climate", "Economy", "Religion")
    likeness = heading_likeness(english, article("de", "Klima", "Wirtschaft", "Religionen", "Réligion"))
    assert likeness[0, 0] > 0.2 and likeness[2, 2] > 0.7 and likeness[2, 3] == 1.0
    assert likeness[1].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_headings_are_compared_without_case_punctuation_and_width():
    assert normalise_heading(" Early  life: ") == "early life"
    assert normalise_heading("ＡＢＣ（一）") == "abc 一"
    assert normalise_heading("«Straße»") == "strasse"
