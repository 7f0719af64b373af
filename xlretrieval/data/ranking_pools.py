"""The documents that fine-tuning may show with a query: its relevant ones, and those that are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .collections.collection import Collection
from .draws import permutation, raw_draws

ScoredByTeacher = Mapping[str, Mapping[str, float]]

# Where the negatives of a query come from first.
NEGATIVES_FROM = ("judged", "candidates")

# Draws per wanted document of the whole collection; a relevant one, or one that is drawn already, costs one.
_DRAWS = 64


class Pools:
    """Examples of a collection, and what their negatives are drawn from.

    The negatives of a query are its documents that were judged not relevant; where it has none, its unjudged
    candidates (of a first stage's run); where it has none either, any other documents of the collection. What is
    judged non-relevant is hard, since a system of the campaign ranked it high.

    Collections such as Cranfield judge one document of a query not relevant, which would be its negative in every
    epoch. There the candidates of a run serve better, though some of them may be relevant.

    Args:
        collection: With judgements.
        queries: Which queries; all of them by default.
        teacher: With one, only documents that it scores.
        negatives_from: "judged", as above; or "candidates": those of them that were not judged relevant, then the
            judged ones.

    Attributes:
        examples: Query and relevant document of each example.
        counts: What there is, and what was left out or replaced, by what it is.

    Raises:
        ValueError: There is no example, a query is unknown, or `negatives_from` is.
    """

    def __init__(
        self,
        collection: Collection,
        queries: Sequence[str] | None = None,
        teacher: ScoredByTeacher | None = None,
        negatives_from: str = "judged",
    ):
        if negatives_from not in NEGATIVES_FROM:
            raise ValueError(
                f"negatives_from must be one of {', '.join(NEGATIVES_FROM)}, got {negatives_from!r}. Choose one."
            )
        self.collection, self.negatives_from = collection, negatives_from
        self.examples: list[tuple[str, str]] = []
        self.counts = dict.fromkeys(
            (
                "queries",
                "examples",
                "relevant documents that are not in the collection",
                "queries whose negatives are candidates",
                "queries whose negatives are any documents",
                "documents without a score of the teacher",
                "queries left out, without two documents that the teacher scored",
                "queries left out, without a relevant document",
            ),
            0,
        )
        self._pools: dict[str, list[str]] = {}
        for query in collection.queries if queries is None else queries:
            if query not in collection.queries:
                raise ValueError(f"a query must be of {collection.name}, got {query}. Correct the list of queries.")
            self._add(query, None if teacher is None else teacher.get(query, {}))
        if not self.examples:
            raise ValueError(
                f"{collection.name}, {collection.direction}: there must be a relevant document to train on, got none "
                f"for {len(collection.queries if queries is None else queries)} queries. Check judgements and teacher."
            )

    def _add(self, query: str, scored: Mapping[str, float] | None) -> None:
        """Adds the examples and the pool of one query."""
        relevant, rejected = [], []
        judged = self.collection.qrels.get(query, {})
        for document, grade in sorted(judged.items()):
            if document in self.collection.documents:
                (relevant if grade > 0 else rejected).append(document)
            else:
                self.counts["relevant documents that are not in the collection"] += grade > 0
        source = "judged"
        candidates = [
            document for document in self.collection.candidates.get(query, ()) if judged.get(document, 0) < 1
        ]
        if candidates and (not rejected or self.negatives_from == "candidates"):
            source = "queries whose negatives are candidates"
            rejected = candidates
        if scored is not None:
            found = [[document for document in documents if document in scored] for documents in (relevant, rejected)]
            self.counts["documents without a score of the teacher"] += (
                len(relevant) + len(rejected) - sum(map(len, found))
            )
            if not all(found):
                self.counts["queries left out, without two documents that the teacher scored"] += 1
                return
            relevant, rejected = found
        if not relevant:
            self.counts["queries left out, without a relevant document"] += 1
            return
        if not rejected:
            source = "queries whose negatives are any documents"
        if source != "judged":
            self.counts[source] += 1
        self.counts["queries"] += 1
        self.counts["examples"] += len(relevant)
        self.examples += [(query, document) for document in relevant]
        self._pools[query] = rejected

    def negatives(self, query: str, number: int, *key: int | str) -> list[str]:
        """Documents that are not relevant to a query, each once as long as there are enough.

        Args:
            query: Of an example.
            number: How many.
            *key: What the draw follows from.

        Raises:
            ValueError: The collection has nothing but relevant documents.
        """
        pool = self._pools[query] or self._others(query, number, *key)
        order = permutation(len(pool), *key).tolist()
        return [pool[order[place % len(pool)]] for place in range(number)]

    def _others(self, query: str, number: int, *key: int | str) -> list[str]:
        ids, judged = self.collection.documents.ids, self.collection.qrels[query]
        rows = raw_draws(_DRAWS * number, *key, "others") % len(ids)
        drawn = dict.fromkeys(ids[row].as_py() for row in rows.tolist())
        others = [document for document in drawn if judged.get(document, 0) < 1][:number]
        if not others:
            raise ValueError(
                f"{self.collection.name}: a collection must have documents that are not relevant to query {query}, "
                f"got none in {_DRAWS * number} draws. Add documents."
            )
        return others
