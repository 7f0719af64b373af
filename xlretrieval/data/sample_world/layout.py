"""How a language arranges an article: what it leaves out, splits, groups and in which order it tells the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .choices import Choices
from .facts import LANGUAGES, ArticlePlan, Entity, Fact, SectionPlan
from .names import title
from .sentences import Sentence, headings, say

_MISSING_ARTICLE = 0.03
_MISSING_SECTION = 0.12
_MISSING_FACT = 0.10
_SPLIT = 0.3
_GROUPED = 0.4
_REORDERED = 0.35
_TIME = ("week", "dates", "calendar", "zones")
# Topics that many articles would tell in the same words if they did not name what they are about.
_ALIKE = ("week", "writing", "plural", "languages", "names", "zone_names", "words", "geography", "calendar")
# Topics of which more is known than a language tells: each picks its own facts, so that sections about the same share
# some foreign words and not all.
_MOST = {"names": 4, "zone_names": 3, "words": 4, "geography": 4, "calendar": 4, "money": 3, "amounts": 3}
_USE = ("writing", "numbers", "words", "geography", "money", "plural")


@dataclass(frozen=True, slots=True)
class SampleSection:
    """A section of an article in a language.

    Attributes:
        topic: What it is about, "lead", or the kind of a section without prose.
        parts: Which parts of the topic's plan it tells, () for a heading alone and for lists.
        level: 2 for a section, 3 for one inside another, 0 for the lead.
        heading: Its heading, "" for the lead.
        sentences: Its text.
    """

    topic: str
    parts: tuple[int, ...]
    level: int
    heading: str
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """Its sentences, separated by spaces."""
        return " ".join(sentence.text for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class SampleArticle:
    """An article in a language; a section's place in `sections` is its number on the page."""

    subject: Entity
    language: str
    title: str
    sections: tuple[SampleSection, ...]


def articles(plans: list[ArticlePlan], seed: int) -> dict[str, list[SampleArticle]]:
    """All articles by language, in the order of the plans."""
    found: dict[str, list[SampleArticle]] = {language: [] for language in LANGUAGES}
    for language in LANGUAGES:
        titles: set[str] = set()
        for plan in plans:
            choices = Choices(seed, "layout", plan.subject.item, language)
            if choices.chance(_MISSING_ARTICLE):
                continue
            name = title(plan.subject, language)
            if name in titles:
                name = f"{name} ({plan.subject.key})"
            titles.add(name)
            found[language].append(SampleArticle(plan.subject, language, name, _arranged(plan, language, choices)))
    return found


def _arranged(plan: ArticlePlan, language: str, choices: Choices) -> tuple[SampleSection, ...]:
    lead, *others = plan.sections
    kept = [section for section in others if not choices.chance(_MISSING_SECTION)]
    if len(kept) > 1 and choices.chance(_REORDERED):
        kept.insert(choices.below(len(kept)), kept.pop(choices.below(len(kept))))
    sections = [SampleSection("lead", (0,), 0, "", _told("lead", lead.parts[0], language, choices))]
    grouped = {name for name in ("group:time", "group:use") if choices.chance(_GROUPED)}
    while kept:
        group = _group_of(kept[0].topic)
        members = [section for section in kept if group and _group_of(section.topic) == group]
        if group in grouped and len(members) > 1:
            sections.append(SampleSection(group, (), 2, choices.one(headings(group, language)), ()))
            for member in members:
                sections += _sections(member, 3, language, choices)
            kept = [section for section in kept if section not in members]
        else:
            sections += _sections(kept.pop(0), 2, language, choices)
    for topic in ("see_also", "references", "links"):
        if choices.chance(0.85):
            sections.append(SampleSection(topic, (), 2, choices.one(headings(topic, language)), ()))
    return tuple(sections)


def _group_of(topic: str) -> str:
    return "group:time" if topic in _TIME else "group:use" if topic in _USE else ""


def _sections(plan: SectionPlan, level: int, language: str, choices: Choices) -> list[SampleSection]:
    """One section, or two where the language splits the topic, under a heading of their own or not."""
    topic = plan.topic
    if len(plan.parts) == 1 or not choices.chance(_SPLIT):
        facts = [fact for part in plan.parts for fact in part]
        needed = {id(part[0]) for part in plan.parts}
        told = _told(topic, facts, language, choices, needed)
        return [
            SampleSection(topic, tuple(range(len(plan.parts))), level, choices.one(headings(topic, language)), told)
        ]
    sections = []
    if level == 2 and choices.chance(0.5):
        sections.append(SampleSection(f"{topic}:heading", (), 2, choices.one(headings(topic, language)), ()))
        level = 3
    for number, part in enumerate(plan.parts):
        heading = choices.one(headings(f"{topic}.{number}", language))
        sections.append(SampleSection(topic, (number,), level, heading, _told(topic, part, language, choices)))
    return sections


def _told(
    topic: str, facts: Sequence[Fact], language: str, choices: Choices, needed: set[int] | None = None
) -> tuple[Sentence, ...]:
    """The facts in words; the first one, and of two parts the first of each, is never left out."""
    kept = _kept(topic, facts, choices, needed or {id(facts[0])})
    if len(kept) > 2 and choices.chance(0.3):
        place = 1 + choices.below(len(kept) - 2)
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    sentences, used = [], set()
    for fact in kept:
        sentence = say(fact, language, choices)
        for _ in range(4):  # two sentences of the same make in a row read like a form
            if _shape(sentence) not in used:
                break
            sentence = say(fact, language, choices)
        used.add(_shape(sentence))
        sentences.append(sentence)
    if topic in _ALIKE and not any(map(_names_subject, sentences)):
        for place, fact in enumerate(kept):
            sentence = say(fact, language, choices, naming=True)
            if _names_subject(sentence):
                sentences[place] = sentence
                break
    return tuple(sentences)


def _kept(topic: str, facts: Sequence[Fact], choices: Choices, needed: set[int]) -> list[Fact]:
    """Which facts a language tells, in their order."""
    kept = [fact for fact in facts if id(fact) in needed or not choices.chance(_MISSING_FACT)]
    others = [fact for fact in kept if id(fact) not in needed]
    limit = _MOST.get(topic, len(kept)) - len(needed)
    if len(others) > limit:
        chosen = {id(fact) for fact in choices.some(others, limit)}
        kept = [fact for fact in kept if id(fact) in needed or id(fact) in chosen]
    return list(facts[:2]) if len(kept) == 1 else kept  # one sentence alone is hardly a section


def _names_subject(sentence: Sentence) -> bool:
    return any(span.slot == "s" for span in sentence.spans)


def _shape(sentence: Sentence) -> str:
    return "".join(span.text for span in sentence.spans if not span.slot)
