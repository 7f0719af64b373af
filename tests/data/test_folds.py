"""Folds: every query is tested once, and never by what was trained or chosen with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.data.folds import Rotation, check_folds, queries_of, read_folds, rotations, split_folds, write_folds

QUERIES = [f"{number}-AH" for number in range(41, 53)]


@given(st.sets(st.integers(1, 999), min_size=3, max_size=40), st.integers(3, 7), st.integers(0, 99))
def test_every_query_is_tested_once(numbers, folds, seed):
    queries = [f"{number}-AH" for number in sorted(numbers)]
    if len(queries) < folds:
        with pytest.raises(ValueError, match="folds must be at most the number of queries"):
            split_folds(queries, folds, seed)
        return
    parts = split_folds(queries, folds, seed)
    sizes = Counter(parts.values())
    assert set(sizes) == set(range(1, folds + 1)) and max(sizes.values()) - min(sizes.values()) <= 1
    tested = []
    for rotation in rotations(folds):
        train, dev, test = (
            queries_of(parts, queries, *chosen) for chosen in (rotation.train, (rotation.dev,), (rotation.test,))
        )
        assert sorted([*train, *dev, *test]) == sorted(queries)
        tested += test
    assert sorted(tested) == sorted(queries)


def test_the_papers_rotation():
    assert rotations(5)[0] == Rotation(number=1, test=1, dev=2, train=(3, 4, 5))
    assert rotations(5)[4] == Rotation(number=5, test=5, dev=1, train=(2, 3, 4))


def test_the_seed_and_the_queries_decide_and_nothing_else():
    parts = split_folds(QUERIES, 5, seed=611)
    assert list(parts.items())[:4] == [("41", 2), ("42", 1), ("43", 5), ("44", 3)]
    assert parts == split_folds(reversed(QUERIES), 5, seed=611)
    assert parts != split_folds(QUERIES, 5, seed=612)


def test_a_topic_is_in_one_part_in_every_spelling():
    parts = split_folds([*QUERIES, "C041", "10.2452/42-AH"], 5)
    assert len(parts) == 12
    assert queries_of(parts, ["C041", "41-AH"], parts["41"]) == ["C041", "41-AH"]


def test_a_file_of_folds(tmp_path: Path):
    path = tmp_path / "folds.txt"
    path.write_text("C041 0\n42-AH 4\n\n43 2\n")
    assert read_folds(path) == {"41": 1, "42": 3, "43": 2}  # renumbered from 1
    write_folds(read_folds(path), path)
    assert path.read_text() == "41 1\n42 3\n43 2\n"
    assert read_folds(path) == {"41": 1, "42": 3, "43": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("41 1\n42\n", "line 2: a line must be 'query fold', got '42'"),
        ("41 one\n", "line 1: a line must be 'query fold'"),
        ("41-AH 1\n42 2\nC041 3\n", "line 3: a query must occur once, got C041 which is also in line 1"),
        ("41 1\n42 2\n", "there must be at least 3 folds"),
    ],
)
def test_mistakes_in_a_file(text, message, tmp_path: Path):
    path = tmp_path / "folds.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read_folds(path)
    assert str(path) in str(raised.value)


def test_folds_must_fit_the_queries():
    folds = {"41": 1, "42": 2, "43": 3}
    assert check_folds(folds | {"44": 3, "45": 1}, ["41-AH", "42-AH", "43-AH"]) == 2
    with pytest.raises(ValueError, match="got 1 without one, such as 44"):
        check_folds(folds, ["41-AH", "42-AH", "43-AH", "44-AH"])
    with pytest.raises(ValueError, match="got none in fold 3"):
        check_folds(folds, ["41-AH", "42-AH"])
    with pytest.raises(ValueError, match="folds must be at least 3"):
        split_folds(QUERIES, 2)
