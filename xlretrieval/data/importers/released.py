"""Import of the pickles released in 2021."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from xlretrieval.data.languages import parse_pair
from xlretrieval.data.progress import progress_bars
from xlretrieval.data.schema import Section
from xlretrieval.data.writing import AlignedSectionsWriter

from .counts import ImportCounts, Tally, print_counts
from .derived_articles import derive_articles, warn_of_giant
from .options import ImportOptions
from .released_files import read_alignment, read_texts, released_directory
from .released_pairs import ReleasedSide, merge_directions


def import_released(
    folder: str | Path,
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
    """Makes aligned sections from the pickles released in 2021.

    One directory per pair, such as `enfr/`, with `en_np.pkl`, `en_text.pkl`, `fr_np.pkl` and `fr_text.pkl`:
    `<lang>_text.pkl` is `{section id: text}` and `<lang>_np.pkl` is `{section id: {"p": id, "n": [ids]}}`, the
    positive and the hard negatives in the other language. `read_plain_pickle` reads them and executes nothing.

    Both directions are merged into one set of pairs. A pair that one direction gives and the other contradicts is kept
    (with the negatives of the direction that gives it) and counted. A section with the same id and text in several
    directories becomes one row; with another text, another row.

    Articles are not part of the release. They are taken to be the connected components of the sections of all
    requested pairs over positives and hard negatives, so that no split separates a section from its hard negatives.

    Args:
        folder: Folder with the directories of the pairs.
        pairs: Language pairs to read, such as ["en-fr"]; the directory may be `enfr` or `fren`.
        output: The folder to write.
        validation: Fraction of articles in the validation split.
        test: Fraction of articles in the test split.
        seed: Seed of the split.
        min_characters: Shortest section to keep, in characters without surrounding white space.
        max_negatives: Most hard negatives of a pair, on each side; the first ones are kept.
        overwrite: Replace a corpus that is already at `output`.

    Returns:
        What was read, kept and dropped; it is printed and stands in the provenance as well.

    Raises:
        FileNotFoundError: A file does not exist.
        ValueError: A pickle is damaged or holds more than plain data, an entry has another shape, a section of a pair
            has no text (the message names file, entry and section id), or an argument is out of range.
    """
    options = ImportOptions(pairs, validation, test, seed, min_characters, max_negatives)
    codes = {name: parse_pair(name) for name in pairs}
    places = {name: released_directory(Path(folder), codes[name]) for name in pairs}
    tally = Tally()
    with AlignedSectionsWriter(output, overwrite) as writer, progress_bars() as bars:
        task = bars.add_task("reading", total=4 * len(pairs))
        alignments = {}
        for name in pairs:
            for code in codes[name]:
                alignments[name, code] = read_alignment(places[name] / f"{code}_np.pkl")
                bars.advance(task)
        articles, largest = derive_articles(
            [(a, b, alignments[name, a]) for name in pairs for a, b in (codes[name], codes[name][::-1])]
        )
        warn_of_giant(largest, len(articles))

        def split_of(language: str, section: str) -> str:
            return options.split(articles[language, section])

        store = _TextStore(writer, articles, options, tally)
        for name in pairs:
            sides = []
            for code in codes[name]:
                path = places[name] / f"{code}_text.pkl"
                texts = read_texts(path)
                rows = store.add(code, texts, places[name].name)
                sides.append(ReleasedSide(code, alignments[name, code], path, texts, rows))
                bars.advance(task)
            writer.add_pairs(name, merge_directions(*sides, split_of, max_negatives, tally.notes))
        tally.notes["sections in the largest derived article"] = largest
        counts = tally.finish(writer, "released", {"folder": str(folder), **asdict(options)})
    print_counts(counts)
    return counts


class _TextStore:
    """Adds the texts of released directories to a corpus: the same section of two directories once.

    Args:
        writer: Of the corpus.
        articles: (language, section id) -> article id.
        options: Say which texts are too short.
        tally: Counts what is read and dropped.
    """

    def __init__(
        self,
        writer: AlignedSectionsWriter,
        articles: Mapping[tuple[str, str], str],
        options: ImportOptions,
        tally: Tally,
    ):
        self._writer, self._articles, self._options, self._tally = writer, articles, options, tally
        self._known: dict[tuple[str, str], tuple[int, int]] = {}  # (language, section id) -> row, hash of the text

    def add(self, language: str, texts: Mapping[str, str], directory: str) -> dict[str, int]:
        """Returns the row of every section whose text is long enough."""
        rows = {}
        for section, text in texts.items():
            self._tally.read += 1
            row, text_hash = self._known.get((language, section), (None, None))
            if reason := self._options.reason_to_drop(text):
                self._tally.dropped[reason] += 1
            elif row is not None and text_hash == hash(text):
                self._tally.dropped["same in several pairs"] += 1
                rows[section] = row
            else:
                unique = section if row is None else f"{section}@{directory}"
                self._tally.notes["section id that has another text in another pair"] += row is not None
                # A text that no positive or negative names has no article; it is dropped as unaligned in the end.
                article = self._articles.get((language, section), "")
                added = self._writer.add_sections(language, [Section(unique, language, article, "", (), text)])
                rows[section] = added[0]
                self._known.setdefault((language, section), (added[0], hash(text)))
        return rows
