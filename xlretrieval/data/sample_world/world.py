"""All articles of the sample world, before any language puts them into words."""

from __future__ import annotations

from .choices import Choices
from .cldr import currencies, languages, territories
from .currencies import currency_plan
from .facts import ArticlePlan, Entity
from .languages import language_plan, script_plan, scripts
from .territories import territory_plan
from .zones import zone_plan, zones_of

_PLANS = {
    "territory": territory_plan,
    "language": language_plan,
    "currency": currency_plan,
    "script": script_plan,
    "zone": zone_plan,
}
# Of what is known at most so many sections besides the lead, and of the rarer things only some.
_SECTIONS = {"territory": 5, "language": 5, "currency": 4, "script": 2, "zone": 3}
_SHARE = {"territory": 1.0, "language": 0.75, "currency": 0.6, "script": 1.0, "zone": 0.5}


def entities() -> tuple[Entity, ...]:
    """Everything that can have an article."""
    return (*territories(), *languages(), *currencies(), *scripts(), *zones_of())


def article_plans(size: float) -> list[ArticlePlan]:
    """Plans of the articles.

    Args:
        size: Which share of the articles, in (0, 1]; a smaller world is part of a larger one.

    Raises:
        ValueError: `size` is out of range.
    """
    if not 0 < size <= 1:
        raise ValueError(f"size must be in (0, 1], got {size}. Give 1 for the whole world.")
    chosen = [entity for entity in entities() if Choices("size", entity.item).chance(size * _SHARE[entity.kind])]
    items = [entity.item for entity in chosen]
    if len(set(items)) < len(items):
        raise ValueError("Ids of the sample's articles must differ, got one twice. Use the Babel version of the pins.")
    return [_shortened(_PLANS[entity.kind](entity)) for entity in chosen]


def _shortened(plan: ArticlePlan) -> ArticlePlan:
    """The lead and some of the sections: articles differ in what they are about."""
    lead, *others = plan.sections
    chosen = Choices("sections", plan.subject.item).some(others, _SECTIONS[plan.subject.kind])
    return ArticlePlan(plan.subject, (lead, *(section for section in others if section in chosen)))
