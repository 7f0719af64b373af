"""Numbers in text, written the same in every language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Groups of three digits of any script behind one sign of thousands ("1 234", "1'234"), or digits alone. What may be a
# decimal sign may also be part of a date ("5.3.1990"), so it divides.
_NUMBER = re.compile(r"\d{1,3}(?:[.,'’\u00a0\u202f\u2009\u066c ]\d{3})+(?!\d)|\d+")
_SEPARATORS = re.compile(r"\D")

_HAN_DIGITS = {
    digit: value
    for value, digits in enumerate(("〇零○", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九"))
    for digit in digits
}
_HAN_PLACES = {"十": 10, "百": 100, "千": 1000}
_HAN_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_HAN = "".join((*_HAN_DIGITS, *_HAN_PLACES, *_HAN_MYRIADS))
# One character alone is mostly part of a word: "一" is in every other Chinese sentence.
_HAN_NUMBER = re.compile(rf"[{_HAN}]{{2,}}")


def numbers_in(text: str) -> tuple[str, ...]:
    """The numbers of a text, each once, in order of appearance, as ASCII digits without separators.

    "1,234.5", "1.234,5" and "1 234,5" are all "1234" and "5", and "05.03.1990" is "5", "3" and "1990": which sign
    groups and which one divides depends on the language, and nothing that is compared across languages may. Chinese
    numerals of two characters or more come last: "一九九〇" is "1990", "二十三" is "23" and "三万五千" is "35000".
    """
    found: dict[str, None] = {}
    for match in _NUMBER.finditer(text):
        digits = _SEPARATORS.sub("", match.group())
        if not digits.isascii():
            digits = "".join(str(unicodedata.digit(digit)) for digit in digits)
        found[digits.lstrip("0") or "0"] = None
    found.update(dict.fromkeys(_han_numbers(text)))
    return tuple(found)


def _han_numbers(text: str) -> Iterator[str]:
    for numeral in _HAN_NUMBER.findall(text):
        value = _han_value(numeral)
        if value is not None:
            yield str(value)


def _han_value(numeral: str) -> int | None:
    """Value of a Chinese numeral, None for one that is not well-formed, such as "千百"."""
    if all(character in _HAN_DIGITS for character in numeral):
        return int("".join(str(_HAN_DIGITS[character]) for character in numeral))
    total = group = 0
    digit: int | None = None
    least_place, least_myriad = 10**4, 10**12
    for character in numeral:
        if character in _HAN_DIGITS:
            if digit:
                return None
            digit = _HAN_DIGITS[character]
        elif character in _HAN_PLACES:
            place = _HAN_PLACES[character]
            if place >= least_place or digit == 0 or (digit is None and place != 10):
                return None
            group += place * (1 if digit is None else digit)
            digit, least_place = None, place
        else:
            myriad = _HAN_MYRIADS[character]
            group += digit or 0
            if myriad >= least_myriad or not group:
                return None
            total += group * myriad
            group, digit, least_place, least_myriad = 0, None, 10**4, myriad
    return total + group + (digit or 0)
