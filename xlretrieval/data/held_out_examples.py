"""Fixed examples of a held-out split, for evaluation during training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from .directions import Direction, SplitPair
from .draws import permutation, raw_draws, to_uniform
from .examples import MIN_QUERY_CHARACTERS, QueryDocument, RankingGroup
from .sections import AlignedSections


def evaluation_groups(
    corpus: AlignedSections, pair: str, split: str, candidates: int = 20, limit: int | None = None, seed: int = 0
) -> list[RankingGroup]:
    """Fixed queries of a split with candidate documents: the positive, its hard negatives, then random others.

    Queries are asked in the two languages in turn. A smaller limit gives the first of the same groups.

    Args:
        corpus: Aligned sections.
        pair: Language pair.
        split: Split.
        candidates: Documents per query; fewer where the split has fewer.
        limit: At most so many groups, all by default.
        seed: Of the choice, the sentences and the candidates.

    Raises:
        ValueError: The split has none of this pair, or no document beside a query's own.
    """
    if candidates < 2:
        raise ValueError(
            f"candidates must be at least 2, got {candidates}. A query needs one to rank its document by."
        )
    groups = []
    for direction, index, example in _evaluation_examples(corpus, pair, split, limit, seed):
        rows = _evaluation_negatives(direction, index, candidates - 1, f"candidates/{seed}/{example.pair}")
        if not rows:
            raise ValueError(
                f"split {split!r} must have a document of {pair} beside the query's own to rank, got none in "
                f"{example.document_language!r}. Hold out more articles."
            )
        documents = [example.document, *map(direction.document_sections.text, rows)]
        languages = (example.query_language, example.document_language)
        groups.append(RankingGroup(example.query, documents, *languages, example.seed, example.pair))
    return groups


def evaluation_pairs(
    corpus: AlignedSections, pair: str, split: str, limit: int | None = None, seed: int = 0
) -> list[QueryDocument]:
    """Fixed queries of a split with their documents: those of `evaluation_groups`, for the masked words.

    Args:
        corpus: Aligned sections.
        pair: Language pair.
        split: Split.
        limit: At most so many, all by default.
        seed: Of the choice, the sentences and the masks.

    Raises:
        ValueError: The split has none of this pair.
    """
    return [example for _, _, example in _evaluation_examples(corpus, pair, split, limit, seed)]


def _evaluation_examples(
    corpus: AlignedSections, pair: str, split: str, limit: int | None, seed: int
) -> Iterator[tuple[Direction, int, QueryDocument]]:
    side = SplitPair(corpus, pair, split)
    order = permutation(len(side.indices), "evaluation", seed, side.name)[:limit]
    for number, index in enumerate(side.indices[order].tolist()):
        direction = side.directions[number % 2]
        raw = raw_draws(2, "evaluation", seed, side.name, index)
        query = direction.query(index, float(to_uniform(raw[0])), MIN_QUERY_CHARACTERS)
        documents = direction.document_sections
        document = documents.text(direction.document_rows[index])
        languages = (direction.query_sections.language, documents.language)
        yield direction, index, QueryDocument(query, document, *languages, int(raw[1]), side.name)


def _evaluation_negatives(direction: Direction, index: int, count: int, key: str) -> list[int]:
    """Rows of at most `count` documents: hard negatives in their order, then random ones of the split."""
    aligned = direction.aligned(index)
    others = direction.documents[permutation(len(direction.documents), key, index)]
    # A dict keeps the order and drops a hard negative that comes again at random.
    rows = dict.fromkeys(chain(direction.hard_negatives(index).tolist(), others.tolist()))
    return list(islice((row for row in rows if direction.may_oppose(row, aligned)), count))
