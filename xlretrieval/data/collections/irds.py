"""Collections of ir_datasets, by their ids: "hc4/zh/dev", "neuclir/1/zh", "clirmatrix/de/bi139-base/en/train".

The package downloads what is free and says how to get the rest; nothing of it happens before its data are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xlretrieval.data.trec import Qrels
from xlretrieval.data.values import shorten

from .documents import Document, LocatedDocument
from .problems import Problems
from .topics import FIELDS, Topic, topic_key


def open_dataset(name: str) -> Any:
    """The data set of this id.

    Raises:
        ValueError: ir_datasets is not installed, or has no such data set.
    """
    try:
        import ir_datasets
    except ImportError:
        raise ValueError(
            f"data set {name} must have the package ir_datasets, got no such module. Install it with "
            "`pip install xlretrieval[ir]`."
        ) from None
    try:
        return ir_datasets.load(name)
    except KeyError:
        raise ValueError(
            f"data set must be one of ir_datasets, got {name!r}. See https://ir-datasets.com for the list."
        ) from None


def _part(name: str, part: str) -> Any:
    """The data set, which has "docs", "queries" or "qrels"."""
    dataset = open_dataset(name)
    if not getattr(dataset, f"has_{part}")():
        raise ValueError(f"data set {name} must have {part}, got none. Name one that has them.")
    return dataset


def _check_language(name: str, language: str, found: str | None) -> None:
    if found and found.split("-")[0] != language.split("-")[0]:
        raise ValueError(f"data set {name} must be in {language!r}, got {found!r}. Move it to its language.")


def read_irds_documents(name: str, language: str, problems: Problems) -> Iterator[LocatedDocument]:
    """Yields the documents: `title` where they have one, and `text` or what the data set takes for the text.

    Args:
        name: Id of the data set.
        language: That its documents are in, unless it does not say.
        problems: Takes documents with an id that is no word; those without text are kept and counted.

    Raises:
        ValueError: No such data set, it has no documents or other languages; or there is a problem, and problems are
            errors.
    """
    dataset = _part(name, "docs")
    _check_language(name, language, dataset.docs_lang())
    for number, found in enumerate(dataset.docs_iter(), start=1):
        where = f"{name}, document {number}"
        title = " ".join((getattr(found, "title", None) or "").split())
        text = getattr(found, "text", None)
        text = (found.default_text() if text is None else text).strip()
        document_id = str(found.doc_id)
        if document_id.split() != [document_id]:
            message = f"a document id must be one word, got {shorten(document_id)}. Leave it out of the collection."
            problems.report("id that is no word", where, message)
        else:
            if not text:
                problems.note("title without text" if title else "empty document", f"{where}: {document_id}")
            yield LocatedDocument(Document(document_id, title, text), where)


def read_irds_topics(name: str, language: str, attributes: Mapping[str, str], problems: Problems) -> dict[str, Topic]:
    """The queries as topics; a query that is only text becomes a title.

    Args:
        name: Id of the data set.
        language: Only checked when `attributes` does not choose a translation.
        attributes: Field of a topic -> attribute of a query, for the human translations of HC4
            `{"title": "ht_title"}`; the same name by default.
        problems: Takes queries that occur twice.

    Raises:
        ValueError: As `read_irds_documents`; or a query has no such attribute.
    """
    dataset = _part(name, "queries")
    if not attributes:
        _check_language(name, language, dataset.queries_lang())
    topics: dict[str, Topic] = {}
    for number, query in enumerate(dataset.queries_iter(), start=1):
        where = f"{name}, query {number}"
        values = {}
        for field in FIELDS:
            attribute = attributes.get(field, field)
            if field in attributes and not hasattr(query, attribute):
                raise ValueError(f"{where}: query must have {attribute!r}, got {query._fields}. Name one of them.")
            values[field] = getattr(query, attribute, None) or ""
        if not any(values.values()):
            values["title"] = query.default_text() or ""
        key = topic_key(query.query_id)
        if key in topics:
            message = f"a query must occur once, got {query.query_id} twice. Choose a subset of the data set."
            problems.report("duplicate topic", where, message)
            continue
        topics[key] = Topic(query.query_id, **values, where=where)
    return topics


def read_irds_qrels(name: str) -> Qrels:
    """The judgements; of one that occurs twice the higher one counts.

    Raises:
        ValueError: No such data set, or it has no judgements.
    """
    qrels: Qrels = {}
    for judgement in _part(name, "qrels").qrels_iter():
        judged = qrels.setdefault(judgement.query_id, {})
        judged[judgement.doc_id] = max(judged.get(judgement.doc_id, judgement.relevance), int(judgement.relevance))
    return qrels
