"""A ranking task made of held-out aligned sections: find the section that a sentence in another language is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from xlretrieval.data.examples import pick_sentence
from xlretrieval.data.sections import AlignedSections, SectionTable
from xlretrieval.inference.distributed import encode_once
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker

from .ranking import Qrels, Run

# Shorter sentences, "See also.", are queries only where a section has no longer one; as in pretraining.
MIN_QUERY_CHARACTERS = 10


@dataclass(frozen=True)
class RankingTask:
    """Queries, each with its own candidates.

    Args:
        languages: Of the queries and of the documents.
        queries: Query id -> text.
        documents: Document id -> text.
        candidates: Query id -> document ids to rank.
        qrels: Query id -> document id -> 1; candidates that are not in it are not relevant.
        dropped: Reason -> number of held-out pairs that gave no query.
        short: Number of queries with fewer candidates than asked for, for want of sections.
    """

    languages: tuple[str, str]
    queries: dict[str, str]
    documents: Mapping[str, str]
    candidates: dict[str, list[str]]
    qrels: Qrels
    dropped: dict[str, int] = field(default_factory=dict)
    short: int = 0

    @property
    def name(self) -> str:
        """`"en-fr"`: English queries, French documents."""
        return "-".join(self.languages)


@dataclass(frozen=True)
class _Side:
    """One direction of a pair table: which sections ask, which answer."""

    query_sections: SectionTable
    document_sections: SectionTable
    query_rows: np.ndarray
    document_rows: np.ndarray
    negatives: dict[int, np.ndarray]

    def positives(self, pair: int) -> set[int]:
        """All sections aligned with this one in any split: none of them may serve as a negative."""
        return set(self.document_rows[self.query_rows == self.query_rows[pair]].tolist())


def _generator(seed: int, index: int) -> np.random.Generator:
    """Random numbers that follow from (seed, index) alone, so no draw depends on how many came before it."""
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))


def _random_sentence(sections: SectionTable, row: int, rng: np.random.Generator) -> str | None:
    """One sentence, drawn as in pretraining, or None when the section has not one letter."""
    sentence = pick_sentence(sections.text(row), sections.language, rng.random(), MIN_QUERY_CHARACTERS)
    return sentence if any(map(str.isalpha, sentence)) else None


def _draw_negatives(side: _Side, pair: int, pool: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Hard negatives, then random ones from the pool: each row once, no positive, no text of the positive."""
    seen = side.positives(pair)
    positive_text = side.document_sections.text(side.document_rows[pair]).strip()
    for row in (*side.negatives.get(pair, ()), *rng.permutation(pool)):
        if int(row) not in seen and side.document_sections.text(row).strip() != positive_text:
            seen.add(int(row))
            yield int(row)


def _build(side: _Side, chosen: np.ndarray, pool: np.ndarray, candidates: int, seed: int) -> RankingTask:
    languages = side.query_sections.language, side.document_sections.language
    name = "-".join(languages)
    queries: dict[str, str] = {}
    documents: dict[str, str] = {}
    listed: dict[str, list[str]] = {}
    qrels: Qrels = {}
    dropped: dict[str, int] = {}
    short = 0
    for pair in map(int, chosen):
        rng = _generator(seed, pair)
        query = _random_sentence(side.query_sections, side.query_rows[pair], rng)
        positive = int(side.document_rows[pair])
        rows = [positive, *islice(_draw_negatives(side, pair, pool, rng), candidates - 1)]
        if query is None or len(rows) == 1:
            reason = "no sentence" if query is None else "no other section"
            dropped[reason] = dropped.get(reason, 0) + 1
            continue
        short += len(rows) < candidates
        # Shuffled: were the relevant document always first, a scorer that gives all the same would look perfect.
        ids = {row: f"{languages[1]}.{row}" for row in rng.permutation(rows).tolist()}
        query_id = f"{name}.{pair}"
        queries[query_id] = query
        documents |= {document: side.document_sections.text(row) for row, document in ids.items()}
        listed[query_id] = list(ids.values())
        qrels[query_id] = {ids[positive]: 1}
    if not queries:
        raise ValueError(
            f"{name}: held-out pairs must give at least one query, got none of {len(chosen)} ({dropped}). "
            "Choose another split, or build the corpus with more held-out articles."
        )
    return RankingTask(languages, queries, documents, listed, qrels, dropped, short)


def held_out_candidates(
    corpus: AlignedSections,
    pair: str,
    split: str = "test",
    queries: int = 500,
    candidates: int = 20,
    hard: bool = True,
    seed: int = 0,
) -> tuple[RankingTask, RankingTask]:
    """Builds a ranking task per direction from the held-out pairs of two languages.

    For pair i, the query is one random sentence of the section in one language. The candidates are the aligned section
    in the other language and others of that language: first the pair's hard negatives (sections of the same article,
    mostly), then random sections of the same split. No section occurs twice, none aligned with the query's section or
    with the text of the aligned one serves as a negative.

    The query of pair i follows from (seed, i) alone; with more queries, the earlier choice of pairs is kept.

    Args:
        corpus: The corpus.
        pair: `"en-fr"`, in either order.
        split: Which split is held out.
        queries: Most queries per direction; the pairs are chosen by the seed.
        candidates: Documents per query, the relevant one included.
        hard: Whether hard negatives are among them.
        seed: Of all draws.

    Returns:
        The task from the corpus's first language to its second, and the one back.

    Raises:
        ValueError: No such pair or split, the split gives no query, or a number is too small.
    """
    if queries < 1 or candidates < 2 or seed < 0:
        raise ValueError(
            f"queries must be at least 1, candidates at least 2 and seed at least 0, got {queries}, {candidates} and "
            f"{seed}. The defaults are 500, 20 and 0."
        )
    table = corpus.pair(pair)
    held_out = table.rows(split)
    # The largest index is no pair's, so these draws are independent of those of any query.
    chosen = _generator(seed, 2**64 - 1).permutation(held_out)[:queries]
    source, target = corpus.sections(table.source_language), corpus.sections(table.target_language)
    source_negatives = {int(row): table.source_negatives(row) for row in chosen} if hard else {}
    target_negatives = {int(row): table.target_negatives(row) for row in chosen} if hard else {}
    forward = _Side(source, target, table.source, table.target, target_negatives)
    backward = _Side(target, source, table.target, table.source, source_negatives)
    return (
        _build(forward, chosen, np.unique(table.target[held_out]), candidates, seed),
        _build(backward, chosen, np.unique(table.source[held_out]), candidates, seed),
    )


def rank_candidates(reranker: Reranker, task: RankingTask, **options: object) -> Run:
    """Scores every candidate of every query.

    Args:
        reranker: The reranker.
        task: The task.
        **options: For `Reranker.score`: `batch_tokens`, `show_progress`.

    Returns:
        Query id -> document id -> logit.
    """
    ids = [(query, document) for query, documents in task.candidates.items() for document in documents]
    scores = reranker.score([(task.queries[query], task.documents[document]) for query, document in ids], **options)
    run: Run = {}
    for (query, document), score in zip(ids, scores.tolist(), strict=True):
        run.setdefault(query, {})[document] = score
    return run


def rank_candidates_by_embedding(encoder: Encoder, task: RankingTask, **options: object) -> Run:
    """Scores candidates by the cosine of query and document: for encoders without a trained relevance head.

    Processes of a group share the texts, and all get the run.

    Args:
        encoder: The encoder. Its `truncated` then counts documents and queries.
        task: The task.
        **options: For `Encoder.encode`: `pooling`, `layer`, `max_length`, `batch_tokens`, `show_progress`.

    Returns:
        Query id -> document id -> cosine.
    """
    texts = [*task.queries.values(), *task.documents.values()]
    vectors = encode_once(encoder, texts, **options | {"normalize": True})
    vector = dict(zip((*task.queries, *task.documents), vectors, strict=True))
    return {
        query: {document: float(vector[query] @ vector[document]) for document in documents}
        for query, documents in task.candidates.items()
    }
