"""Results as HTML. Whatever comes from a document or a visitor is escaped: it shows as the text that it is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from xlretrieval.inference.search import Hit

from .library import Found

# Characters of a document before and after its passage; the rest unfolds.
AROUND = 240


def show_message(text: str) -> str:
    """A sentence in the place of results."""
    return f'<p class="xl-message" role="status">{escape(text)}</p>'


def show_results(found: Found) -> str:
    """The documents with their passages, and beside them the order of the first stage."""
    if not found.hits:
        return show_message("Nothing was found. Try other words, or another index.")
    ranks = {hit.id: rank for rank, hit in enumerate(found.hits, start=1)}
    order = "Reranked" if found.reranked else "First stage"
    documents = "".join(_show_document(hit, rank, found.reranked) for rank, hit in enumerate(found.hits, start=1))
    columns = f"<section><h2>{order}</h2><ol>{documents}</ol></section>"
    if found.reranked:
        columns += (
            f"<section><h2>First stage</h2><ol>{''.join(_show_first(hit, ranks) for hit in found.first_stage)}</ol>"
            "</section>"
        )
    return f'<div class="xl-results{" xl-two" if found.reranked else ""}">{columns}</div>'


def _show_document(hit: Hit, rank: int, reranked: bool) -> str:
    """One document: rank, title, language, score, where it came from, and its text around the best passage."""
    details = [f"{hit.score:.2f}" if reranked else f"{hit.score:.4f}"]
    if reranked:
        details.append(f"first stage {hit.first_rank}{_arrow(hit.first_rank - rank)}")
    details += [f"vectors {hit.dense_rank}"] if hit.dense_rank is not None else []
    details += [f"words {hit.words_rank}"] if hit.words_rank is not None else []
    score, *origins = details
    return (
        f'<li><article><header><span class="xl-rank">{rank}</span><h3 {_lang(hit)}>{escape(_title(hit))}</h3>'
        f'{_language(hit)}<span class="xl-score" title="score">{score}</span></header>'
        f'<div class="xl-text" {_lang(hit)}>{_excerpt(hit)}</div>'
        f'<p class="xl-origins">{escape(" · ".join([hit.id, *origins]))}</p></article></li>'
    )


def _show_first(hit: Hit, ranks: dict[str, int]) -> str:
    """One line of the first stage: its rank there, the title, and the rank that the reranker gives."""
    rank = ranks.get(hit.id)
    now = f"now {rank}{_arrow(hit.first_rank - rank)}" if rank is not None else "now lower"
    return (
        f'<li><span class="xl-rank">{hit.first_rank}</span><span class="xl-name" {_lang(hit)}>{escape(_title(hit))}'
        f'</span>{_language(hit)}<span class="xl-origins">{now}</span></li>'
    )


def _arrow(places: int) -> str:
    """How many places up or down."""
    return f" ↑{places}" if places > 0 else f" ↓{-places}" if places < 0 else ""


def _title(hit: Hit) -> str:
    return hit.title or _shorten(hit.text, 60) or hit.id


def _shorten(text: str, characters: int) -> str:
    text = " ".join(text[: 4 * characters].split())
    return text if len(text) <= characters else f"{text[:characters].rsplit(' ', 1)[0]} …"


def _lang(hit: Hit) -> str:
    return f'lang="{escape(hit.language)}" dir="auto"' if hit.language else 'dir="auto"'


def _language(hit: Hit) -> str:
    return f'<span class="xl-language">{escape(hit.language)}</span>' if hit.language else ""


def _excerpt(hit: Hit) -> str:
    """The text around the passage, which is marked; what is further away unfolds."""
    start, end = hit.passage or (0, 0)
    left, right = max(0, start - AROUND), min(len(hit.text), max(end, start) + AROUND)
    # Between words, where there are some within reach.
    left = next((at for at in range(left, min(left + 40, start)) if hit.text[at - 1].isspace()), left) if left else 0
    if right < len(hit.text):
        right = next((at for at in range(right, max(right - 40, end), -1) if hit.text[at].isspace()), right)
    parts: Sequence[str] = (hit.text[left:start], hit.text[start:end], hit.text[end:right])
    before, passage, after = map(escape, parts)
    marked = f"<mark>{passage}</mark>" if passage else ""
    return _fold(hit.text[:left], "…") + before + marked + after + _fold(hit.text[right:], "…")


def _fold(text: str, name: str) -> str:
    return f"<details><summary>{name}</summary>{escape(text)}</details>" if text.strip() else ""
