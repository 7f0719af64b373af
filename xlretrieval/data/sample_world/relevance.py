"""What a search topic of the sample asks for, and which facts answer it."""

from __future__ import annotations

from .facts import Entity, Fact

# Relation -> kinds of facts that state it; a prefix that ends in a full stop stands for all kinds that begin with it.
_RELATIONS = {
    "languages": (
        "territory.main",
        "territory.official",
        "territory.official_one",
        "territory.regional",
        "territory.share",
        "territory.other",
        "territory.kin",
        "language.most",
        "language.official",
        "language.official_one",
        "language.regional",
        "language.share",
        "language.other",
    ),
    "currency": (
        "territory.currency",
        "territory.currency_code",
        "territory.shared",
        "territory.former",
        "currency.used",
        "currency.used_one",
        "currency.since",
        "currency.former",
        "currency.next",
        "currency.previous",
    ),
    "time": (
        "territory.zone",
        "territory.zone_kin",
        "territory.zone_id",
        "territory.zone_ids",
        "zone.windows",
        "zone.territories",
        "zone.territory",
        "zone.cities",
        "zone.id",
        "zone.ids",
    ),
    "writing": (
        "language.script",
        "language.scripts",
        "language.script_there",
        "script.right",
        "script.left",
        "script.language",
        "script.languages",
    ),
    "names": ("name.",),
    "formats": ("date.", "number.", "money.", "calendar.", "currency.amount"),
}
# Relation -> kinds of things that it is asked of.
ASKED = {
    "languages": ("territory", "language"),
    "currency": ("territory", "currency"),
    "time": ("territory", "zone"),
    "writing": ("language", "script"),
    "names": ("territory", "language", "currency"),
    "formats": ("territory", "language"),
}


def answers(fact: Fact) -> list[tuple[str, Entity]]:
    """The topics, as relation and thing, that a fact helps to answer."""
    found = []
    for relation, kinds in _RELATIONS.items():
        if not any(fact.kind == kind or kind.endswith(".") and fact.kind.startswith(kind) for kind in kinds):
            continue
        found += [(relation, thing) for thing in _things(relation, fact) if thing.kind in ASKED[relation]]
    return list(dict.fromkeys(found))


def _things(relation: str, fact: Fact) -> list[Entity]:
    """Whom a fact tells the relation of: names are those of one thing, formats those of a place or language."""
    if relation == "names":
        named = fact.slots.get("thing", fact.subject)
        return [named] if isinstance(named, Entity) else []
    if relation == "formats":
        language = fact.slots.get("language")
        return [fact.subject, language] if isinstance(language, Entity) else [fact.subject]
    return fact.entities()
