"""One search: candidates of the first stage, fused, reranked, with their best passages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xlretrieval.data.languages import is_language_code
from xlretrieval.data.trec import rank_documents
from xlretrieval.data.values import is_unicode, shorten
from xlretrieval.inference.reranker import Reranker

from .fusion import fuse
from .hits import Hit
from .passages import best_passages
from .snapshot import Snapshot
from .vectors import VectorMaker

ALL_LANGUAGES = "all"


def check_search(query: str, language: str | None, top_k: int, candidates: int) -> None:
    """Raises ValueError for what cannot be searched."""
    if not isinstance(query, str) or not is_unicode(query):
        raise ValueError(
            f"query must be Unicode text, without half surrogate pairs, got {shorten(query)}. Correct it."
        )
    if not query.strip():
        raise ValueError(f"query must not be empty, got {query!r}. Write what is looked for.")
    if language not in (None, ALL_LANGUAGES) and not (isinstance(language, str) and is_language_code(language)):
        raise ValueError(f"language must be a code such as 'de', 'all' or None, got {language!r}. Correct it.")
    for name, value in (("top_k", top_k), ("candidates", candidates)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}. The defaults are 10 and 100.")


def find(
    state: Snapshot,
    vectors: VectorMaker,
    reranker: Reranker | None,
    query: str,
    language: str | None,
    top_k: int,
    candidates: int,
    passages: bool,
) -> list[Hit]:
    """What `Index.search` returns."""
    count = max(candidates, top_k)
    nearest = state.nearest(vectors.encode([query])[0][0], count)
    sharing = {code: state.sharing_words(query, code, count) for code in _codes(state, language)}
    fused = fuse([list(nearest), *map(list, sharing.values())])
    order = rank_documents(fused)[:count]
    places = {name: place for found in (nearest, *sharing.values()) for name, place in found.items()}
    score = _cosines(vectors) if reranker is None else _relevances(reranker)
    scores = {name: fused[name] for name in order}
    if reranker is not None and order:
        found = score(query, [state.document(places[name]).content for name in order])
        scores = dict(zip(order, found.tolist(), strict=True))
    best = rank_documents(scores)[:top_k]
    documents = {name: state.document(places[name]) for name in best}
    spans = best_passages(query, [documents[name] for name in best], score) if passages else [None] * len(best)
    first_ranks, dense_ranks = _ranks(order), _ranks(nearest)
    words_ranks = {name: rank for found in sharing.values() for name, rank in _ranks(found).items()}
    return [
        Hit(
            id=name,
            title=documents[name].title,
            text=documents[name].text,
            language=documents[name].language,
            score=scores[name],
            first_rank=first_ranks[name],
            dense_rank=dense_ranks.get(name),
            words_rank=words_ranks.get(name),
            passage=span,
        )
        for name, span in zip(best, spans, strict=True)
    ]


def _codes(state: Snapshot, language: str | None) -> list[str]:
    """Main codes of the languages whose documents are searched by words."""
    if language == ALL_LANGUAGES:
        return sorted({code.split("-")[0] for code in state.languages})
    return [] if language is None else [language.split("-")[0]]


def _ranks(names: Sequence[str] | dict[str, tuple[int, int]]) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(names, start=1)}


def _cosines(vectors: VectorMaker) -> Callable[[str, list[str]], np.ndarray]:
    def score(query: str, texts: list[str]) -> np.ndarray:
        found, _ = vectors.encode([query, *texts])
        return found[1:] @ found[0]

    return score


def _relevances(reranker: Reranker) -> Callable[[str, list[str]], np.ndarray]:
    return lambda query, texts: reranker.score([(query, text) for text in texts], show_progress=False)
