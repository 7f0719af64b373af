"""What the sample says about a territory."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from .choices import Choices
from .cldr import currencies, languages, local, name_in, script_of, spoken_in, table, territories
from .facts import ArticlePlan, Entity, Fact, Percent, plan
from .formats import amount_fact, date_facts, month_facts, name_facts, number_facts, weekday_facts
from .zones import zone_of, zones_of

OFFICIAL = ("official", "de_facto_official")
# A currency (or, seen from a currency, a territory), and the first and last day that it was valid there.
Tender = tuple[Entity, date | None, date | None]
# Scripts that are read from right to left.
RIGHT_TO_LEFT = {"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr"}


def territory_plan(territory: Entity) -> ArticlePlan:
    """Everything that is said about a territory, in the order of an encyclopedia."""
    choices = Choices("territory", territory.key)
    found = local(territory.key)
    money = tenders(territory.key)
    today = [(currency, start) for currency, start, end in money if end is None]
    formats: list[tuple[str, list[Fact]]] = []
    if found is not None:
        written = number_facts(territory, found, choices)
        if today:
            written.append(amount_fact(territory, found, today[0][0], choices))
        language = Entity("language", found.language)
        calendar = weekday_facts(territory, language, choices) + month_facts(territory, language, choices)
        formats = [
            ("dates", date_facts(territory, found, choices)),
            ("numbers", written),
            ("calendar", calendar if language in languages() else []),
        ]
    return plan(
        territory,
        ("lead", _identity(territory)),
        ("languages", *_languages(territory)),
        ("writing", _writing(territory)),
        ("currency", _currency(territory, today), _former(territory, money)),
        ("week", _week(territory, found)),
        *formats,
        ("zones", _zones(territory)),
        ("names", name_facts(territory, choices, _endonyms(territory))),
        ("kin", _kin(territory, choices)),
    )


@cache
def tenders(code: str) -> tuple[Tender, ...]:
    """Legal tenders of a territory: currency, first day, last day; newest first."""
    known = set(currencies())
    rows = []
    for key, start, end, tender in table("territory_currencies").get(code, []):
        if tender and Entity("currency", key) in known:
            rows.append((Entity("currency", key), date(*start) if start else None, date(*end) if end else None))
    return tuple(sorted(rows, key=lambda row: (row[2] or date.max, row[1] or date.min, row[0].key), reverse=True))


def _identity(territory: Entity) -> list[Fact]:
    aliases = [alias for alias, targets in table("territory_aliases").items() if targets == [territory.key]]
    alpha3 = next((alias for alias in aliases if len(alias) == 3 and alias.isalpha()), None)
    numeric = next((alias for alias in aliases if alias.isdigit()), None)
    facts = [Fact("territory.identity", territory, {"code": territory.key})]
    if alpha3 and numeric:
        facts.append(Fact("territory.codes", territory, {"alpha3": alpha3, "numeric": numeric}))
    spoken = spoken_in(territory.key)
    if spoken:
        language, percent, _ = spoken[0]
        facts.append(Fact("territory.main", territory, {"language": language, "percent": Percent(percent)}))
    if len(table("territory_languages").get(territory.key, {})) > 1:
        facts.append(Fact("territory.count", territory, {"count": len(table("territory_languages")[territory.key])}))
    return facts


def _languages(territory: Entity) -> tuple[list[Fact], list[Fact]]:
    spoken = spoken_in(territory.key)
    official = tuple(language for language, _, status in spoken if status in OFFICIAL)
    regional = tuple(language for language, _, status in spoken if status == "official_regional")
    others = tuple(language for language, _, status in spoken if status is None)
    first, second = [], []
    if official:
        kind = "territory.official" if len(official) > 1 else "territory.official_one"
        first.append(Fact(kind, territory, {"languages": official}))
    for language, percent, status in spoken[:6]:
        fact = Fact("territory.share", territory, {"language": language, "percent": Percent(percent)})
        (first if status in OFFICIAL else second).append(fact)
    if regional:
        second.insert(0, Fact("territory.regional", territory, {"languages": regional[:6]}))
    if len(others) > 1:
        second.append(Fact("territory.other", territory, {"languages": others[:6]}))
    return first[:4], second[:5]


def _writing(territory: Entity) -> list[Fact]:
    facts, scripts = [], []
    for language, _, status in spoken_in(territory.key):
        script = script_of(language.key, territory.key)
        if status in OFFICIAL and script:
            facts.append(Fact("language.script_there", territory, {"language": language, "script": script}))
            if script not in scripts:
                scripts.append(script)
    for script in scripts[:2]:
        facts.append(direction(territory, script))
    return facts if len(facts) > 2 or any(script.key != "Latn" for script in scripts) else []


def direction(subject: Entity, script: Entity) -> Fact:
    """Whether a script runs to the right or to the left."""
    way = "left" if script.key in RIGHT_TO_LEFT else "right"
    return Fact(f"script.{way}", subject, {"script": script})


def _currency(territory: Entity, today: list[tuple[Entity, date | None]]) -> list[Fact]:
    facts = []
    for currency, start in today[:2]:
        if start:
            facts.append(Fact("territory.currency", territory, {"currency": currency, "date": start}))
        facts.append(Fact("territory.currency_code", territory, {"currency": currency, "code": currency.key}))
        shared = [
            Entity("territory", code)
            for code in sorted(table("all_currencies")[currency.key])
            if code != territory.key and currency in {row[0] for row in tenders(code) if row[2] is None}
        ]
        named = tuple(Choices("shared", territory.key).some([one for one in shared if one in territories()], 4))
        if len(named) > 1:
            facts.append(Fact("territory.shared", territory, {"currency": currency, "territories": named}))
    return facts


def _former(territory: Entity, money: tuple[Tender, ...]) -> list[Fact]:
    return [
        Fact("territory.former", territory, {"currency": currency, "start": start, "end": end})
        for currency, start, end in money
        if start and end
    ][:5]


def _week(territory: Entity, found: Any) -> list[Fact]:
    if found is None:
        return []
    days = [Entity("weekday", str(day)) for day in range(7)]
    start, end = found.weekend_start, found.weekend_end
    facts = [Fact("territory.first_day", territory, {"day": days[found.first_week_day]})]
    if start != end:
        facts.append(Fact("territory.weekend", territory, {"days": (days[start], days[end])}))
    rule = "territory.week_four" if found.min_week_days == 4 else "territory.week_one"
    facts.append(Fact(rule, territory, {}))
    return facts


def _zones(territory: Entity) -> list[Fact]:
    zones = tuple(table("territory_zones").get(territory.key, ()))
    names = tuple(dict.fromkeys(zone for name in zones if (zone := zone_of(name)) in zones_of()))
    facts = []
    if zones:
        facts.append(
            Fact("territory.zone_ids" if len(zones) > 1 else "territory.zone_id", territory, {"zones": zones[:5]})
        )
    if len(zones) > 1:
        facts.append(Fact("territory.zone_count", territory, {"count": len(zones)}))
    facts += [Fact("territory.zone", territory, {"zone": zone}) for zone in names[:3]]
    windows = table("windows_zone_mapping")
    facts += [Fact("zone.windows", territory, {"name": name}) for name in sorted(windows) if windows[name] in zones][
        :2
    ]
    return facts


def _endonyms(territory: Entity) -> list[Fact]:
    facts = []
    for language, _, status in spoken_in(territory.key):
        name = name_in(territory, language.key) if status else None
        if name and language.key not in ("de", "en", "es", "fr"):
            facts.append(Fact("name.other", territory, {"language": language, "local": name}))
    return facts[:2]


def _kin(territory: Entity, choices: Choices) -> list[Fact]:
    facts = []
    for language, _, status in spoken_in(territory.key):
        if status in OFFICIAL:
            kin = [
                other
                for other in territories()
                if other != territory
                and (language, True) in {(row[0], row[2] in OFFICIAL) for row in spoken_in(other.key)}
            ]
            if len(kin) > 1:
                some = tuple(choices.some(kin, 4))
                facts.append(Fact("territory.kin", territory, {"language": language, "territories": some}))
    for name in table("territory_zones").get(territory.key, ())[:1]:
        zone = zone_of(name)
        kin = [other for other in zone_territories(zone) if other != territory] if zone in zones_of() else []
        if len(kin) > 1:
            facts.append(
                Fact("territory.zone_kin", territory, {"zone": zone, "territories": tuple(choices.some(kin, 4))})
            )
    return facts


def zone_territories(zone: Entity) -> list[Entity]:
    """Territories with a place in a time zone."""
    codes = {table("zone_territories").get(name) for name, key in table("meta_zones").items() if key == zone.key}
    return [territory for territory in territories() if territory.key in codes]
