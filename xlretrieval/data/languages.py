"""Language codes, and names of language pairs such as "en-de"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")


def is_language_code(text: str) -> bool:
    """Whether `text` is two or three lower-case letters and optional subtags: "en", "zh-Hans", "be-tarask"."""
    return _LANGUAGE.fullmatch(text) is not None


def pair_readings(name: str) -> list[tuple[str, str]]:
    """All ways to read `name` as two language codes: one for "en-fr", two for "en-pt-br" (br is Breton)."""
    parts = name.split("-")
    readings = [("-".join(parts[:i]), "-".join(parts[i:])) for i in range(1, len(parts))]
    return [reading for reading in readings if all(map(is_language_code, reading))]


def parse_pair(name: str, languages: Collection[str] = ()) -> tuple[str, str]:
    """Splits "en-fr" into ("en", "fr").

    Args:
        name: The pair's name.
        languages: Languages that exist; they decide between several readings of a name.

    Raises:
        ValueError: `name` is not two different language codes, or can be read in several ways.
    """
    readings = pair_readings(name)
    readings = [reading for reading in readings if set(reading) <= set(languages)] or readings
    if not readings:
        raise ValueError(
            f"pair must be two language codes joined by a hyphen, got {name!r}. Write it like 'en-fr' or 'en-zh-Hans'."
        )
    if len(readings) > 1:
        ways = " or ".join(" and ".join(reading) for reading in readings)
        raise ValueError(f"pair must have one reading, got {name!r}, which is {ways}. Write subtags in upper case.")
    if readings[0][0] == readings[0][1]:
        raise ValueError(f"pair must join two different languages, got {name!r}. Give the other language.")
    return readings[0]


def stored_name(name: str, stored: Mapping[str, tuple[str, str]]) -> str:
    """The name under which a pair is stored that is asked for in either order.

    Args:
        name: "en-fr" or "fr-en".
        stored: Name -> its two languages.

    Raises:
        ValueError: No such pair.
    """
    if name in stored:
        return name
    for other, (source, target) in stored.items():
        if name == f"{target}-{source}":
            return other
    raise ValueError(f"pair must be one of {', '.join(sorted(stored))}, got {name!r}. Choose one of them.")
