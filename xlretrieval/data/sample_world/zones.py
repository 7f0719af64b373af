"""What the sample says about a time zone, and about the places in it."""

from __future__ import annotations

from functools import cache

from .choices import Choices
from .cldr import locale, plain, table, territories
from .facts import LANGUAGES, ArticlePlan, Entity, Fact, plan


@cache
def zone_name(key: str, language: str, form: str = "") -> str | None:
    """Name of a time zone in a language, all year or in its "standard" or "daylight" form."""
    names = locale(language).meta_zones.get(key, {}).get("long", {})
    name = names.get(form) if form else names.get("generic") or names.get("standard")
    return plain(name) if name else None


@cache
def zones_of() -> tuple[Entity, ...]:
    """The time zones that have a name in all languages of the sample."""
    keys = sorted(set(table("meta_zones").values()))
    return tuple(Entity("zone", key) for key in keys if all(zone_name(key, language) for language in LANGUAGES))


def zone_of(place: str) -> Entity | None:
    """Time zone of a place such as "Europe/Berlin"."""
    key = table("meta_zones").get(place)
    return Entity("zone", key) if key else None


def zone_plan(zone: Entity) -> ArticlePlan:
    """Everything that is said about a time zone."""
    choices = Choices("zone", zone.key)
    places = sorted(place for place, key in table("meta_zones").items() if key == zone.key)
    codes = {table("zone_territories").get(place) for place in places}
    where = [territory for territory in territories() if territory.key in codes]
    lead = [Fact("zone.identity", zone, {})]
    if len(places) > 1:
        lead.append(Fact("zone.count", zone, {"count": len(places)}))
    if all(zone_name(zone.key, language, "daylight") for language in LANGUAGES):
        lead.append(Fact("zone.summer", zone, {"summer": Entity("summer", zone.key)}))
    spread = []
    if len(where) > 1:
        spread.append(Fact("zone.territories", zone, {"territories": tuple(choices.some(where, 6))}))
    elif where:
        spread.append(Fact("zone.territory", zone, {"territories": tuple(where)}))
    shown = choices.some(places, 9)
    cities = tuple(Entity("city", place) for place in shown[:6])
    if len(cities) > 1:
        spread.append(Fact("zone.cities", zone, {"cities": cities}))
    if len(spread) < 2:
        lead, spread = lead + spread, []
    windows = table("windows_zone_mapping")
    technical = [Fact("zone.ids" if len(shown) > 1 else "zone.id", zone, {"zones": tuple(shown[:4])})]
    technical += [Fact("zone.windows", zone, {"name": name}) for name in sorted(windows) if windows[name] in places][
        :3
    ]
    return plan(
        zone, ("lead", lead), ("spread", spread), ("technical", technical), ("zone_names", _names(zone, choices))
    )


def _names(zone: Entity, choices: Choices) -> list[Fact]:
    facts = []
    for code in "it pt nl pl sv fi tr cs da id".split():
        name = zone_name(zone.key, code)
        if name:
            facts.append(Fact("name.other", zone, {"language": Entity("language", code), "local": name}))
    return choices.some(facts, 7)
