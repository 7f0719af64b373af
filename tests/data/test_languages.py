"""Names of language pairs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from xlretrieval.data.sections import parse_pair


@pytest.mark.parametrize(
    "name, languages, expected",
    [
        ("en-fr", (), ("en", "fr")),
        ("en-zh-Hans", (), ("en", "zh-Hans")),
        ("zh-Hant-zh-Hans", (), ("zh-Hant", "zh-Hans")),
        ("en-pt-br", ("en", "pt-br"), ("en", "pt-br")),
    ],
)
def test_pair_names(name: str, languages: Sequence[str], expected: tuple[str, str]) -> None:
    assert parse_pair(name, languages) == expected


@pytest.mark.parametrize(
    "name, message",
    [
        ("enfr", "pair must be two language codes joined by a hyphen, got 'enfr'"),
        ("en_fr", "pair must be two language codes"),
        ("EN-FR", "pair must be two language codes"),
        ("en-", "pair must be two language codes"),
        ("", "pair must be two language codes"),
        ("en-en", "pair must join two different languages, got 'en-en'"),
        ("en-pt-br", "pair must have one reading, got 'en-pt-br', which is en and pt-br or en-pt and br"),
    ],
)
def test_bad_pair_names(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_pair(name)
