"""A question answering collection in the form of MLQA: context and question in any two of the four languages."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .choices import Choices
from .facts import LANGUAGES, Fact
from .held_out import HeldOutSection, held_out
from .pages import WikiPage
from .sentences import fill
from .wording import QUESTIONS

_SPLITS = {"dev": "validation", "test": "test"}
_PER_SECTION = 3


@dataclass(frozen=True, slots=True)
class _Answer:
    """Where a language answers: the section and the place in its text."""

    section: HeldOutSection
    start: int
    text: str


def write_mlqa(folder: Path, pages: dict[str, list[WikiPage]], seed: int) -> dict[str, int]:
    """Writes `{split}-context-{c}-question-{q}.json` for all pairs of languages and returns questions by split."""
    folder.mkdir(parents=True)
    counts = {}
    for name, split in _SPLITS.items():
        asked = _asked({language: held_out(pages[language], split) for language in LANGUAGES}, seed)
        counts[name] = len(asked)
        for context in LANGUAGES:
            for question in LANGUAGES:
                path = folder / f"{name}-context-{context}-question-{question}.json"
                document = _document(asked, context, question)
                path.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return counts


def _inquiry(fact: Fact) -> str | None:
    questions = QUESTIONS["en"]
    return next((key for key in (f"{fact.kind}@{fact.subject.kind}", fact.kind) if key in questions), None)


def _asked(sections: dict[str, list[HeldOutSection]], seed: int) -> list[tuple[Fact, dict[str, _Answer]]]:
    """Facts that all languages tell and one question finds, with the answers by language; in order of the facts."""
    places: dict[int, tuple[Fact, dict[str, _Answer]]] = {}
    for language in LANGUAGES:
        for section in sections[language]:
            position = 0
            for sentence in section.section.sentences:
                key = _inquiry(sentence.fact)
                if key:
                    start, end = sentence.place(QUESTIONS["en"][key][0])
                    if start >= 0:
                        answer = _Answer(section, position + start, sentence.text[start:end])
                        places.setdefault(id(sentence.fact), (sentence.fact, {}))[1][language] = answer
                position += len(sentence.text) + 1
    complete = [entry for entry in places.values() if len(entry[1]) == len(LANGUAGES)]
    for language in LANGUAGES:
        wording = Counter(_question(fact, language) for fact, _ in complete)
        complete = [entry for entry in complete if wording[_question(entry[0], language)] == 1]
    return _thinned(complete, seed)


def _thinned(entries: list[tuple[Fact, dict[str, _Answer]]], seed: int) -> list[tuple[Fact, dict[str, _Answer]]]:
    """At most three questions of a section of the first language."""
    groups: dict[str, list[tuple[Fact, dict[str, _Answer]]]] = {}
    for entry in entries:
        groups.setdefault(entry[1][LANGUAGES[0]].section.docno, []).append(entry)
    kept = []
    for docno in sorted(groups):
        chosen = Choices(seed, "questions", docno).some(range(len(groups[docno])), _PER_SECTION)
        kept += [groups[docno][number] for number in sorted(chosen)]
    return kept


def _question(fact: Fact, language: str) -> str:
    return fill(QUESTIONS[language][_inquiry(fact)][1], fact, language).text


def _document(asked: list[tuple[Fact, dict[str, _Answer]]], context: str, question: str) -> dict[str, Any]:
    """The SQuAD 1.1 document of a pair of languages."""
    articles: dict[str, dict[str, Any]] = {}
    paragraphs: dict[str, dict[str, Any]] = {}
    for fact, answers in asked:
        answer = answers[context]
        title, docno = answer.section.article.title, answer.section.docno
        if title not in articles:
            articles[title] = {"title": title, "paragraphs": []}
        if docno not in paragraphs:
            paragraphs[docno] = {"context": answer.section.section.text, "qas": []}
            articles[title]["paragraphs"].append(paragraphs[docno])
        english = f"{fact.subject.item}/{_question(fact, 'en')}"
        paragraphs[docno]["qas"].append(
            {
                "question": _question(fact, question),
                "answers": [{"text": answer.text, "answer_start": answer.start}],
                "id": hashlib.blake2b(english.encode(), digest_size=20).hexdigest(),
            }
        )
    return {"version": 1.0, "data": list(articles.values())}
