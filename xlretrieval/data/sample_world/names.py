"""The names of things in the four languages of the sample, and how its numbers and dates look in them."""

from __future__ import annotations

from datetime import date
from functools import cache

from .cldr import load_babel, locale, name_in, plain
from .facts import Entity, Percent
from .places import definite, inside
from .zones import zone_name

_SIGNS = {
    "point": {"de": "Punkt", "en": "point", "es": "punto", "fr": "point"},
    "comma": {"de": "Komma", "en": "comma", "es": "coma", "fr": "virgule"},
    "apostrophe": {"de": "Apostroph", "en": "apostrophe", "es": "apóstrofo", "fr": "apostrophe"},
    "space": {"de": "Leerzeichen", "en": "space", "es": "espacio", "fr": "espace"},
    "arabic": {"de": "arabisches Zeichen", "en": "Arabic sign", "es": "signo árabe", "fr": "signe arabe"},
}
# Page titles that a name alone would share with something else.
_TITLES = {
    "language": {"de": "{} (Sprache)", "en": "{} language", "es": "Idioma {}", "fr": "{} (langue)"},
    "script": {"de": "{} (Schrift)", "en": "{} script", "es": "Escritura {}", "fr": "{} (écriture)"},
}


@cache
def name(entity: Entity, language: str) -> str:
    """Name of a thing as it stands inside a sentence."""
    found = locale(language)
    if entity.kind in ("zone", "summer"):
        return zone_name(entity.key, language, "daylight" if entity.kind == "summer" else "") or entity.key
    if entity.kind in ("weekday", "month"):
        return found.days["format"]["wide"][int(entity.key)] if entity.kind == "weekday" else _month(entity, language)
    if entity.kind == "sign":
        return _SIGNS[entity.key][language]
    if entity.kind == "city":
        place = found.time_zones.get(entity.key, {})
        return plain(place.get("city") or entity.key.rsplit("/", 1)[-1].replace("_", " "))
    if entity.kind == "unit":
        return plain(found.unit_display_names[entity.key]["long"])
    return name_in(entity, language) or entity.key


def _month(entity: Entity, language: str) -> str:
    return locale(language).months["stand-alone"]["wide"][int(entity.key)]


@cache
def title(entity: Entity, language: str) -> str:
    """Title of a thing's article."""
    found = name(entity, language)
    if language == "en" and entity.kind in ("language", "script") and found.lower().endswith(entity.kind):
        pattern = "{}"
    else:
        pattern = _TITLES.get(entity.kind, {}).get(language, "{}")
    words = pattern.format(found)
    return words[:1].upper() + words[1:]


def pattern(entity: Entity, language: str, form: str) -> str:
    """A name's surroundings in a sentence: form "in" for places, "the" where a name takes one, or the name alone."""
    if form == "in":
        return inside(name(entity, language), language)
    if form == "the":
        return definite(name(entity, language), language)
    return "{}"


def written(value: int | float | Percent | date | str, language: str) -> str:
    """A number, share, date or literal text as a sentence shows it."""
    babel = load_babel()
    if isinstance(value, date):
        text = plain(babel.dates.format_date(value, "long", locale=locale(language)))
        # CLDR gives "1 janvier", which nobody writes.
        return f"1er{text[1:]}" if language == "fr" and value.day == 1 else text
    if isinstance(value, Percent):
        digits = plain(babel.numbers.format_decimal(value.value, locale=locale(language)))
        return f"{digits}%" if language == "en" else f"{digits} %"
    if isinstance(value, str):
        return value
    return plain(babel.numbers.format_decimal(value, locale=locale(language)))


def separators(count: int, last: str, language: str) -> list[str]:
    """What stands between the members of an enumeration; `last` decides between Spanish "y" and "e"."""
    words = {"de": " und ", "en": " and ", "es": " y ", "fr": " et "}
    end = words[language]
    if language == "es" and last[:1].lower() in ("i", "í") or language == "es" and last[:2].lower() in ("hi", "hí"):
        end = " e "
    if language == "en" and count > 2:
        end = ", and "
    return [", "] * (count - 2) + [end]
