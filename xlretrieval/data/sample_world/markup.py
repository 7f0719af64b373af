"""Articles as wikitext, with the markup that encyclopedias are full of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .choices import Choices
from .facts import Entity
from .layout import SampleArticle, SampleSection
from .names import name
from .namespaces import CATEGORY, FILE, KIND_CATEGORIES, PAGE_WORDS
from .sentences import Sentence, Span

_LINKED = 0.7


@dataclass(frozen=True, slots=True)
class LinkTargets:
    """Where links of a language can lead.

    Attributes:
        titles: Title of an entity's article; entities without one are not linked.
        redirects: A redirect to it, where there is one.
        headings: Some heading of it, for links to a section.
    """

    titles: Mapping[Entity, str]
    redirects: Mapping[Entity, str]
    headings: Mapping[Entity, str]


def wikitext(article: SampleArticle, targets: LinkTargets, seed: int) -> str:
    """Source of an article's page."""
    choices = Choices(seed, "markup", article.subject.item, article.language)
    blocks = [_infobox(article, choices)]
    for section in article.sections:
        if section.heading:
            marks = "=" * section.level
            space = " " if choices.chance(0.8) else ""
            blocks.append(f"{marks}{space}{section.heading}{space}{marks}")
        if section.sentences:
            blocks.append(_prose(article, section, targets, choices))
        elif section.topic in ("see_also", "references", "links"):
            blocks.append(_lists(article, section.topic, targets, choices))
    blocks.append(_footer(article, choices))
    return "\n".join(blocks)


def _infobox(article: SampleArticle, choices: Choices) -> str:
    words = PAGE_WORDS[article.language]
    key = article.subject.key.replace("/", "-")
    file = f"[[{FILE[article.language]}:{article.subject.kind.capitalize()} {key}.svg|120px]]"
    lines = [f"{{{{{words['infobox']} {words[article.subject.kind]}", f"| {words['name']} = {article.title}"]
    lines.append(f"| {words['code']} = {{{{code|{article.subject.key}}}}}<!-- CLDR -->")
    if choices.chance(0.7):
        lines.append(f"| {words['image']} = {file}")
    box = "\n".join([*lines, "}}"])
    return f"{{{{{words['hatnote']}|{article.title}}}}}\n{box}" if choices.chance(0.2) else box


def _prose(article: SampleArticle, section: SampleSection, targets: LinkTargets, choices: Choices) -> str:
    linked: set[Entity] = {article.subject}
    pieces = []
    for sentence in section.sentences:
        text = _linked(sentence, article.language, targets, linked, choices)
        pieces.append(text + _reference(choices))
    before = ""
    others = [entity for entity in sentence_entities(section) if entity in targets.titles and entity not in linked]
    if section.level and others and choices.chance(0.1):
        before = f"{{{{{PAGE_WORDS[article.language]['main']}|{targets.titles[others[0]]}}}}}\n"
    if choices.chance(0.12):
        before += _file(article, section, targets, choices) + "\n"
    if len(pieces) > 2 and choices.chance(0.06):
        return before + "\n".join(f"* {piece}" for piece in pieces) + "\n"
    middle = len(pieces) // 2
    if len(pieces) > 3 and choices.chance(0.3):
        text = " ".join(pieces[:middle]) + "\n\n" + " ".join(pieces[middle:])
    else:
        text = " ".join(pieces)
    table = (
        _table(article, section) if section.topic in ("languages", "spread", "amounts") and choices.chance(0.3) else ""
    )
    return f"{before}{text}\n{table}"


def sentence_entities(section: SampleSection) -> list[Entity]:
    """What a section names, each once, in order."""
    return list(dict.fromkeys(span.entity for told in section.sentences for span in told.spans if span.entity))


def _linked(sentence: Sentence, language: str, targets: LinkTargets, linked: set[Entity], choices: Choices) -> str:
    pieces = []
    for span in sentence.spans:
        text = span.text.replace(" %", "&nbsp;%")
        if span.bold:
            text = f"'''{text}'''"
        elif span.entity in targets.titles and span.entity not in linked and choices.chance(_LINKED):
            linked.add(span.entity)
            text = _link(span, targets, choices)
        elif span.slot == "local" and choices.chance(0.3):
            text = f"''{text}''" if choices.chance(0.5) else f'<span lang="x">{text}</span>'
        pieces.append(text)
    return "".join(pieces)


def _link(span: Span, targets: LinkTargets, choices: Choices) -> str:
    title = targets.titles[span.entity]
    kind = choices.below(10)
    if kind == 0 and span.entity in targets.redirects:
        title = targets.redirects[span.entity]
    elif kind == 1 and span.entity in targets.headings:
        title = f"{title}#{targets.headings[span.entity]}"
    elif kind == 2:
        title = title.replace(" ", "_")
    if title == span.text or title == span.text[:1].upper() + span.text[1:]:
        return f"[[{span.text}]]"
    return f"[[{title}|{span.text}]]"


def _reference(choices: Choices) -> str:
    kind = choices.below(12)
    if kind == 0:
        return "<ref>{{cite web |url=https://cldr.unicode.org/ |title=Unicode CLDR |publisher=Unicode}}</ref>"
    if kind == 1:
        return '<ref name="cldr">Unicode Common Locale Data Repository, [https://cldr.unicode.org/ CLDR].</ref>'
    return '<ref name="cldr" />' if kind == 2 else ""


def _file(article: SampleArticle, section: SampleSection, targets: LinkTargets, choices: Choices) -> str:
    words = PAGE_WORDS[article.language]
    caption = section.heading or article.title
    other = next((entity for entity in sentence_entities(section) if entity in targets.titles), None)
    if other:
        caption += f" ([[{targets.titles[other]}|{name(other, article.language)}]])"
    side = words["right"] if choices.chance(0.5) else words["left"]
    return f"[[{FILE[article.language]}:Map {article.subject.item}.png|{words['thumb']}|{side}|{caption}]]"


def _table(article: SampleArticle, section: SampleSection) -> str:
    rows = []
    for sentence in section.sentences:
        values = [span.text for span in sentence.spans if span.slot]
        if len(values) == 2:
            rows.append(f"|-\n| {values[0]} || {values[1]}")
    if len(rows) < 2:
        return ""
    return (
        "\n".join(['{| class="wikitable" style="text-align:right"', f"! {section.heading} !! CLDR", *rows, "|}"])
        + "\n"
    )


def _lists(article: SampleArticle, topic: str, targets: LinkTargets, choices: Choices) -> str:
    words = PAGE_WORDS[article.language]
    if topic == "references":
        return "<references />\n" if choices.chance(0.5) else f"{{{{{words['reflist']}}}}}\n"
    if topic == "links":
        lines = [f"* [https://cldr.unicode.org/ Unicode CLDR]: {article.title}"]
        lines.append(f"* {{{{{words['commons']}|{article.title}}}}}")
        return "\n".join(lines) + "\n"
    named = [entity for section in article.sections for entity in sentence_entities(section)]
    others = [entity for entity in dict.fromkeys(named) if entity in targets.titles and entity != article.subject]
    chosen = choices.some(others, 4)
    return "\n".join(f"* [[{targets.titles[entity]}]]" for entity in chosen) + "\n"


def _footer(article: SampleArticle, choices: Choices) -> str:
    words = PAGE_WORDS[article.language]
    category = KIND_CATEGORIES[article.language][article.subject.kind]
    lines = [f"{{{{{words['navigation']} {category}}}}}"] if choices.chance(0.5) else []
    if choices.chance(0.3):
        lines.append(f"{{{{{words['sortkey']}:{article.title}}}}}")
    return "\n".join([*lines, f"[[{CATEGORY[article.language]}:{category}]]"])
