"""Import of JSONL rows."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from xlretrieval.data.languages import pair_readings, parse_pair
from xlretrieval.data.progress import progress_bars, track
from xlretrieval.data.schema import AlignedPair, Section
from xlretrieval.data.writing import AlignedSectionsWriter

from .counts import ImportCounts, Tally, print_counts
from .options import ImportOptions
from .rows import JsonlRow, read_jsonl

# A negative that is further away in its document than this is no longer hard; it also bounds the search in a document
# of many equal sections.
_FARTHEST_NEGATIVE = 64


class _Language:
    """What is remembered of the sections of one language while the texts are already on disk."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], int] = {}  # (article, section) -> row
        self.of_article: dict[int, list[int]] = {}  # article -> its rows, in reading order
        self.places = array("q")  # row -> place in its article
        self.text_hashes = array("q")

    def add(self, article: int, section: str, text: str) -> bool:
        """False when the section is there already."""
        if (article, section) in self.rows:
            return False
        siblings = self.of_article.setdefault(article, [])
        self.places.append(len(siblings))
        siblings.append(len(self.rows))
        self.rows[article, section] = len(self.rows)
        self.text_hashes.append(hash(text))
        return True

    def nearest(self, article: int, row: int, count: int) -> list[int]:
        """The other sections of the article with other texts, nearest first (of two as near, the following one)."""
        siblings, place, text_hash, found = self.of_article[article], self.places[row], self.text_hashes[row], []
        for distance in range(1, min(len(siblings), _FARTHEST_NEGATIVE + 1)):
            for other in (place + distance, place - distance):
                if len(found) == count:
                    return found
                if 0 <= other < len(siblings) and self.text_hashes[siblings[other]] != text_hash:
                    found.append(siblings[other])
        return found


def import_jsonl(
    files: Sequence[str | Path],
    pairs: Sequence[str],
    output: str | Path,
    *,
    validation: float = 0.01,
    test: float = 0.01,
    seed: int = 0,
    min_characters: int = 1,
    max_negatives: int = 8,
    overwrite: bool = False,
) -> ImportCounts:
    """Makes aligned sections from JSONL rows: two languages align where (corpus, doc, sec) are equal.

    An article is a (corpus, doc). The hard negatives of a pair are the sections of the same document that stand
    nearest to the positive in reading order, at most 64 sections away, without those whose text is that of the
    positive. They need not be aligned themselves. A section is kept when it stands in a pair or is a negative of one;
    the others are counted as "unaligned". Texts go to disk as they are read: memory grows by less than 1 kB a section.

    Args:
        files: JSONL files, plain or gzip; see `read_jsonl` for the rows. One file may hold several languages.
        pairs: Language pairs to make, such as ["en-fr", "en-de"].
        output: The folder to write.
        validation: Fraction of articles in the validation split.
        test: Fraction of articles in the test split.
        seed: Seed of the split.
        min_characters: Shortest section to keep, in characters without surrounding white space.
        max_negatives: Most hard negatives of a pair, on each side.
        overwrite: Replace a corpus that is already at `output`.

    Returns:
        What was read, kept and dropped; it is printed and stands in the provenance as well.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A row is bad (the message names file and line), a language of a pair is in no file, two languages
            have no section in common, or an argument is out of range.
    """
    if isinstance(files, (str, Path)):
        raise ValueError(f"files must be a list of files, got {str(files)!r}. Put it into a list.")
    for path in files:
        Path(path).stat()  # a slip in the last file's name should not show after an hour of reading the others
    options = ImportOptions(pairs, validation, test, seed, min_characters, max_negatives)
    # A name like "en-pt-br" is only decided by the languages that turn up.
    wanted = {code for name in pairs for reading in pair_readings(name) for code in reading}
    articles: dict[tuple[str, str], int] = {}
    splits: list[str] = []  # of every article
    languages: dict[str, _Language] = {}
    tally = Tally()
    with AlignedSectionsWriter(output, overwrite) as writer, progress_bars() as bars:
        for row in (row for path in files for row in track(bars, read_jsonl(path), f"reading {path}")):
            tally.read += 1
            if reason := _reason_to_drop(row, wanted, options):
                tally.dropped[reason] += 1
                continue
            article = articles.setdefault((row.corpus, row.document), len(articles))
            if article == len(splits):
                splits.append(options.split(row.article_id))
            if not languages.setdefault(row.language, _Language()).add(article, sys.intern(row.section), row.text):
                tally.dropped["duplicate"] += 1
                continue
            section_id = f"{row.article_id}#{row.section}"
            section = Section(section_id, row.language, row.article_id, row.document_title, row.heading_path, row.text)
            writer.add_sections(row.language, [section])
        for name in pairs:
            source, target = _languages_of(name, languages)
            aligned = _align_rows(name, source, target, splits, max_negatives, tally.notes)
            writer.add_pairs(name, track(bars, aligned, f"aligning {name}"))
        counts = tally.finish(writer, "jsonl", {"files": list(map(str, files)), **asdict(options)})
    print_counts(counts)
    return counts


def _reason_to_drop(row: JsonlRow | None, wanted: set[str], options: ImportOptions) -> str | None:
    if row is None:
        return "blank line"
    if row.language not in wanted:
        return "language of no requested pair"
    return options.reason_to_drop(row.text)


def _languages_of(name: str, languages: Mapping[str, _Language]) -> tuple[_Language, _Language]:
    codes = parse_pair(name, languages)
    for code in codes:
        if code not in languages:
            found = ", ".join(sorted(languages)) or "none"
            raise ValueError(
                f"pair {name!r} must be of languages that are in the files, got no section in {code!r} (of the "
                f"languages asked for there are: {found}). Add the file with it."
            )
    return languages[codes[0]], languages[codes[1]]


def _align_rows(
    name: str,
    source: _Language,
    target: _Language,
    splits: Sequence[str],
    max_negatives: int,
    notes: Counter[str],
) -> Iterator[AlignedPair]:
    if source.rows.keys().isdisjoint(target.rows):
        raise ValueError(
            f"pair {name!r} must have sections with the same corpus, doc and sec in both languages, got none. "
            "Check that both sides name their documents and sections alike."
        )
    for (article, section), row in source.rows.items():
        other = target.rows.get((article, section))
        if other is not None:
            # Untranslated text, of which manuals are full. Kept: a list or a formula is right in any language.
            notes["pair with the same text on both sides"] += source.text_hashes[row] == target.text_hashes[other]
            yield AlignedPair(
                source=row,
                target=other,
                source_negatives=source.nearest(article, row, max_negatives),
                target_negatives=target.nearest(article, other, max_negatives),
                split=splits[article],
            )
