"""Some aligned sections of a corpus, for a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlretrieval.data.sections import SPLITS, AlignedSections, Section

from .ranked_examples import shortened

SHOWN_PAIRS = 6
SHOWN_CHARACTERS = 400


@dataclass(frozen=True)
class ShownSection:
    """A section as it is shown.

    Attributes:
        language: Its code.
        heading: Title of the article and headings, joined by ›.
        text: Its beginning.
    """

    language: str
    heading: str
    text: str


@dataclass(frozen=True)
class AlignedExample:
    """Two sections that say the same.

    Attributes:
        pair: Name of the language pair.
        score: Confidence of the alignment.
        sections: In the pair's two languages.
    """

    pair: str
    score: float
    sections: tuple[ShownSection, ShownSection]


def aligned_examples(
    folder: str | Path, per_pair: int = 1, cache_dir: str | Path | None = None
) -> list[AlignedExample]:
    """Examples of the first language pairs, held-out ones where there are any; always the same.

    Args:
        folder: The corpus.
        per_pair: How many of a pair, evenly spread over its rows.
        cache_dir: Of the corpus, see `AlignedSections.load`.

    Raises:
        ValueError: The corpus is damaged.
        OSError: It cannot be read.
    """
    corpus = AlignedSections.load(folder, cache_dir=cache_dir)
    return [example for pair in corpus.pairs[:SHOWN_PAIRS] for example in _examples(corpus, pair, per_pair)]


def _examples(corpus: AlignedSections, name: str, number: int) -> Iterator[AlignedExample]:
    pair = corpus.pair(name)
    source, target = (corpus.sections(language) for language in (pair.source_language, pair.target_language))
    rows = next((rows for split in reversed(SPLITS) if len(rows := pair.rows(split))), [])
    for index in range(min(number, len(rows))):
        row = int(rows[index * len(rows) // number])
        sections = source[int(pair.source[row])], target[int(pair.target[row])]
        yield AlignedExample(name, float(pair.score[row]), (_shown(sections[0]), _shown(sections[1])))


def _shown(section: Section) -> ShownSection:
    heading = " › ".join(part for part in (section.article_title, *section.heading_path) if part)
    return ShownSection(section.language, heading, shortened(section.text, SHOWN_CHARACTERS))
