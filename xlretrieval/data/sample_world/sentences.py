"""Facts in words: one of our sentences is drawn and filled, and what fills it stays known by place and link."""

from __future__ import annotations

import string
from dataclasses import dataclass

from .choices import Choices
from .facts import Entity, Fact
from .names import name, pattern, separators, written
from .wording import HEADINGS, SENTENCES


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a sentence.

    Attributes:
        text: What stands there.
        slot: Which slot of the fact it fills, "" for our own words.
        entity: What it names, None for a number, a date or our own words.
        bold: Whether it is the name that an article begins with.
    """

    text: str
    slot: str = ""
    entity: Entity | None = None
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A fact in words.

    Attributes:
        fact: What it says.
        spans: Its pieces in order.
    """

    fact: Fact
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The sentence without markup."""
        return "".join(span.text for span in self.spans)

    def place(self, slot: str) -> tuple[int, int]:
        """Where a slot's text begins and ends in the sentence, (-1, -1) when it is not said."""
        start, end, position = -1, -1, 0
        for span in self.spans:
            if span.slot == slot:
                start = position if start < 0 else start
                end = position + len(span.text)
            position += len(span.text)
        return start, end


def headings(topic: str, language: str) -> tuple[str, ...]:
    """Headings that a topic can have."""
    return HEADINGS[language][topic]


def variants(fact: Fact, language: str) -> tuple[str, ...]:
    """Sentences that can say a fact."""
    sentences = SENTENCES[language]
    return sentences.get(fact.kind, ()) + 2 * sentences.get(f"{fact.kind}@{fact.subject.kind}", ())


def say(fact: Fact, language: str, choices: Choices, naming: bool = False) -> Sentence:
    """Puts a fact into words of a language; `naming` prefers sentences with the name of what the fact is about."""
    possible = variants(fact, language)
    if naming:
        possible = tuple(words for words in possible if "{s}" in words or "{s:" in words) or possible
    return fill(choices.one(possible), fact, language)


def fill(template: str, fact: Fact, language: str) -> Sentence:
    """Puts what a fact knows into a sentence.

    The template has `{slot}`, `{slot:in}` for places, `{slot:the}` for languages, and `{s}` for the subject.
    """
    spans: list[Span] = []
    for words, slot, form, _ in string.Formatter().parse(template):
        if words:
            spans.append(Span(words))
        if slot:
            spans += _filled(fact, slot, form or "", language)
    return Sentence(fact, _capitalised(spans))


def _filled(fact: Fact, slot: str, form: str, language: str) -> list[Span]:
    value = fact.subject if slot == "s" else fact.slots[slot]
    values = value if isinstance(value, tuple) else (value,)
    if len(values) > 1:
        pieces = [span for one in values for span in _single(one, slot, "", language)]
        between = separators(len(pieces), pieces[-1].text, language)
        joined = [pieces[0]]
        for separator, piece in zip(between, pieces[1:], strict=True):
            joined += [Span(separator, slot), piece]
        return joined
    return _single(values[0], slot, form, language)


def _single(value: object, slot: str, form: str, language: str) -> list[Span]:
    if not isinstance(value, Entity):
        return [Span(written(value, language), slot)]
    around = pattern(value, language, form)
    if "{}" not in around:  # a declined form, such as "in den Niederlanden"
        return [Span(around, slot, value)]
    before, _, after = around.partition("{}")
    spans = [Span(before), Span(name(value, language), slot, value, form == "bold"), Span(after)]
    return [span for span in spans if span.text]


def _capitalised(spans: list[Span]) -> tuple[Span, ...]:
    first = spans[0]
    text = first.text[:1].upper() + first.text[1:]
    return (Span(text, first.slot, first.entity, first.bold), *spans[1:])
