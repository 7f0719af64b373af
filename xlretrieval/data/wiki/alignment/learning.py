"""Learning about a pair of languages from the articles alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .collecting import PairCollection
from .features import evidence_of, relative_positions
from .matching import assign, confidences
from .overlap import terms_of
from .pair_model import PairModel
from .rarity import Rarity
from .signals import Signals
from .translations import Bags, TranslationTable, learn_translations
from .weights import BIAS, WEIGHTS

# Sections are learned from when the aligner is so sure of their match.
_SURE = 0.8
# Fewer pairs of sections would only confirm by their words what the other evidence said. From 50 on they find more (58
# articles: recall .84 -> .93 at a precision of .995).
_LEAST_SECTIONS = 50
# What a section contributes to word translations: the rarest of its words that stand in at least 3 sections and at
# most 5% of them. 48 on either side are 2,304 combinations for a pair of sections.
_WORDS = 48
_FEWEST = 3
_LARGEST_SHARE = 0.05
# Combinations that occur once, or are hardly likelier than by chance, are 97% of all, cost half of the time of
# aligning and make it worse (accuracy .982 instead of .985 on 4,408 English and Chinese sections).
_TOGETHER = 2
_LEAST_GAIN = 1.0


@dataclass(frozen=True, slots=True)
class _Aligned:
    """An article pair and the sections of it that match for sure."""

    source: Signals
    target: Signals
    rows: np.ndarray
    columns: np.ndarray


def learn_pair(collection: PairCollection, source: Rarity, target: Rarity, rounds: int) -> PairModel:
    """Learns headings from all articles; then, `rounds` times, the rest from the sample as aligned so far."""
    # Where positions mean nothing, believing in them at first would make the sure matches confirm it.
    model = PairModel(
        headings=learn_translations(*collection.headings()), position=PairModel().position.without_evidence()
    )
    sample = collection.sample() if rounds else []
    for _ in range(rounds):
        aligned = [_align(*pair, model, source, target) for pair in sample]
        _learn_spreads(model, aligned)
        if sum(len(pair.rows) for pair in aligned) >= _LEAST_SECTIONS:
            model.heading_words = _learn_heading_words(aligned)
            model.lexicon = _learn_lexicon(aligned)
    return model


def _align(
    source: Signals, target: Signals, model: PairModel, source_rarity: Rarity, target_rarity: Rarity
) -> _Aligned:
    evidence = evidence_of(source, target, model, source_rarity, target_rarity)
    rows, columns = assign(confidences(np.tensordot(WEIGHTS, evidence, 1) + BIAS), _SURE)
    return _Aligned(source, target, rows, columns)


def _learn_spreads(model: PairModel, aligned: list[_Aligned]) -> None:
    """Lengths and positions of the sections that match, and of the same with others.

    Leads are left out: they match without any other evidence and stand first, which says nothing about the rest.
    """
    lengths: list[list[np.ndarray]] = [[np.empty(0)], [np.empty(0)]]
    positions: list[list[np.ndarray]] = [[np.empty(0)], [np.empty(0)]]
    for pair in aligned:
        match = np.zeros((len(pair.source), len(pair.target)), bool)
        match[pair.rows, pair.columns] = True
        other = (match.any(0, keepdims=True) | match.any(1, keepdims=True)) & ~match
        headed = (pair.source.headings > 0)[:, None] & (pair.target.headings > 0)[None, :]
        length = pair.target.lengths[None, :] - pair.source.lengths[:, None]
        position = relative_positions(pair.target)[None, :] - relative_positions(pair.source)[:, None]
        for side, mask in enumerate((match, other)):
            lengths[side].append(length[mask & headed])
            positions[side].append(position[mask & headed])
    default = PairModel()
    model.length = default.length.learn(*map(np.concatenate, lengths))
    model.position = default.position.learn(*map(np.concatenate, positions))


def _learn_heading_words(aligned: list[_Aligned]) -> TranslationTable:
    source = Bags.of([pair.source.heading_words[row] for pair in aligned for row in pair.rows])
    target = Bags.of([pair.target.heading_words[column] for pair in aligned for column in pair.columns])
    return learn_translations(source, target, together=_TOGETHER)


def _learn_lexicon(aligned: list[_Aligned]) -> TranslationTable:
    source = _section_words([(pair.source, pair.rows) for pair in aligned])
    target = _section_words([(pair.target, pair.columns) for pair in aligned])
    return learn_translations(source, target, minimum=_FEWEST, together=_TOGETHER, least_gain=_LEAST_GAIN)


def _section_words(articles: list[tuple[Signals, np.ndarray]]) -> Bags:
    """A bag for each of the sections: the words that are neither too rare nor too frequent to learn from."""
    bags = []
    for article, sections in articles:
        terms = terms_of(article)
        bags.extend(terms.tokens[terms.sections == section] for section in sections)
    everything = Bags.of(bags)
    _, ids, counts = np.unique(everything.tokens, return_inverse=True, return_counts=True)
    frequency = counts[ids]
    useful = (frequency >= _FEWEST) & (frequency <= max(_LARGEST_SHARE * len(bags), _FEWEST))
    everything, frequency = everything.keep(useful), frequency[useful]
    bag = np.repeat(np.arange(len(bags)), everything.sizes)
    order = np.lexsort((everything.tokens, frequency, bag))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - (np.cumsum(everything.sizes) - everything.sizes)[bag]
    return everything.keep(rank < _WORDS)
