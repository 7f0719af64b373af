"""A search collection in the form of CLEF: documents in SGML, topics, and judgements of pooled documents."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from .choices import Choices
from .facts import LANGUAGES, Entity, Fact
from .held_out import HeldOutSection, held_out
from .pages import WikiPage
from .relevance import ASKED, answers
from .sentences import fill
from .wording import TOPICS

ENCODINGS = {"de": "iso-8859-1", "en": "utf-8", "es": "iso-8859-1", "fr": "utf-8"}
_PER_FILE = 200
_TOPIC_COUNT = 120
_FIRST_TOPIC = 401
# Relevant documents of a topic in each language and in all four, and judged documents of a topic in a language.
_RELEVANT = range(1, 26)
_RELEVANT_IN_ALL = 7
_POOL = (30, 60)

Topic = tuple[str, Entity]


def write_clef(folder: Path, pages: dict[str, list[WikiPage]], seed: int) -> dict[str, int]:
    """Writes documents, topics and judgements, and returns counts: topics, documents and judgements by language."""
    documents = {language: held_out(pages[language], "test") for language in LANGUAGES}
    relevant = {language: _relevant(documents[language]) for language in LANGUAGES}
    topics = _topics(relevant, seed)
    counts = {"topics": len(topics)}
    for name in ("documents", "topics", "qrels"):
        (folder / name).mkdir(parents=True)
    for language in LANGUAGES:
        _write_documents(folder / "documents", language, documents[language])
        _write_topics(folder / "topics" / f"{language}_topics.xml", language, topics)
        lines = _judgements(topics, documents[language], relevant[language], Choices(seed, "pools", language))
        (folder / "qrels" / f"{language}_qrels.txt").write_text("".join(lines), encoding="utf-8")
        counts |= {f"documents_{language}": len(documents[language]), f"judgements_{language}": len(lines)}
    return counts


def _relevant(documents: list[HeldOutSection]) -> dict[Topic, set[str]]:
    """Names of the documents that answer a topic."""
    found: dict[Topic, set[str]] = {}
    for document in documents:
        for sentence in document.section.sentences:
            for topic in answers(sentence.fact):
                found.setdefault(topic, set()).add(document.docno)
    return found


def _topics(relevant: dict[str, dict[Topic, set[str]]], seed: int) -> list[Topic]:
    """Topics that every language answers, with as many of each sort as there are, up to an equal share."""
    shared = []
    for topic in relevant["en"]:
        numbers = [len(found.get(topic, ())) for found in relevant.values()]
        if all(number in _RELEVANT for number in numbers) and sum(numbers) >= _RELEVANT_IN_ALL:
            shared.append(topic)
    sorts = [(relation, kind) for relation, kinds in ASKED.items() for kind in kinds]
    choices = Choices(seed, "topics")
    queues = [choices.some([topic for topic in shared if (topic[0], topic[1].kind) == sort], 999) for sort in sorts]
    chosen: list[Topic] = []
    while any(queues) and len(chosen) < _TOPIC_COUNT:
        chosen += [queue.pop(0) for queue in queues if queue]
    return choices.some(chosen[:_TOPIC_COUNT], _TOPIC_COUNT)


def _identifier(number: int) -> str:
    return f"{_FIRST_TOPIC + number}-AH"


def _write_documents(folder: Path, language: str, documents: list[HeldOutSection]) -> None:
    for start in range(0, len(documents), _PER_FILE):
        texts = []
        for document in documents[start : start + _PER_FILE]:
            heading = document.section.heading
            title = f"{document.article.title}: {heading}" if heading else document.article.title
            texts.append(
                f"<DOC>\n<DOCNO>{document.docno}</DOCNO>\n<TITLE>{escape(title)}</TITLE>\n"
                f"<TEXT>\n{escape(document.section.text)}\n</TEXT>\n</DOC>\n"
            )
        # What an encoding cannot hold is a character reference, as SGML wants it.
        content = "".join(texts).encode(ENCODINGS[language], errors="xmlcharrefreplace")
        (folder / f"{language}-{start // _PER_FILE + 1}.sgml").write_bytes(content)


def _write_topics(path: Path, language: str, topics: list[Topic]) -> None:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>\n<topics>\n']
    for number, (relation, thing) in enumerate(topics):
        fact = Fact("topic", thing, {})
        title, description, narrative = (
            escape(fill(template, fact, language).text) for template in TOPICS[language][f"{relation}:{thing.kind}"]
        )
        lines.append(
            f"<topic>\n<identifier>{_identifier(number)}</identifier>\n<title>{title}</title>\n"
            f"<description>{description}</description>\n<narrative>{narrative}</narrative>\n</topic>\n"
        )
    path.write_text("".join([*lines, "</topics>\n"]), encoding="utf-8")


def _judgements(
    topics: list[Topic], documents: list[HeldOutSection], relevant: dict[Topic, set[str]], choices: Choices
) -> list[str]:
    """Lines "topic 0 docno relevance": relevant documents and hard ones that are not."""
    articles: dict[str, list[str]] = {}
    told: dict[str, list[str]] = {}
    for document in documents:
        articles.setdefault(document.article.subject.item, []).append(document.docno)
        for relation in {
            relation for sentence in document.section.sentences for relation, _ in answers(sentence.fact)
        }:
            told.setdefault(relation, []).append(document.docno)
    article_of = {docno: item for item, docnos in articles.items() for docno in docnos}
    lines = []
    for number, topic in enumerate(topics):
        right = relevant[topic]
        size = _POOL[0] + choices.below(_POOL[1] - _POOL[0] + 1)
        # Other sections of the same articles first, then the same relation of other things, then what there is.
        items = sorted({topic[1].item, *(article_of[docno] for docno in right)})
        near = [docno for item in items for docno in articles.get(item, ()) if docno not in right]
        far = [docno for docno in told[topic[0]] if docno not in right and docno not in near]
        wrong = choices.some(near, (size - len(right)) // 2)
        wrong += choices.some(far, size - len(right) - len(wrong))
        rest = [document.docno for document in documents if document.docno not in {*right, *wrong}]
        wrong += choices.some(rest, size - len(right) - len(wrong))
        for docno in sorted([*right, *wrong]):
            lines.append(f"{_identifier(number)} 0 {docno} {int(docno in right)}\n")
    return lines
