"""What the sample says about a language and about a script."""

from __future__ import annotations

from typing import Any

from .choices import Choices
from .cldr import (
    currencies,
    languages,
    load_babel,
    locale,
    name_in,
    named_everywhere,
    plain,
    script_of,
    spoken_in,
    table,
    territories,
)
from .facts import ArticlePlan, Entity, Fact, Percent, SectionFacts, plan
from .formats import amount_fact, calls_facts, date_facts, month_facts, name_facts, number_facts, weekday_facts
from .territories import OFFICIAL, direction, tenders

_UNITS = (
    "length-kilometer length-centimeter mass-kilogram mass-pound duration-day duration-week duration-month "
    "duration-second area-square-meter area-square-kilometer duration-century length-light-year speed-knot "
    "volume-teaspoon"
).split()


def language_plan(language: Entity) -> ArticlePlan:
    """Everything that is said about a language."""
    choices = Choices("language", language.key)
    found = locale(language.key)
    sections: list[SectionFacts] = [("lead", _identity(language)), ("spread", *_spread(language))]
    sections.append(("writing", _writing(language)))
    # A language that does not even translate "English" mostly repeats the root locale, such as "M01" for January.
    if found.languages.get("en") not in (None, "English", "en") or language.key == "en":
        sections += [
            ("calendar", weekday_facts(language, language, choices), month_facts(language, language, choices)),
            ("dates", date_facts(language, found, choices)),
            ("numbers", number_facts(language, found, choices)),
            (
                "words",
                calls_facts(language, [one for one in languages() if one != language], choices, 6)
                + _units(language, choices),
            ),
            ("geography", calls_facts(language, list(territories()), choices, 9)),
            ("money", _money(language, found, choices)),
        ]
    sections += [("plural", _plural(language)), ("names", name_facts(language, choices))]
    return plan(language, *sections)


def _rows(language: Entity) -> list[tuple[Entity, float, str | None]]:
    rows = []
    for territory in territories():
        rows += [(territory, row[1], row[2]) for row in spoken_in(territory.key) if row[0] == language]
    return sorted(rows, key=lambda row: (-row[1], row[0].key))


def _identity(language: Entity) -> list[Fact]:
    facts = [Fact("language.identity", language, {"code": language.key})]
    own = name_in(language, language.key)
    if own and language.key not in ("en", "de", "es", "fr"):
        facts.append(Fact("language.endonym", language, {"local": own}))
    rows = _rows(language)
    if len(rows) > 1:
        facts.append(Fact("language.count", language, {"count": len(rows)}))
    if rows:
        facts.append(Fact("language.most", language, {"territory": rows[0][0], "percent": Percent(rows[0][1])}))
    return facts


def _spread(language: Entity) -> tuple[list[Fact], list[Fact]]:
    rows = _rows(language)
    official = tuple(row[0] for row in rows if row[2] in OFFICIAL)
    regional = tuple(row[0] for row in rows if row[2] == "official_regional")
    others = tuple(row[0] for row in rows if row[2] is None)
    first, second = [], []
    if official:
        kind = "language.official" if len(official) > 1 else "language.official_one"
        first.append(Fact(kind, language, {"territories": official[:8]}))
    if regional:
        first.append(Fact("language.regional", language, {"territories": regional[:5]}))
    for territory, percent, _ in rows[:4]:
        second.append(Fact("language.share", language, {"territory": territory, "percent": Percent(percent)}))
    if len(others) > 1:
        second.append(Fact("language.other", language, {"territories": others[:6]}))
    return first, second


def _writing(language: Entity) -> list[Fact]:
    script = script_of(language.key)
    if script is None:
        return []
    facts = [Fact("language.script", language, {"script": script}), direction(language, script)]
    tags = [tag for tag in table("likely_subtags").values() if tag.startswith(f"{language.key}_")]
    identifiers = [
        name for name in load_babel().localedata.locale_identifiers() if name.startswith(f"{language.key}_")
    ]
    other = sorted(
        {part for tag in tags + identifiers for part in tag.split("_")[1:2] if len(part) == 4} - {script.key}
    )
    if other:
        facts.append(
            Fact("language.scripts", language, {"scripts": tuple(Entity("script", key) for key in other[:3])})
        )
    return facts


def _units(language: Entity, choices: Choices) -> list[Fact]:
    names = locale(language.key).unit_display_names
    facts = []
    for unit in choices.some(_UNITS, 4):
        name = names.get(unit, {}).get("long")
        if name:
            facts.append(Fact("name.unit", language, {"thing": Entity("unit", unit), "local": plain(name)}))
    return facts


def _money(language: Entity, found: Any, choices: Choices) -> list[Fact]:
    rows = _rows(language)
    tender = next((row[0] for row in tenders(rows[0][0].key) if row[2] is None), None) if rows else None
    currency = tender or Entity("currency", "EUR")
    named = calls_facts(language, list(currencies()), choices, 6)
    return [amount_fact(language, found, currency, choices), *named]


def _plural(language: Entity) -> list[Fact]:
    rule = locale(language.key).plural_form
    forms = (*(name for name in ("zero", "one", "two", "few", "many") if name in rule.rules), "other")
    if len(forms) == 1:
        return []
    facts = [Fact("language.plural", language, {"count": len(forms), "forms": forms})]
    for number in (0, 1, 2, 5, 11, 21, 100):
        facts.append(Fact("language.plural_example", language, {"count": number, "form": rule(number)}))
    choices = Choices("plural", language.key)
    return [facts[0], *choices.some(facts[1:], 3)]


def scripts() -> tuple[Entity, ...]:
    """Scripts that a language of the sample or a territory is written in."""
    written = [script.key for language in languages() if (script := script_of(language.key))]
    return tuple(named_everywhere("script", written))


def script_plan(script: Entity) -> ArticlePlan:
    """Everything that is said about a script."""
    choices = Choices("script", script.key)
    written = [language for language in languages() if script_of(language.key) == script]
    lead = [Fact("script.identity", script, {"code": script.key}), direction(script, script)]
    use = []
    if len(written) > 1:
        use = [Fact("script.count", script, {"count": len(written)})]
        use.append(Fact("script.languages", script, {"languages": tuple(choices.some(written, 6))}))
    elif written:
        use.append(Fact("script.language", script, {"language": written[0]}))
    return plan(script, ("lead", lead), ("script_use", use), ("names", name_facts(script, choices)))
