"""The facts of Unicode CLDR that the sample world uses, as Babel hands them out."""

from __future__ import annotations

import copy
import re
from functools import cache
from types import ModuleType
from typing import Any

from .facts import LANGUAGES, Entity

# Babel's mark for no value, and territories that are none: an unknown region, unions and reserved codes.
_NO_TERRITORY = {"ZZ", "EU", "EZ", "UN", "QO"}
# Not money of everyday use: metals, test codes, funds, accounting units.
_NO_CURRENCY = re.compile(r"X[A-Z]{2}|USN|USS|CHE|CHW|CLF|COU|MXV|UYI|UYW|BOV|ESA|ESB|BEC|BEL|LUC|LUL|ZAL|ECV|CNX")
# Tables of a locale in which an entry may stand for another one.
_ALIASED = (
    "days months quarters eras day_periods date_formats time_formats datetime_formats datetime_skeletons "
    "number_symbols decimal_formats currency_formats percent_formats list_patterns unit_display_names"
).split()
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]+")
_INVISIBLE = re.compile(r"[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def load_babel() -> ModuleType:
    """Babel, which is optional.

    Raises:
        ValueError: It is not installed.
    """
    try:
        import babel
        import babel.core
        import babel.dates
        import babel.localedata
        import babel.numbers
    except ImportError:
        raise ValueError(
            "The sample world must have Babel for its facts, got no such package. "
            "Install it with `pip install xlretrieval[demo]`."
        ) from None
    return babel


def plain(text: str) -> str:
    """Text with ordinary spaces and without marks that nobody sees."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", text)).strip()


@cache
def locale(name: str) -> Any:
    """A Babel locale such as "de" or "de_CH"; the language alone where the territory has none, else None."""
    babel = load_babel()
    for candidate in (name, name.split("_")[0]):
        try:
            found = babel.Locale.parse(candidate)
        except (ValueError, babel.UnknownLocaleError):
            continue
        # Babel writes what an alias stands for into tables that all locales share: without a copy of its own, Hindi
        # had the stand-alone weekdays of the locale that was asked first (Babel 2.18).
        data = dict(babel.localedata.load(str(found)))
        data |= {key: copy.deepcopy(data[key]) for key in _ALIASED}
        found._Locale__data = babel.localedata.LocaleDataDict(data)
        return found
    return None


@cache
def table(name: str) -> dict[str, Any]:
    """A table of the data that belongs to no language, such as "territory_languages"."""
    return load_babel().core.get_global(name)


@cache
def name_in(entity: Entity, language: str) -> str | None:
    """Name of a territory, language, currency or script in any language, None where CLDR has none."""
    found = locale(language)
    if found is None:
        return None
    tables = {"territory": "territories", "language": "languages", "currency": "currencies", "script": "scripts"}
    name = getattr(found, tables[entity.kind]).get(entity.key)
    return plain(name) if name and name != entity.key else None


def named_everywhere(kind: str, keys: list[str]) -> list[Entity]:
    """The entities that have a name in all languages of the sample, in order of their keys."""
    entities = [Entity(kind, key) for key in sorted(set(keys))]
    return [entity for entity in entities if all(name_in(entity, language) for language in LANGUAGES)]


@cache
def territories() -> tuple[Entity, ...]:
    """Territories with a known language or currency."""
    codes = {*table("territory_languages"), *table("territory_currencies")} - _NO_TERRITORY
    return tuple(named_everywhere("territory", [code for code in codes if code.isalpha()]))


@cache
def languages() -> tuple[Entity, ...]:
    """Languages that have data of their own."""
    codes = [code for code in load_babel().localedata.locale_identifiers() if "_" not in code]
    return tuple(named_everywhere("language", codes))


@cache
def currencies() -> tuple[Entity, ...]:
    """Currencies of today and of the past that somebody could pay with."""
    codes = [code for code in table("all_currencies") if not _NO_CURRENCY.fullmatch(code) or code in ("XAF", "XOF")]
    return tuple(named_everywhere("currency", codes))


@cache
def spoken_in(territory: str) -> tuple[tuple[Entity, float, str | None], ...]:
    """Languages of a territory: language, percent of the population, official status; most spoken first."""
    known = {entity.key for entity in languages()}
    rows = [
        (Entity("language", code.split("_")[0]), facts["population_percent"], facts["official_status"])
        for code, facts in table("territory_languages").get(territory, {}).items()
        if code.split("_")[0] in known and facts["population_percent"] >= 0.1
    ]
    first = {row[0]: row for row in sorted(rows, key=lambda row: row[1])}
    return tuple(sorted(first.values(), key=lambda row: (-row[1], row[0].key)))


@cache
def local(territory: str) -> Any:
    """Locale of a territory's most spoken official language that has data, None where there is none."""
    rows = sorted(spoken_in(territory), key=lambda row: row[2] not in ("official", "de_facto_official"))
    return next((found for row in rows if (found := locale(f"{row[0].key}_{territory}"))), None)


def script_of(language: str, territory: str | None = None) -> Entity | None:
    """The script that a language is most likely written in."""
    likely = table("likely_subtags")
    tag = likely.get(f"{language}_{territory}") or likely.get(language)
    return Entity("script", tag.split("_")[1]) if tag else None
