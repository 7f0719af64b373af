"""How much two sections share: the same tokens, or tokens that translate each other."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from .rarity import Rarity
from .signals import Signals, TokenTable
from .translations import TranslationTable

# The most links between the tokens of two articles, the heaviest first. Articles of 60 sections have about 2,000; with
# 500 on either side an alignment then takes half a second.
_MOST_LINKS = 4096


def token_overlap(
    kind: str, source: Signals, target: Signals, source_rarity: Rarity, target_rarity: Rarity
) -> np.ndarray:
    """Evidence of the tokens that both sections have: (sources, targets)."""
    left, right = source.tables[kind], target.tables[kind]
    shared = np.intersect1d(left.tokens, right.tokens)
    weights = (source_rarity.weights(kind, shared) + target_rarity.weights(kind, shared)) / 2
    kept = _heaviest(weights)
    shared, weights = shared[kept], weights[kept]
    if not len(shared):
        return np.zeros((len(source), len(target)))
    rows, columns = incidence(left, shared, len(source)), incidence(right, shared, len(target))
    weights = weights * _scarcity(rows.sum(0) * columns.sum(0), rows, columns)
    return _evidence(rows * weights, columns, weights)


def lexicon_overlap(source: Signals, target: Signals, lexicon: TranslationTable) -> np.ndarray:
    """Evidence of the words and numbers that translate each other: (sources, targets)."""
    left, right = terms_of(source), terms_of(target)
    tokens, translations, gains = lexicon.entries_of(np.unique(left.tokens))
    there = np.flatnonzero(np.isin(translations, right.tokens))
    there = there[_heaviest(gains[there])]
    if not len(there):
        return np.zeros((len(source), len(target)))
    vocabulary, places = np.unique(tokens[there], return_inverse=True)
    other_vocabulary, other_places = np.unique(translations[there], return_inverse=True)
    rows, columns = incidence(left, vocabulary, len(source)), incidence(right, other_vocabulary, len(target))
    together = rows.sum(0)[places] * columns.sum(0)[other_places]
    weights = gains[there] * _scarcity(together, rows, columns)
    links = csr_array((weights, (places, other_places)), shape=(len(vocabulary), len(other_vocabulary)))
    return _evidence((links.T @ rows.T).T, columns, links.sum(axis=0))


def terms_of(article: Signals) -> TokenTable:
    """Words and numbers in one table: what is "October" here may be "10" there."""
    tables = [article.tables["words"], article.tables["numbers"]]
    tokens = np.concatenate([table.tokens for table in tables])
    order = np.argsort(tokens, kind="stable")
    return TokenTable(tokens[order], np.concatenate([table.sections for table in tables])[order])


def incidence(table: TokenTable, vocabulary: np.ndarray, sections: int) -> np.ndarray:
    """Which section has which token of an ascending vocabulary, one or zero: (sections, tokens)."""
    places = np.minimum(np.searchsorted(vocabulary, table.tokens), len(vocabulary) - 1)
    known = vocabulary[places] == table.tokens
    matrix = np.zeros((sections, len(vocabulary)))
    matrix[table.sections[known], places[known]] = 1.0
    return matrix


def _heaviest(weights: np.ndarray) -> np.ndarray:
    """Places of the largest weights, ascending."""
    return np.sort(np.argsort(-weights, kind="stable")[:_MOST_LINKS])


def _scarcity(together: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What to multiply weights by: a token in all sections of two articles does not tell which of them match.

    Args:
        together: In how many combinations of sections each link occurs, (links,).
        rows: Incidence of the one article, (sources, tokens).
        columns: Incidence of the other, (targets, tokens).
    """
    return -np.log(together / ((len(rows) + 1) * (len(columns) + 1))) / 2


def _evidence(weighted: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The logarithm of what two sections share, times its share of all that could be: (sources, targets).

    Long sections share much by chance, short ones share a large part of little.

    Args:
        weighted: Incidence of the tokens of the other article that a section is linked to, times their weights,
            (sources, tokens).
        columns: Incidence of the other article, (targets, tokens).
        weights: The weights, (tokens,).
    """
    shared = weighted @ columns.T
    possible = np.sqrt(np.outer(weighted.sum(axis=1), columns @ weights))
    return np.log1p(shared) * shared / np.maximum(possible, 1e-6)
