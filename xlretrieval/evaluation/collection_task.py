"""A ranking task made of a collection; and of several, whose documents then compete whatever their language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlretrieval.data.collections.collection import Collection
from xlretrieval.data.collections.documents import Document
from xlretrieval.data.collections.store import DocumentStore
from xlretrieval.data.collections.topics import topic_key
from xlretrieval.data.trec import Qrels

from .candidates import RankingTask


def collection_task(collection: Collection, limit: int | None = None, seed: int = 0) -> RankingTask:
    """The judged queries of a collection and their candidates.

    Args:
        collection: With candidates; see `Collection.with_judged_pool` and `with_run`.
        limit: Most queries, drawn by the seed; they stay in the order of the collection. All by default.
        seed: Of the draw: with a higher limit, the queries of a lower one are among those that are drawn.

    Returns:
        The task. Texts of documents are read from the store when they are asked for. A query without candidates is
        one of its queries, so it counts 0. `dropped` has the numbers of topics and judgements that were left out.

    Raises:
        ValueError: There are no judgements, or `limit` is smaller than 1.
    """
    if not collection.qrels:
        raise ValueError(
            f"{collection.name} {collection.direction}: a collection must have judgements to be measured by, got "
            "none. Add `qrels` for the language of its documents."
        )
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 query, got {limit}. Leave it out for all of them.")
    queries = list(collection.queries)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(queries))
    chosen = [queries[index] for index in sorted(order[:limit].tolist())]
    dropped = _dropped(collection.provenance)
    if len(chosen) < len(queries):
        dropped["queries beyond the limit"] = len(queries) - len(chosen)
    candidates = {query: collection.candidates.get(query, []) for query in chosen}
    ids = list(dict.fromkeys(document for documents in candidates.values() for document in documents))
    return RankingTask(
        (collection.query_language, collection.document_language),
        {query: collection.queries[query] for query in chosen},
        _Texts(collection.documents, ids),
        candidates,
        {query: collection.qrels[query] for query in chosen},
        dropped,
    )


def _dropped(provenance: Mapping[str, Any]) -> dict[str, int]:
    """What the reading of a collection left out: reason -> number."""
    counts: dict[str, int] = {}
    for part in provenance.get("mixed", {"": provenance}).values():
        for reason in (
            "topics without judgements",
            "judged queries without a topic",
            "queries without a relevant document",
        ):
            if number := len(part.get("counts", {}).get(reason, ())):
                counts[reason] = counts.get(reason, 0) + number
    return counts


@dataclass(frozen=True)
class _Texts(Mapping[str, str]):
    """Texts of the candidates, read when they are asked for: those of a pool of 50,000 articles would take 150 MB."""

    documents: DocumentStore | MixedDocuments
    ids: Sequence[str]

    def __getitem__(self, document_id: str) -> str:
        return self.documents[document_id].content

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class MixedDocuments(Mapping[str, Document]):
    """Documents of several languages by their ids.

    Args:
        stores: Language -> documents.
    """

    stores: Mapping[str, DocumentStore]

    def language(self, document_id: str) -> str:
        """The language of a document.

        Raises:
            KeyError: There is no such document.
            ValueError: There are several, in different languages.
        """
        found = [language for language, store in self.stores.items() if document_id in store]
        if len(found) > 1:
            raise ValueError(
                f"A document of a mixed pool must have one language, got {document_id} in {' and '.join(found)}. "
                "Rank the languages one by one, or give the documents different ids."
            )
        if not found:
            raise KeyError(document_id)
        return found[0]

    def __getitem__(self, document_id: str) -> Document:
        return self.stores[self.language(document_id)][document_id]

    def __contains__(self, document_id: object) -> bool:
        return any(document_id in store for store in self.stores.values())

    def __iter__(self) -> Iterator[str]:
        for store in self.stores.values():
            yield from store

    def __len__(self) -> int:
        return sum(map(len, self.stores.values()))


def mix_languages(collections: Sequence[Collection]) -> Collection:
    """One collection of several with the same queries: a query has relevant documents in any of the languages.

    Args:
        collections: Each with documents in another language; queries are joined by the number of their topic, and go
            by the id that the first collection gives them.

    Returns:
        The collection, with the judged pool of all languages as candidates. Its document language is like "de+fr",
        its documents are `MixedDocuments`.

    Raises:
        ValueError: The queries are in different languages, two collections have documents in the same, or one has no
            judgements.
    """
    query_languages = {collection.query_language: None for collection in collections}
    stores = {collection.document_language: collection.documents for collection in collections}
    if len(query_languages) != 1 or len(stores) < max(2, len(collections)):
        raise ValueError(
            "Collections that are mixed must have queries in the same language and documents in two and more "
            f"different ones, got {', '.join(collection.direction for collection in collections) or 'none'}. "
            "Name directions like en-de,en-fr."
        )
    unjudged = [collection.direction for collection in collections if not collection.qrels]
    if unjudged:
        raise ValueError(
            f"Collections that are mixed must have judgements, got {unjudged[0]} without. Add its `qrels`, or leave "
            "the direction out."
        )
    queries: dict[str, str] = {}
    qrels: Qrels = {}
    ids: dict[str, str] = {}
    for collection in collections:
        for query, text in collection.queries.items():
            own = ids.setdefault(topic_key(query), query)
            queries.setdefault(own, text)
            qrels.setdefault(own, {}).update(collection.qrels.get(query, {}))
    mixed = Collection(
        "+".join(dict.fromkeys(collection.name for collection in collections)),
        collections[0].query_language,
        "+".join(stores),
        queries,
        MixedDocuments(stores),  # of what a store can do, ranking asks for ids and documents
        qrels,
        provenance={"mixed": {collection.direction: collection.provenance for collection in collections}},
    )
    return mixed.with_judged_pool()
