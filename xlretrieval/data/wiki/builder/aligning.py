"""Learning how the sections of a language pair align, and aligning them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from xlretrieval.data.wiki.alignment.aligner import Embed, SectionAligner
from xlretrieval.data.wiki.records import Article

from .candidates import SECTIONS_PER_PAGE, Candidates
from .shards import writing, writing_shard

PAIRS = pa.schema(
    {
        "item": pa.int64(),
        "source": pa.int64(),
        "target": pa.int64(),
        "score": pa.float32(),
        "source_negatives": pa.list_(pa.int64()),
        "target_negatives": pa.list_(pa.int64()),
    }
)


def section_key(page_id: int, number: int) -> int:
    """A section of a wiki as one number, until it has a row."""
    return page_id * SECTIONS_PER_PAGE + number


def split_key(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pages and numbers of sections."""
    return np.divmod(keys, SECTIONS_PER_PAGE)


class Fit:
    """Learns the alignment of a language pair from a sample of its articles.

    Args:
        candidates: Arguments of `Candidates`.
        buckets: How many buckets there are.
        articles: How many article pairs to learn from at most.
        threshold: Least confidence of a match.
        negatives: Most hard negatives of a match.
        embed: Embeddings of texts, as one more thing to go by.
    """

    def __init__(
        self,
        candidates: dict[str, Any],
        buckets: int,
        articles: int,
        threshold: float,
        negatives: int,
        embed: Embed | None = None,
    ):
        self._candidates = Candidates(**candidates)
        self._buckets, self._articles = buckets, articles
        self._options: dict[str, Any] = {"threshold": threshold, "negatives": negatives, "embed": embed}

    def __call__(self, languages: list[str], output: str) -> dict[str, Any]:
        """Writes what was learned of two languages to `output`."""
        counts: Counter[str] = Counter()
        aligner = SectionAligner.fit(self._sample((languages[0], languages[1]), counts), **self._options)
        with writing(Path(output)) as partial:
            aligner.save(partial)
        return {"article pairs learned from": counts["taken"]}

    def _sample(self, languages: tuple[str, str], counts: Counter[str]) -> Iterator[tuple[Article, Article]]:
        # Items fall into buckets by their last digits, so the first buckets are a fair sample.
        for bucket in range(self._buckets):
            for _, source, target in self._candidates.article_pairs(languages, bucket, Counter()):
                if counts["taken"] == self._articles:
                    return
                counts["taken"] += 1
                yield source, target


class Align:
    """Aligns the articles of a bucket.

    Args:
        candidates: Arguments of `Candidates`.
        aligners: Pair -> file of what was learned of it.
        embed: As in `Fit`.
    """

    def __init__(self, candidates: dict[str, Any], aligners: dict[str, str], embed: Embed | None = None):
        self._candidates = Candidates(**candidates)
        self._files, self._embed = aligners, embed
        self._aligners: dict[str, SectionAligner] = {}

    def __call__(self, pair: str, languages: list[str], bucket: int, output: str) -> dict[str, Any]:
        """Writes the aligned sections of a bucket into the shard `output`."""
        if pair not in self._aligners:
            self._aligners[pair] = SectionAligner.load(self._files[pair], self._embed)
        counts: Counter[str] = Counter()
        articles = self._candidates.article_pairs((languages[0], languages[1]), bucket, counts)
        rows = [row for pair_of_articles in articles for row in self._rows(pair, *pair_of_articles, counts)]
        stored: dict[str, Any] = {}
        with writing_shard(Path(output), PAIRS, stored) as writer:
            writer.write_table(pa.Table.from_pylist(rows, PAIRS))
            stored |= dict(sorted(counts.items()))
        return stored

    def _rows(
        self, pair: str, item: int, source: Article, target: Article, counts: Counter[str]
    ) -> Iterator[dict[str, Any]]:
        matches = self._aligners[pair].align(source, target)
        counts["pairs of sections"] += len(matches)
        counts["article pairs without a pair of sections"] += not matches
        for match in matches:
            yield {
                "item": item,
                "source": _key(source, match.source),
                "target": _key(target, match.target),
                "score": match.score,
                "source_negatives": [_key(source, index) for index in match.source_negatives],
                "target_negatives": [_key(target, index) for index in match.target_negatives],
            }


def _key(article: Article, index: int) -> int:
    return section_key(article.page_id, article.sections[index].number)
