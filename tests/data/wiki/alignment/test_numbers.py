"""Numbers are the same in every language, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlretrieval.data.wiki.alignment.numbers import numbers_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.5 in English", ("1234", "5")),
        ("1.234,5 auf Deutsch", ("1234", "5")),
        ("1\u202f234,5 en français", ("1234", "5")),
        ("05.03.1990", ("5", "3", "1990")),
        ("1990, 2000 and 1990 again", ("1990", "2000")),
        ("١٢٣ و ٤٥", ("123", "45")),
        ("007 and 0 and 00", ("7", "0")),
        ("12345", ("12345",)),
        ("no number", ()),
        ("一九九〇年", ("1990",)),
        ("二零零八年", ("2008",)),
        ("十二月二十三日", ("12", "23")),
        ("十分 is 'very', and so is 百 alone", ()),
        ("一百二十", ("120",)),
        ("二百零五", ("205",)),
        ("三万五千人", ("35000",)),
        ("两亿三千万", ("230000000",)),
        ("一百萬", ("1000000",)),
        ("十九世纪，1850年", ("1850", "19")),
    ],
)
def test_literal_numbers(text, expected):
    assert numbers_in(text) == expected


@pytest.mark.parametrize("numeral", ["千百", "百十", "万万", "一二十", "十百", "万一", "零十"])
def test_what_is_no_well_formed_numeral_is_no_number(numeral):
    assert numbers_in(numeral) == ()


def _spelled(value: int) -> str:
    """A number below 10,000 in Chinese numerals."""
    spelled, zero = "", False
    for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // place % 10
        if digit:
            spelled += ("零" if zero and spelled else "") + "零一二三四五六七八九"[digit] + name
            zero = False
        else:
            zero = True
    return spelled


@given(st.integers(10, 9999))
def test_every_spelled_number_is_read(value):
    assert numbers_in(_spelled(value)) == (str(value),)


@given(st.integers(10, 10**12))
def test_every_year_like_row_of_digits_is_read(value):
    row = "".join("〇一二三四五六七八九"[int(digit)] for digit in str(value))
    assert numbers_in(row) == (str(value),)


@given(st.text())
def test_any_text_gives_ascii_digits_once_each(text):
    found = numbers_in(text)
    assert len(set(found)) == len(found)
    assert all(number.isascii() and number.isdigit() for number in found)
    assert all(number == "0" or number[0] != "0" for number in found)
