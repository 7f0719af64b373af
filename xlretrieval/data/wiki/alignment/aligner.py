"""Which section of an article says the same as which of the article in another language.

Nothing is given but the corpus: pairs of articles on the same subject. From these the aligner learns how headings
translate, how rare a link, a number or a word is, how lengths and positions of matching sections relate, and, from the
sections it is sure of, how words translate. Evidence is added up, turned into probabilities, and assigned one to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from xlretrieval.data.wiki.records import Article, SectionMatch

from .aligner_file import read_aligner, write_aligner
from .collecting import Corpus
from .features import FEATURES, evidence_of
from .learning import learn_pair
from .matching import assign, confidences
from .pair_model import PairModel
from .rarity import Rarity
from .signals import signals_of
from .weights import BIAS, WEIGHTS

Embed = Callable[[list[str]], np.ndarray]


class SectionAligner:
    """Aligns the sections of article pairs one to one.

    Args:
        rarities: Section frequencies by language.
        pairs: What was learned, by pair of languages in alphabetical order. A pair that is not there is aligned by
            what needs no learning: numbers, links, words that are the same in both languages.
        threshold: Least confidence of a match, in [0, 1]. Higher is more precise and finds less.
        negatives: How many hard negatives a match gets at most on either side.
        embed: Optional: embeddings of texts, one row each, of any norm, comparable across languages.

    Example:
        ```python
        aligner = SectionAligner.fit(pairs)
        for source, target in pairs:
            for match in aligner.align(source, target):
                print(source.sections[match.source].heading_path, target.sections[match.target].heading_path)
        ```
    """

    def __init__(
        self,
        rarities: dict[str, Rarity] | None = None,
        pairs: dict[tuple[str, str], PairModel] | None = None,
        threshold: float = 0.5,
        negatives: int = 8,
        embed: Embed | None = None,
    ):
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be in [0, 1], got {threshold}. Correct it.")
        if negatives < 0:
            raise ValueError(f"negatives must not be negative, got {negatives}. Use 0 for none.")
        self.rarities = {} if rarities is None else rarities
        self.pairs = {} if pairs is None else pairs
        self.threshold = threshold
        self.negatives = negatives
        self.embed = embed

    @classmethod
    def fit(
        cls,
        pairs: Iterable[tuple[Article, Article]],
        threshold: float = 0.5,
        negatives: int = 8,
        embed: Embed | None = None,
        sample: int = 4000,
        rounds: int = 3,
    ) -> SectionAligner:
        """Learns from article pairs, which are read once; their sections need not be aligned.

        The order of the pairs makes no difference.

        Args:
            pairs: Articles on the same subject in two languages; several pairs of languages may be mixed.
            threshold: See the class.
            negatives: See the class.
            embed: See the class.
            sample: Article pairs by pair of languages that word translations, lengths and positions are learned from;
                about 50 kB of memory each. Headings and rarity are learned from all.
            rounds: How often the sample is aligned to learn from it. 0 learns headings and rarity only.

        Raises:
            ValueError: An option is out of its range.
        """
        for name, value in (("sample", sample), ("rounds", rounds)):
            if value < 0:
                raise ValueError(
                    f"{name} must not be negative, got {value}. Use 0 to learn from headings and rarity only."
                )
        corpus = Corpus(sample)
        aligner = cls(corpus.rarities, {}, threshold, negatives, embed)
        for first, second in pairs:
            source, target = (first, second) if _in_order(first, second) else (second, first)
            corpus.add(source.article_id, signals_of(source), signals_of(target))
        for languages in sorted(corpus.pairs):
            aligner.pairs[languages] = learn_pair(corpus.pairs[languages], *_of(corpus.rarities, languages), rounds)
        return aligner

    def confidences(self, source: Article, target: Article) -> np.ndarray:
        """Confidence of every combination of sections, in [0, 1]: (source sections, target sections)."""
        if not _in_order(source, target):
            return self.confidences(target, source).T
        signals = signals_of(source), signals_of(target)
        languages = source.language, target.language
        model = self.pairs.get(languages) or PairModel()
        evidence = evidence_of(*signals, model, *_of(self.rarities, languages))
        if self.embed is not None and evidence.size:
            evidence[FEATURES.index("embedding")] = _cosines(self.embed, source, target)
        return confidences(np.tensordot(WEIGHTS, evidence, 1) + BIAS)

    def align(self, source: Article, target: Article) -> list[SectionMatch]:
        """The sections that match, one to one, in the order of the source.

        Args:
            source: An article.
            target: The same in another language.

        Returns:
            The matches with a confidence of at least the threshold, each with its hard negatives: the other sections
            of the same article, most similar first, then nearest; never one with the text of the positive.
        """
        if not _in_order(source, target):
            swapped = self.align(target, source)
            matches = [
                SectionMatch(m.target, m.source, m.score, m.target_negatives, m.source_negatives) for m in swapped
            ]
            return sorted(matches, key=lambda match: match.source)
        scores = self.confidences(source, target)
        matches = []
        for row, column in zip(*assign(scores, self.threshold), strict=True):
            source_negatives = self._nearest(scores[:, column], int(row), source)
            target_negatives = self._nearest(scores[row], int(column), target)
            score = float(scores[row, column])
            matches.append(SectionMatch(int(row), int(column), score, source_negatives, target_negatives))
        return matches

    def _nearest(self, scores: np.ndarray, positive: int, article: Article) -> tuple[int, ...]:
        distance = np.abs(np.arange(len(scores)) - positive)
        order = np.lexsort((np.arange(len(scores)), distance, -scores)).tolist()
        text = article.sections[positive].text
        others = (index for index in order if index != positive and article.sections[index].text != text)
        return tuple(others)[: self.negatives]

    def save(self, path: str | Path) -> None:
        """Writes what was learned, whole or not at all; the same bytes for the same aligner.

        `embed` is not saved.
        """
        settings = {"threshold": self.threshold, "negatives": self.negatives}
        write_aligner(path, self.rarities, self.pairs, settings)

    @classmethod
    def load(cls, path: str | Path, embed: Embed | None = None) -> SectionAligner:
        """Reads what `save` wrote.

        Raises:
            ValueError: The file is no aligner, or one of another version.
            OSError: The file cannot be read.
        """
        rarities, pairs, settings = read_aligner(path)
        return cls(rarities, pairs, settings["threshold"], settings["negatives"], embed)


def _in_order(first: Article, second: Article) -> bool:
    """Whether the first is the source: what is learned is kept in one direction, and used in both."""
    return _place(first) <= _place(second)


def _place(article: Article) -> tuple[str, str, int, int, list[str]]:
    texts = [section.text for section in article.sections]
    return article.language, article.title, article.page_id, len(texts), texts


def _of(rarities: dict[str, Rarity], languages: tuple[str, str]) -> tuple[Rarity, Rarity]:
    source, target = (rarities.get(language) or Rarity() for language in languages)
    return source, target


def _cosines(embed: Embed, source: Article, target: Article) -> np.ndarray:
    """Cosines, relative to how similar the sections of the two articles are anyway."""
    texts = [section.text for article in (source, target) for section in article.sections]
    rows = np.asarray(embed(texts), dtype=np.float64)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    cosines = rows[: len(source.sections)] @ rows[len(source.sections) :].T
    return cosines - (cosines.mean(0, keepdims=True) + cosines.mean(1, keepdims=True)) / 2
