"""From a configuration to a collection: what is there, what belongs together, and what is missing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from xlretrieval.data.trec import Qrels

from .collection import Collection
from .configuration import IR_DATASETS, CollectionConfig, load_collection_config
from .document_cache import cached_store
from .documents import find_files
from .irds import open_dataset, read_irds_topics
from .judgements import check_judged_documents, read_judgements
from .problems import Problems
from .topic_files import read_topics
from .topics import Topic, topic_queries

logger = logging.getLogger(__name__)


def load_collection(
    config: Mapping[str, Any] | str | Path, direction: str | None = None, cache_dir: str | Path | None = None
) -> Collection:
    """Reads a collection of files that the user has; nothing is downloaded but what "irds:" names.

    Documents are converted once into the cache, where their files are known by path, size and time of change.

    Args:
        config: A YAML file or a mapping (an example is below). `documents`, `topics` and `qrels` are by language, the
            judgements by that of their documents. A part of them is a path, a mapping with `path`, or a list of
            either; a path is a file, a folder, a pattern, or "irds:" and an id of ir_datasets.

            Documents: `source` (one of `CLEF_SOURCES`, which sets the rest), `format` (sgml, jsonl), `encoding`,
            `title_tags`, `text_tags`, `id_tags`, and `documents`, the number there must be (null: any). Topics:
            `encoding`, `number` ("position" where judgements count the topics of the file, as Cranfield's do), and
            for ir_datasets the attributes that are `title`, `description` and `narrative`. Beside them: `fields`
            of the topics, "title+description" (default "title"), and `on_error`: "skip" counts what is wrong and
            leaves it out instead of raising.
        direction: "en-de" for English queries and German documents; may be left out when there is only one.
        cache_dir: Where converted documents go; `default_cache()` by default.

    Returns:
        The collection, with the judged pool as candidates when there are judgements. Topics without judgements,
        judgements without a topic, and queries without a relevant document are left out and counted in its
        `provenance`.

    Raises:
        OSError: A file cannot be opened.
        ValueError: The configuration is wrong; files are missing or incomplete (the message lists what is expected);
            a file has a problem and `on_error` is "raise"; or no topic is judged.

    Example:
        ```yaml
        name: clef
        fields: title+description
        documents:
          de:
            - {source: FR94, path: /data/clef/fr94}
            - {source: SDA94, path: /data/clef/sda94}
            - {source: SPIEGEL9495, path: /data/clef/spiegel}
        topics:
          en: [topics/en-2000.txt, {path: topics/en-2001.txt, encoding: iso-8859-1}]
        qrels:
          de: qrels/de_*.txt
        ```
    """
    settings = load_collection_config(config)
    query_language, document_language = settings.parse_direction(direction)
    problems = Problems(settings.on_error)
    files = check_files(settings, query_language, document_language)
    topics = _topics(settings, query_language, problems)
    queries = topic_queries(topics, settings.fields, problems)
    judged_paths = settings.qrels.get(document_language, [])
    qrels, ids = read_judgements(judged_paths)
    parts = settings.documents[document_language]
    try:
        documents = cached_store(parts, document_language, settings.on_error, cache_dir)
    except ValueError as error:
        raise ValueError(f"{settings.name}: {error}") from None
    problems.restore(documents.record)
    counts: dict[str, Any] = {"documents": dict(documents.sources), "topics": len(topics)}
    if qrels:
        queries, qrels = _join(settings.name, queries, qrels, ids, counts)
        check_judged_documents(qrels, documents, judged_paths, problems)
    else:
        queries = {topics[key].id: text for key, text in queries.items()}
    if not queries:
        raise ValueError(
            f"{settings.name}: topics in {query_language!r} must be judged in {document_language!r}, got none that "
            "is. Check that topics and judgements are of the same campaigns."
        )
    for kind, found in problems.record().items():
        logger.warning("%s: %s: %d, such as %s", settings.name, kind, found["count"], found["examples"][0])
    provenance = {"files": files, "fields": list(settings.fields), "counts": counts, "problems": problems.record()}
    collection = Collection(
        settings.name, query_language, document_language, queries, documents, qrels, provenance=provenance
    )
    return collection.with_judged_pool() if qrels else collection


def _join(
    name: str, queries: Mapping[str, str], qrels: Qrels, ids: Mapping[str, str], counts: dict[str, Any]
) -> tuple[dict[str, str], Qrels]:
    """Queries that are judged and judgements that have a query, both by the ids of the judgements; counts the rest.

    Args:
        name: Of the collection.
        queries: Key of the topic -> text.
        qrels: All judgements.
        ids: Key of the topic -> query id in the judgements.
        counts: Gets what is left out.
    """
    unknown = [query for key, query in ids.items() if key not in queries]
    counts["topics without judgements"] = [key for key in queries if key not in ids]
    counts["judged queries without a topic"] = unknown
    # Languages of a campaign share most topics; numbers that mean different topics overlap by chance only.
    if len(unknown) > 0.1 * len(ids):
        logger.warning(
            "%s: %d of %d judged queries have no topic (%s, ...). Check that both are of the same campaigns, and "
            "whether judgements count topics by position.",
            name,
            len(unknown),
            len(ids),
            ", ".join(unknown[:3]),
        )
    joined = {ids[key]: text for key, text in queries.items() if key in ids}
    # Average precision is undefined for them, and the campaigns drop them: 10 of the 100 Italian topics of 2000-2003.
    unanswered = [query for query in joined if max(qrels[query].values()) < 1]
    counts["queries without a relevant document"] = unanswered
    joined = {query: text for query, text in joined.items() if query not in unanswered}
    judged = {query: qrels[query] for query in joined}
    counts["judgements"] = sum(map(len, judged.values()))
    return joined, judged


def check_files(settings: CollectionConfig, query_language: str, document_language: str) -> dict[str, list[str]]:
    """Names of the files of documents, topics and judgements; patterns are resolved.

    Raises:
        ValueError: Some are not there; the message lists all of them, with what is expected of documents.
    """
    missing = []
    found: dict[str, list[str]] = {"documents": [], "topics": [], "qrels": []}
    for part in settings.documents[document_language]:
        if isinstance(part, str):
            open_dataset(part.removeprefix(IR_DATASETS))
        elif not part.files:
            missing.append(f"{part.source} at {', '.join(part.paths)}")
        found["documents"] += [part] if isinstance(part, str) else map(str, part.files)
    others = {
        "topics": [(topics.path, query_language) for topics in settings.topics[query_language]],
        "qrels": [(path, document_language) for path in settings.qrels.get(document_language, [])],
    }
    for kind, entries in others.items():
        for path, language in entries:
            files = [path] if path.startswith(IR_DATASETS) else list(map(str, find_files([path])))
            found[kind] += files
            if not files:
                missing.append(f"{kind} ({language}) at {path}")
    if missing:
        lines = "".join(f"\n- {entry}" for entry in missing)
        raise ValueError(
            f"{settings.name}: files of a collection must be there, got none for:{lines}\nGet them from their "
            "distributor (licensed collections cannot be downloaded), or correct the paths."
        )
    return found


def _by_position(topics: Mapping[str, Topic]) -> dict[str, Topic]:
    return {str(number): replace(topic, id=str(number)) for number, topic in enumerate(topics.values(), start=1)}


def _topics(settings: CollectionConfig, language: str, problems: Problems) -> dict[str, Topic]:
    topics: dict[str, Topic] = {}
    for entry in settings.topics[language]:
        if entry.path.startswith(IR_DATASETS):
            name = entry.path.removeprefix(IR_DATASETS)
            parts = [read_irds_topics(name, language, entry.attributes, problems)]
        else:
            # A topic that is left out would shift the ones after it.
            strict = Problems() if entry.number == "position" else problems
            parts = [read_topics(path, language, entry.encoding, strict) for path in find_files([entry.path])]
        if entry.number == "position":
            parts = [_by_position(part) for part in parts]
        for part in parts:
            for key, topic in part.items():
                first = topics.setdefault(key, topic)
                if first is not topic:
                    message = f"a topic must occur once, got {topic.id} which is also at {first.where}. Remove one."
                    problems.report("duplicate topic", topic.where, message)
    return topics
