"""Choices follow from their key, on every machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.data.sample_world.choices import Choices
from xlretrieval.data.sample_world.facts import Entity


def test_literal_choices() -> None:
    choices = Choices(0, "x")
    assert [choices.below(10) for _ in range(8)] == [4, 5, 3, 0, 3, 3, 6, 4]


@given(st.text(), st.integers(1, 1000))
def test_below(key: str, limit: int) -> None:
    one, other = Choices(7, key), Choices(7, key)
    drawn = [one.below(limit) for _ in range(100)]
    assert drawn == [other.below(limit) for _ in range(100)]
    assert all(0 <= number < limit for number in drawn)


@given(st.lists(st.integers(), max_size=20, unique=True), st.integers(0, 30))
def test_some_are_different_items(items: list[int], count: int) -> None:
    some = Choices("some", count).some(items, count)
    assert len(set(some)) == len(some) == min(count, len(items))
    assert set(some) <= set(items)


def test_chance() -> None:
    choices = Choices("chance")
    assert 230 < sum(choices.chance(0.25) for _ in range(1000)) < 270


def test_items_do_not_depend_on_anything_else() -> None:
    assert Entity("territory", "CH").item == "Q67471367"
    assert Entity("language", "de").item == "Q60547816"
