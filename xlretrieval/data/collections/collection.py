"""A collection: queries in one language, documents in another, judgements, and what is to be ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xlretrieval.data.trec import Qrels, Run, rank_documents

from .store import DocumentStore


@dataclass(frozen=True)
class Collection:
    """Queries, documents and judgements of one direction.

    Attributes:
        name: "clef".
        query_language: Of the queries.
        document_language: Of the documents.
        queries: Query id, as in the judgements -> text. Where there are judgements, each has a relevant document.
        documents: The documents.
        qrels: Query id -> document id -> relevance, of the queries above; {} without judgements.
        candidates: Query id -> ids of the documents to rank, all of which are in `documents`.
        provenance: Which files, and what was counted: "topics without judgements" and others.
    """

    name: str
    query_language: str
    document_language: str
    queries: dict[str, str]
    documents: DocumentStore
    qrels: Qrels
    candidates: dict[str, list[str]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        """`"en-de"`: English queries, German documents."""
        return f"{self.query_language}-{self.document_language}"

    def judged_pool(self) -> dict[str, list[str]]:
        """All judged documents of every query that are in the collection, in the order of their ids.

        Reranking the pool needs no first stage: what a system gets to rank does not depend on another one. Sorted,
        because judgements list the relevant documents of some campaigns first.
        """
        return {
            query: sorted(id for id in self.qrels.get(query, ()) if id in self.documents) for query in self.queries
        }

    def with_judged_pool(self) -> Collection:
        """This collection with `judged_pool()` as candidates."""
        pool = self.judged_pool()
        missing = sum(map(len, self.qrels.values())) - sum(map(len, pool.values()))
        return self._with(pool, {"source": "judged pool", "judged documents not in the collection": missing})

    def with_run(self, run: Run, top_k: int | None = None) -> Collection:
        """This collection with the first documents of a run as candidates, in its order.

        Queries that the run does not have get no candidates and are counted, as are queries of the run that the
        collection does not have.

        Args:
            run: Query id -> document id -> score; the ids of queries are those of the judgements.
            top_k: Documents per query; all of them by default.

        Raises:
            ValueError: The run has a document that is not in the collection, has none of the queries, or `top_k` is
                smaller than 1.
        """
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {top_k}. Leave it out for all documents.")
        candidates = {query: rank_documents(run.get(query, {}))[:top_k] for query in self.queries}
        for query, documents in candidates.items():
            for document in documents:
                if document not in self.documents:
                    raise ValueError(
                        f"documents of a run must be in the collection, got {document} of query {query}. Take a run "
                        f"over {self.name}, or add the folder with the document."
                    )
        if not any(candidates.values()):
            names = ", ".join(list(run)[:3]) or "none"
            raise ValueError(
                f"queries of a run must be those of {self.name} ({', '.join(list(self.queries)[:3])}, ...), got "
                f"{names}. Spell them as the judgements do."
            )
        counts = {
            "source": "run",
            "top_k": top_k,
            "queries without candidates": [query for query, documents in candidates.items() if not documents],
            "queries of the run that are not in the collection": sum(query not in self.queries for query in run),
        }
        return self._with(candidates, counts)

    def _with(self, candidates: Mapping[str, list[str]], counts: dict[str, Any]) -> Collection:
        counts["documents"] = sum(map(len, candidates.values()))
        return replace(self, candidates=dict(candidates), provenance=self.provenance | {"candidates": counts})
