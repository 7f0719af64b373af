"""How well two headings translate each other, by what was learned and by their letters."""

from __future__ import annotations

import numpy as np

from .overlap import incidence
from .rarity import Rarity
from .signals import Signals
from .translations import TranslationTable

# Headings and words that are the same in both languages, such as names and years, count like translations that are 50
# times likelier than by chance.
_SAME = 4.0
# What the letters of two headings of different languages have in common by chance.
_CHANCE_LIKENESS = 0.3


def heading_gains(source: np.ndarray, target: np.ndarray, table: TranslationTable) -> np.ndarray:
    """How much likelier than by chance headings translate each other: (sources, targets).

    Args:
        source: Hashes of headings, (sources,).
        target: Hashes of headings, (targets,).
        table: Translations of whole headings.
    """
    return np.maximum(table.look_up(source, target), _SAME * (source[:, None] == target[None, :]))


def heading_word_gains(
    source: Signals, target: Signals, table: TranslationTable, source_rarity: Rarity, target_rarity: Rarity
) -> np.ndarray:
    """The same by the words of the headings: (sources, targets).

    The mean over the words of a heading, weighted by rarity, of the best translation of each in the other heading; and
    the mean of both directions.
    """
    words, owners = _flat(source.heading_words)
    other_words, other_owners = _flat(target.heading_words)
    if not len(words) or not len(other_words):
        return np.zeros((len(source), len(target)))
    vocabulary, places = np.unique(words, return_inverse=True)
    other_vocabulary, other_places = np.unique(other_words, return_inverse=True)
    gains = heading_gains(vocabulary, other_vocabulary, table)[places][:, other_places]
    weights, other_weights = source_rarity.weights("words", words), target_rarity.weights("words", other_words)
    forward = _best_gains(gains, owners, other_owners, weights, (len(source), len(target)))
    backward = _best_gains(gains.T, other_owners, owners, other_weights, (len(target), len(source)))
    return (forward + backward.T) / 2


def heading_likeness(source: Signals, target: Signals) -> np.ndarray:
    """How alike headings are in letters, such as "Climate" and "Klima": (sources, targets) in [0, 1].

    Dice's coefficient of the pairs of neighbouring letters, above chance.
    """
    left, right = source.heading_letters, target.heading_letters
    shared = np.intersect1d(left.tokens, right.tokens)
    if not len(shared):
        return np.zeros((len(source), len(target)))
    both = incidence(left, shared, len(source)) @ incidence(right, shared, len(target)).T
    sizes = np.bincount(left.sections, minlength=len(source))[:, None]
    other_sizes = np.bincount(right.sections, minlength=len(target))[None, :]
    dice = 2.0 * both / np.maximum(sizes + other_sizes, 1)
    return ((dice - _CHANCE_LIKENESS) / (1.0 - _CHANCE_LIKENESS)).clip(0.0)


def _best_gains(
    gains: np.ndarray, owners: np.ndarray, other_owners: np.ndarray, weights: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Mean over the words of a heading of the best gain in each of the other headings."""
    best = np.zeros((shape[1], len(owners)))
    np.maximum.at(best, other_owners, gains.T)
    sums = np.zeros(shape)
    np.add.at(sums, owners, best.T * weights[:, None])
    return sums / np.maximum(np.bincount(owners, weights, minlength=shape[0]), 1e-9)[:, None]


def _flat(bags: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Words of all headings, and which heading each is of."""
    owners = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    return (np.concatenate(bags) if bags else np.empty(0, np.uint32)), owners
