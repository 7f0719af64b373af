"""How a locale writes dates, times, numbers, amounts and names: the facts that territories and languages share."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from .choices import Choices
from .cldr import load_babel, locale, name_in, plain
from .facts import Entity, Fact

_SIGNS = {".": "point", ",": "comma", "'": "apostrophe", "’": "apostrophe", " ": "space", "٫": "arabic", "٬": "arabic"}
# Languages whose names for things are told, apart from the four of the sample.
_TELLERS = "it pt nl pl cs sv da fi hu tr ro hr sk sl lt lv et ca eu id vi sw af sq gl is".split()


def date_facts(subject: Entity, found: Any, choices: Choices) -> list[Fact]:
    """A date written short and long, a time, and the clock that goes with it."""
    dates = load_babel().dates
    day = date(1950 + choices.below(75), 1 + choices.below(12), 13 + choices.below(15))
    moment = time(13 + choices.below(10), 5 * choices.below(12))
    pattern = found.time_formats["short"].pattern
    short = plain(dates.format_date(day, "short", locale=found))
    long = plain(dates.format_date(day, "long", locale=found))
    clock = "clock12" if "h" in pattern or "K" in pattern else "clock24"
    return [
        Fact("date.short", subject, {"date": day, "local": short}),
        Fact("date.long", subject, {"date": day, "local": long}),
        Fact(
            f"date.{clock}",
            subject,
            {"time": moment.strftime("%H:%M"), "local": plain(dates.format_time(moment, "short", locale=found))},
        ),
    ]


def number_facts(subject: Entity, found: Any, choices: Choices) -> list[Fact]:
    """A large number, the signs in it, and a percentage."""
    numbers = load_babel().numbers
    number = (choices.below(8_999_999) + 1_000_000) + (choices.below(98) + 1) / 100
    share = choices.below(90) + 5
    symbols = found.number_symbols["latn"]
    facts = [
        Fact(
            "number.large", subject, {"number": number, "local": plain(numbers.format_decimal(number, locale=found))}
        ),
        Fact(
            "number.percent",
            subject,
            {"count": share, "local": plain(numbers.format_percent(share / 100, locale=found))},
        ),
    ]
    for kind in ("decimal", "group"):
        sign = _SIGNS.get(plain(symbols[kind]) or " ")
        if sign:
            facts.append(Fact(f"number.{kind}", subject, {"sign": Entity("sign", sign)}))
    return facts


def amount_fact(subject: Entity, found: Any, currency: Entity, choices: Choices) -> Fact:
    """A sum of money as a price tag shows it."""
    amount = choices.below(89_999) + 1_000
    local = load_babel().numbers.format_currency(amount, currency.key, locale=found)
    return Fact("money.amount", subject, {"currency": currency, "number": amount, "local": plain(local)})


def weekday_facts(subject: Entity, language: Entity, choices: Choices) -> list[Fact]:
    """Four days of the week in a language."""
    names = locale(language.key).days["stand-alone"]["wide"]
    days = choices.some(range(7), 4)
    return [
        Fact(
            "calendar.weekday",
            subject,
            {"language": language, "day": Entity("weekday", str(day)), "local": plain(names[day])},
        )
        for day in days
    ]


def month_facts(subject: Entity, language: Entity, choices: Choices) -> list[Fact]:
    """Four months in a language, one in each quarter of the year."""
    names = locale(language.key).months["stand-alone"]["wide"]
    months = [quarter + choices.below(3) for quarter in (1, 4, 7, 10)]
    return [
        Fact(
            "calendar.month",
            subject,
            {"language": language, "month": Entity("month", str(month)), "local": plain(names[month])},
        )
        for month in months
    ]


def name_facts(subject: Entity, choices: Choices, told: list[Fact] | None = None, count: int = 8) -> list[Fact]:
    """What other languages call a thing, but for the languages of facts that are told already."""
    facts = []
    known = {fact.slots["language"] for fact in told or ()}
    for code in _TELLERS:
        name = None if Entity("language", code) in known else name_in(subject, code)
        if name:
            facts.append(Fact("name.other", subject, {"language": Entity("language", code), "local": name}))
    return [*(told or ()), *choices.some(facts, count)]


def calls_facts(language: Entity, things: list[Entity], choices: Choices, count: int) -> list[Fact]:
    """What a language calls some things, where it has names for them."""
    facts = []
    for thing in choices.some(things, 4 * count):
        name = name_in(thing, language.key)
        if name:
            facts.append(Fact(f"name.{thing.kind}", language, {"thing": thing, "local": name}))
    return facts[:count]
