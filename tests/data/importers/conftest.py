"""How tests of importers read a corpus."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xlretrieval.data.sections import AlignedSections


@pytest.fixture(scope="session")
def texts_of() -> Callable[[AlignedSections, str], list[tuple]]:
    """Gives the pairs of a corpus as texts: source, target, negatives of the source side, of the target side."""

    def read(corpus: AlignedSections, name: str) -> list[tuple[str, str, list[str], list[str]]]:
        pair = corpus.pair(name)
        source, target = corpus.sections(pair.source_language), corpus.sections(pair.target_language)
        return [
            (
                source.text(pair.source[i]),
                target.text(pair.target[i]),
                [source.text(negative) for negative in pair.source_negatives(i)],
                [target.text(negative) for negative in pair.target_negatives(i)],
            )
            for i in range(len(pair))
        ]

    return read
