"""What the sample world knows, before any language puts it into words."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

LANGUAGES = ("de", "en", "es", "fr")


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that has a name in every language: kind "territory" and key "CH", or "weekday" and "6"."""

    kind: str
    key: str

    @property
    def item(self) -> str:
        """Invented Wikidata id, which depends on nothing but the entity, so that splits never move."""
        digest = hashlib.blake2b(f"{self.kind}:{self.key}".encode(), digest_size=8).digest()
        return f"Q{1_000_000 + int.from_bytes(digest, 'big') % 99_000_000}"


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of a population."""

    value: float


Value = Entity | Percent | int | float | date | str | tuple[Entity, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a subject.

    Attributes:
        kind: Names its sentences, such as "territory.currency".
        subject: What it is about.
        slots: What fills the sentence, by name.
    """

    kind: str
    subject: Entity
    slots: dict[str, Value]

    def entities(self) -> list[Entity]:
        """The subject and every entity that fills a slot."""
        found = [self.subject]
        for value in self.slots.values():
            found += [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, Entity)]
        return found


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """What a section says: the topic names its headings; of two parts a language may make two sections."""

    topic: str
    parts: tuple[tuple[Fact, ...], ...]


@dataclass(frozen=True, slots=True)
class ArticlePlan:
    """What an article says in every language; the first section is the lead."""

    subject: Entity
    sections: tuple[SectionPlan, ...]


# Topic, facts, and more facts that a language may tell in a section of their own.
SectionFacts = tuple[str, list[Fact]] | tuple[str, list[Fact], list[Fact]]


def plan(subject: Entity, *sections: SectionFacts) -> ArticlePlan:
    """An article of sections that have something to say: (topic, facts) or (topic, facts, more facts).

    A section of one fact is no section, unless that fact is the lead.
    """
    plans = []
    for topic, *parts in sections:
        said = tuple(tuple(part) for part in parts if part)
        if sum(map(len, said)) > 1 or said and topic == "lead":
            plans.append(SectionPlan(topic, said))
    return ArticlePlan(subject, tuple(plans))
