"""What the sample says about a currency."""

from __future__ import annotations

from datetime import date
from typing import Any

from .choices import Choices
from .cldr import languages, load_babel, local, locale, name_in, plain, table, territories
from .facts import LANGUAGES, ArticlePlan, Entity, Fact, plan
from .formats import name_facts
from .territories import Tender, tenders


def currency_plan(currency: Entity) -> ArticlePlan:
    """Everything that is said about a currency."""
    choices = Choices("currency", currency.key)
    rows = [
        (territory, start, end)
        for territory in territories()
        for tender, start, end in tenders(territory.key)
        if tender == currency
    ]
    rows.sort(key=lambda row: (row[1] or date.max, row[0].key))
    return plan(
        currency,
        ("lead", _identity(currency, rows)),
        ("circulation", *_circulation(currency, rows)),
        ("changes", _changes(currency, rows)),
        ("amounts", _amounts(currency, rows, choices)),
        ("names", name_facts(currency, choices, _own_names(currency, rows))),
    )


def _identity(currency: Entity, rows: list[Tender]) -> list[Fact]:
    facts = [Fact("currency.identity", currency, {"code": currency.key})]
    symbol = locale("en").currency_symbols.get(currency.key)
    if symbol and symbol != currency.key:
        facts.append(Fact("currency.symbol", currency, {"symbol": plain(symbol)}))
    digits = table("currency_fractions").get(currency.key, (2, 0, 0, 0))
    kind = "currency.digits" if digits[0] else "currency.no_digits"
    facts.append(Fact(kind, currency, {"count": digits[0]} if digits[0] else {}))
    if digits[3] > 1:
        facts.append(Fact("currency.rounding", currency, {"count": digits[3]}))
    kind = "currency.today" if any(end is None for _, _, end in rows) else "currency.past"
    return [*facts, Fact(kind, currency, {})]


def _circulation(currency: Entity, rows: list[Tender]) -> tuple[list[Fact], list[Fact]]:
    today = tuple(dict.fromkeys(territory for territory, _, end in rows if end is None))
    first, second = [], []
    if len(today) > 1:
        first.append(Fact("currency.count", currency, {"count": len(today)}))
        first.append(Fact("currency.used", currency, {"territories": today[:8]}))
    elif today:
        first.append(Fact("currency.used_one", currency, {"territories": today}))
    for territory, start, end in rows:
        if start and end is None:
            first.append(Fact("currency.since", currency, {"territory": territory, "date": start}))
        if start and end:
            second.append(Fact("currency.former", currency, {"territory": territory, "start": start, "end": end}))
    return first[:6], second[:5]


def _changes(currency: Entity, rows: list[Tender]) -> list[Fact]:
    facts = []
    for territory, start, end in rows:
        history = sorted((row for row in tenders(territory.key) if row[1]), key=lambda row: (row[1], row[0].key))
        after = next((row for row in history if end and row[0] != currency and abs((row[1] - end).days) < 1100), None)
        if after and start and after[1] > start:
            slots = {"territory": territory, "currency": after[0], "date": after[1]}
            facts.append(Fact("currency.next", currency, slots))
        before = next((row for row in history if row[2] and start and row[0] != currency and row[1] < start), None)
        if before and abs((before[2] - start).days) < 1100:
            slots = {"territory": territory, "currency": before[0], "date": start}
            facts.append(Fact("currency.previous", currency, slots))
    return facts[:4]


def _locales(rows: list[Tender]) -> list[Any]:
    found = [local(territory.key) for territory, _, _ in rows]
    return list({str(one): one for one in found if one is not None}.values())


def _amounts(currency: Entity, rows: list[Tender], choices: Choices) -> list[Fact]:
    numbers = load_babel().numbers
    facts = []
    for found in [
        *_locales(rows)[:2],
        *(locale(code) for code in choices.some(["de", "en", "es", "fr", "pt", "sv"], 4)),
    ]:
        language = Entity("language", found.language)
        if language in languages() and language not in [fact.slots["language"] for fact in facts]:
            amount = choices.below(8_999) + 100
            written = plain(numbers.format_currency(amount, currency.key, locale=found))
            facts.append(Fact("currency.amount", currency, {"language": language, "number": amount, "local": written}))
    return facts


def _own_names(currency: Entity, rows: list[Tender]) -> list[Fact]:
    facts = []
    for found in _locales(rows)[:2]:
        language = Entity("language", found.language)
        name = name_in(currency, found.language)
        told = [fact.slots["language"] for fact in facts] + [Entity("language", code) for code in LANGUAGES]
        if name and language in languages() and language not in told:
            facts.append(Fact("name.other", currency, {"language": language, "local": name}))
    return facts
