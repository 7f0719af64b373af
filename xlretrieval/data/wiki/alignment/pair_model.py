"""What is learned about a pair of languages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .translations import TranslationTable

# Narrower would make one article's accident a certainty.
_LEAST_DEVIATION = 0.05


@dataclass(frozen=True, slots=True)
class Spread:
    """Normal distributions of a quantity over sections that match, and over those that do not.

    The evidence is the log-likelihood ratio, which is 0 everywhere when both are the same: a signal that carries no
    information in a corpus loses its weight by itself.
    """

    match_mean: float
    match_deviation: float
    other_mean: float
    other_deviation: float

    def evidence(self, values: np.ndarray) -> np.ndarray:
        """Log-likelihood ratio, clipped to [-4, 4]."""
        match = (values - self.match_mean) / self.match_deviation
        other = (values - self.other_mean) / self.other_deviation
        ratio = (other**2 - match**2) / 2 + np.log(self.other_deviation / self.match_deviation)
        return ratio.clip(-4.0, 4.0)

    def without_evidence(self) -> Spread:
        """Both distributions the same."""
        return Spread(self.other_mean, self.other_deviation, self.other_mean, self.other_deviation)

    def learn(self, matches: np.ndarray, others: np.ndarray, prior: float = 20.0) -> Spread:
        """The distributions of what was seen; this one counts like `prior` observations of each."""
        match = _shrunk(matches, self.match_mean, self.match_deviation, prior)
        other = _shrunk(others, self.other_mean, self.other_deviation, prior)
        return Spread(*match, *other)


def _shrunk(values: np.ndarray, mean: float, deviation: float, prior: float) -> tuple[float, float]:
    count = len(values) + prior
    shrunk_mean = (values.sum() + prior * mean) / count
    squares = ((values - shrunk_mean) ** 2).sum() + prior * (deviation**2 + (mean - shrunk_mean) ** 2)
    return float(shrunk_mean), float(max(np.sqrt(squares / count), _LEAST_DEVIATION))


@dataclass(slots=True)
class PairModel:
    """What was learned about a pair of languages; what was not is at its default.

    Attributes:
        headings: Translations of whole headings.
        heading_words: Translations of their words.
        lexicon: Translations of words and numbers of the texts.
        length: Log ratio of the lengths in characters, target over source.
        position: Difference of the relative positions, target minus source.
    """

    headings: TranslationTable = field(default_factory=TranslationTable.empty)
    heading_words: TranslationTable = field(default_factory=TranslationTable.empty)
    lexicon: TranslationTable = field(default_factory=TranslationTable.empty)
    length: Spread = Spread(0.0, 0.7, 0.0, 1.2)
    position: Spread = Spread(0.0, 0.2, 0.0, 0.4)
