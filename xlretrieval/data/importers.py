"""Importers of aligned sections: JSONL rows, and the pickles released in 2021.

Both write the folder described in `xlretrieval.data.sections`. What is dropped is counted by reason, printed, and kept
in the folder's provenance; `read` is always the sections kept plus the sections dropped.
"""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import reprlib
import sys
import warnings
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from .files import read_lines
from .sections import (
    AlignedPair,
    AlignedSectionsWriter,
    Section,
    assign_split,
    check_fractions,
    is_language_code,
    pair_readings,
    parse_pair,
)

_Item = TypeVar("_Item")

# A negative that is further away in its document than this is no longer hard; it also bounds the search in a document
# of many equal sections.
_FARTHEST_NEGATIVE = 64


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import read, kept and dropped.

    Attributes:
        read: Sections read (rows of JSONL, texts of pickles).
        sections: Sections kept, per language.
        pairs: Pairs kept, per pair and split.
        dropped: Sections dropped, per reason.
        notes: What else is worth knowing, such as hard negatives left out, per reason.
    """

    read: int
    sections: dict[str, int]
    pairs: dict[str, dict[str, int]]
    dropped: dict[str, int]
    notes: dict[str, int]


# Not repr: on lists nested thousands deep, which a file can hold, it ends in a RecursionError.
_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = 60
shorten = _shortener.repr


# JSONL


class JsonlRow(NamedTuple):
    """One row of a JSONL file, checked."""

    corpus: str
    document: str
    section: str
    language: str
    document_title: str
    heading_path: tuple[str, ...]
    text: str

    @property
    def article_id(self) -> str:
        """The document within its corpus; the same in all languages."""
        return f"{self.corpus}/{self.document}" if self.corpus else self.document


_REQUIRED: dict[str, tuple[type, ...]] = {
    "doc": (str, int),
    "sec": (str, int),
    "lang": (str,),
    "doctitle": (str,),
    "text": (str,),
}
_OPTIONAL = ("corpus", "heading", "title")


def _parse_row(line: str, where: str) -> JsonlRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{where}: row must be valid JSON, got {shorten(line)} ({error}). Correct the line."
        ) from error
    if not isinstance(row, dict):
        raise ValueError(f"{where}: row must be a JSON object, got {shorten(row)}. Write one object a line.")
    for key, types in _REQUIRED.items():
        if key not in row:
            raise ValueError(f"{where}: row must have the field {key!r}, got {shorten(list(row))}. Add it.")
        # An exact test: a bool is an int to isinstance.
        if type(row[key]) not in types:
            names = " or ".join("a string" if kind is str else "an integer" for kind in types)
            raise ValueError(f"{where}: {key} must be {names}, got {shorten(row[key])}. Correct the field.")
    for key in _OPTIONAL:
        if row.get(key) is not None and type(row[key]) is not str:
            raise ValueError(f"{where}: {key} must be a string, got {shorten(row[key])}. Correct or leave it out.")
    if not is_language_code(row["lang"]):
        raise ValueError(
            f"{where}: lang must be a language code like 'en' or 'zh-Hans', got {shorten(row['lang'])}. Correct it."
        )
    corpus, heading, title = (row.get(key) or "" for key in _OPTIONAL)
    path = tuple(part for part in (heading, title) if part)
    parsed = JsonlRow(corpus, str(row["doc"]), str(row["sec"]), row["lang"], row["doctitle"], path, row["text"])
    # The line itself was valid UTF-8, so half a surrogate pair can only come from an escape.
    if "\\u" in line:
        for text in (*parsed[:5], *path, parsed.text):
            if not _is_unicode(text):
                raise ValueError(f"{where}: text must be Unicode, got a lone surrogate in {shorten(text)}. Remove it.")
    return parsed


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_jsonl(path: str | Path) -> Iterator[JsonlRow | None]:
    """Reads a JSONL file, plain or `.gz`.

    Rows are `{"corpus", "doc", "sec", "lang", "doctitle", "heading", "title", "text"}`; corpus, heading and title may
    be missing or null, other keys are ignored. `doc` and `sec` may be integers.

    Args:
        path: The file.

    Yields:
        A row, or None for a blank line.

    Raises:
        ValueError: A line is not UTF-8, not JSON, or lacks a field or has one of the wrong type; or the compressed
            data is damaged. The message names file and line.
        OSError: The file cannot be opened.
    """
    for number, line in read_lines(path):
        yield _parse_row(line, f"{path}, line {number}") if line.strip() else None


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
    names = _check_arguments(pairs, validation, test, min_characters, max_negatives)
    # A name like "en-pt-br" is only decided by the languages that turn up.
    wanted = {code for name in names for reading in pair_readings(name) for code in reading}
    articles: dict[tuple[str, str], int] = {}
    languages: dict[str, _Language] = {}
    splits: list[str] = []
    dropped: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    read = 0
    with AlignedSectionsWriter(output, overwrite) as writer, _progress() as progress:
        for row in (row for path in files for row in _track(progress, read_jsonl(path), f"reading {path}")):
            read += 1
            if reason := _reason_to_drop(row, wanted, min_characters):
                dropped[reason] += 1
                continue
            article = articles.setdefault((row.corpus, row.document), len(articles))
            if article == len(splits):
                splits.append(assign_split(row.article_id, validation, test, seed))
            if not languages.setdefault(row.language, _Language()).add(article, sys.intern(row.section), row.text):
                dropped["duplicate"] += 1
                continue
            section_id = f"{row.article_id}#{row.section}"
            section = Section(section_id, row.language, row.article_id, row.document_title, row.heading_path, row.text)
            writer.add_sections(row.language, [section])
        for name in names:
            source, target = _languages_of(name, languages)
            aligned = _align_rows(name, source, target, splits, max_negatives, notes)
            writer.add_pairs(name, _track(progress, aligned, f"aligning {name}"))
        arguments = {"files": list(map(str, files)), "pairs": names, "validation": validation, "test": test}
        arguments |= {"seed": seed, "min_characters": min_characters, "max_negatives": max_negatives}
        counts = _finish(writer, "jsonl", arguments, read, dropped, notes)
    print_counts(counts)
    return counts


def _reason_to_drop(row: JsonlRow | None, wanted: set[str], min_characters: int) -> str | None:
    if row is None:
        return "blank line"
    if row.language not in wanted:
        return "language of no requested pair"
    return _reason_by_length(row.text, min_characters)


def _reason_by_length(text: str, min_characters: int) -> str | None:
    characters = len(text.strip())
    if not characters:
        return "empty text"
    return f"shorter than {min_characters} characters" if characters < min_characters else None


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


# The pickles released in 2021


class _NotPlain(ValueError):
    """A pickle asks for something other than plain data."""


def _refuse(name: str) -> Callable[[pickle._Unpickler], None]:
    def refuse(unpickler: pickle._Unpickler) -> None:
        raise _NotPlain(f"the instruction {name}")

    return refuse


_PLAIN_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET "
    # LONG4 is left out: integers of thousands of digits are no ids, and cannot even be printed.
    "BININT BININT1 BININT2 LONG1 BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS "
    # These name a class; they end in find_class, which refuses it by its name.
    "GLOBAL STACK_GLOBAL INST".split()
)


class _PlainUnpickler(pickle._Unpickler):
    """Builds dict, list, str and int, and refuses every other instruction before it does anything.

    On top of the interpreter's own Python implementation: the C one cannot be restricted to a list of instructions,
    and 10 bytes of crafted input make it ask for 34 GB (LONG_BINPUT, an array for its memo; here that is a dict).
    """

    dispatch = {
        ord(opcode.code): pickle._Unpickler.dispatch[ord(opcode.code)]
        if opcode.name in _PLAIN_INSTRUCTIONS
        else _refuse(opcode.name)
        for opcode in pickletools.opcodes
    }

    def find_class(self, module: str, name: str) -> Any:
        raise _NotPlain(f"the class {shorten(f'{module}.{name}')}")


def read_plain_pickle(path: str | Path) -> Any:
    """Reads a pickle (protocol 2 to 5) of dict, list, str and int; nothing in it is executed.

    Raises:
        ValueError: It holds anything else, or is damaged. The message names the file, and the class if it has one.
    """
    data = Path(path).read_bytes()
    try:
        # From memory: a length field that lies then ends at the end of the data instead of reserving its size.
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        # On damaged data the unpickler raises some ten kinds: EOFError, IndexError, struct.error, KeyError, ...
        what = str(error) if isinstance(error, _NotPlain) else f"damaged data ({type(error).__name__})"
        raise ValueError(
            f"{path} must be a pickle of dict, list, str and int only, got {what}. Get the file from its release."
        ) from error


class _Alignment(NamedTuple):
    """What one `<lang>_np.pkl` says: for sections of one language, those of the other."""

    path: Path
    positives: dict[str, str]
    negatives: dict[str, list[str]]


def _section_id(value: object, where: str) -> str:
    if type(value) is not int and not (type(value) is str and _is_unicode(value)):
        raise ValueError(f"{where}: section id must be Unicode or an integer, got {shorten(value)}. Correct the file.")
    # Interned: an id stands in some ten lists, and one string for all is a tenth of the memory.
    return sys.intern(str(value))


def _entries(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Yields (where, section id, value) of a pickled dict."""
    table = read_plain_pickle(path)
    if not isinstance(table, dict):
        raise ValueError(f"{path} must hold a dict of sections, got {shorten(table)}. Get the file again.")
    seen: set[str] = set()
    for number, (key, value) in enumerate(table.items(), start=1):
        section = _section_id(key, f"{path}, entry {number}")
        if section in seen:
            raise ValueError(f"{path}, entry {number}: section id must be unique, got {section!r} twice. Rename one.")
        seen.add(section)
        yield f"{path}, entry {number} (section {section!r})", section, value


def _read_alignment(path: Path) -> _Alignment:
    alignment = _Alignment(path, {}, {})
    for where, section, entry in _entries(path):
        if not isinstance(entry, dict) or not {"p", "n"} <= entry.keys() or not isinstance(entry["n"], list):
            raise ValueError(f"{where} must be {{'p': id, 'n': [ids]}}, got {shorten(entry)}. Correct the file.")
        alignment.positives[section] = _section_id(entry["p"], where)
        alignment.negatives[section] = [_section_id(value, where) for value in entry["n"]]
    return alignment


def _read_texts(path: Path) -> dict[str, str]:
    texts = {}
    for where, section, text in _entries(path):
        if not isinstance(text, str) or not _is_unicode(text):
            raise ValueError(f"{where} must be text in Unicode, got {shorten(text)}. Correct the file.")
        texts[section] = text
    return texts


def _derive_articles(sides: Sequence[tuple[str, str, _Alignment]]) -> tuple[dict[tuple[str, str], str], int]:
    """Articles as connected components of sections over positives and hard negatives.

    Args:
        sides: (language, other language, what the first says about the second), for all pairs.

    Returns:
        (language, section id) -> article id, which is its first section as "en:123"; and the size of the largest.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes: dict[tuple[str, str], int] = {}
    edges = array("q")
    for language, other, alignment in sides:
        for section, positive in alignment.positives.items():
            node = nodes.setdefault((language, section), len(nodes))
            for related in (positive, *alignment.negatives[section]):
                edges.extend((node, nodes.setdefault((other, related), len(nodes))))
    heads, tails = np.asarray(edges, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(heads), bool), (heads, tails)), shape=(len(nodes), len(nodes)))
    count, labels = connected_components(graph, directed=False)
    names = [""] * count
    for (language, section), label in zip(nodes, labels, strict=True):
        name = f"{language}:{section}"
        names[label] = min(names[label] or name, name)
    articles = {node: names[label] for node, label in zip(nodes, labels, strict=True)}
    return articles, int(np.bincount(labels, minlength=1).max())


class _Side(NamedTuple):
    """One language of one released pair."""

    alignment: _Alignment
    texts_path: Path
    texts: dict[str, str]
    rows: dict[str, int]  # section id -> row in the corpus; a section whose text is too short has none


def _hard_negatives(
    section: str, positive: str, says: _Side, answers: _Side, limit: int, notes: Counter[str]
) -> list[int]:
    """Rows of the hard negatives that one direction gives for the positive of `section`."""
    rows: list[int] = []
    for negative in says.alignment.negatives[section]:
        if negative not in answers.texts:
            notes["negative without a text"] += 1
        elif negative not in answers.rows:
            notes["negative whose text was dropped"] += 1
        elif negative == positive or answers.alignment.positives.get(negative) == section:
            notes["negative that is a positive"] += 1
        elif answers.texts[negative] == answers.texts[positive]:
            notes["negative with the text of its positive"] += 1
        elif answers.rows[negative] in rows:
            notes["negative given twice"] += 1
        elif len(rows) == limit:
            notes["negative beyond max_negatives"] += 1
        else:
            rows.append(answers.rows[negative])
    return rows


def _merge_directions(
    source: _Side, target: _Side, max_negatives: int, notes: Counter[str]
) -> Iterator[tuple[str, AlignedPair]]:
    """Yields (section id of the source, pair) for what either direction says, each pair once."""
    for says, answers in ((source, target), (target, source)):
        for number, (section, positive) in enumerate(says.alignment.positives.items(), start=1):
            for key, side in ((section, says), (positive, answers)):
                if key not in side.texts:
                    raise ValueError(
                        f"{says.alignment.path}, entry {number}: section {key!r} must have a text in "
                        f"{side.texts_path}, got none. Get both files from the same release."
                    )
            answer = answers.alignment.positives.get(positive)
            if answer is not None and answer != section:
                notes["pair that the other direction contradicts"] += 1
            if says is target and answer == section:
                continue
            if section not in says.rows or positive not in answers.rows:
                notes["pair with a dropped text"] += 1
                continue
            # The other direction gives its negatives for its own positive, which need not be this one.
            there = _hard_negatives(section, positive, says, answers, max_negatives, notes)
            back = _hard_negatives(positive, section, answers, says, max_negatives, notes) if answer == section else []
            if says is source:
                yield section, AlignedPair(says.rows[section], answers.rows[positive], 1.0, back, there)
            else:
                yield positive, AlignedPair(answers.rows[positive], says.rows[section], 1.0, there, back)


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
    names = _check_arguments(pairs, validation, test, min_characters, max_negatives)
    codes = {name: parse_pair(name) for name in names}
    places = {name: _released_directory(Path(folder), codes[name]) for name in names}
    with AlignedSectionsWriter(output, overwrite) as writer, _progress() as progress:
        task = progress.add_task("reading", total=4 * len(names))
        alignments: dict[tuple[str, str], _Alignment] = {}
        for name in names:
            for code in codes[name]:
                alignments[name, code] = _read_alignment(places[name] / f"{code}_np.pkl")
                progress.advance(task)
        articles, largest = _derive_articles(
            [(a, b, alignments[name, a]) for name in names for a, b in (codes[name], codes[name][::-1])]
        )
        _warn_of_giant(largest, len(articles))
        store = _ReleasedTexts(writer, articles, min_characters)
        for name in names:
            sides = []
            for code in codes[name]:
                path = places[name] / f"{code}_text.pkl"
                texts = _read_texts(path)
                sides.append(_Side(alignments[name, code], path, texts, store.add(code, texts, places[name].name)))
                progress.advance(task)
            merged = _merge_directions(*sides, max_negatives, store.notes)
            language = codes[name][0]
            splits = ((assign_split(articles[language, key], validation, test, seed), pair) for key, pair in merged)
            writer.add_pairs(name, (replace(pair, split=split) for split, pair in splits))
        store.notes["sections in the largest derived article"] = largest
        arguments = {"folder": str(folder), "pairs": names, "validation": validation, "test": test}
        arguments |= {"seed": seed, "min_characters": min_characters, "max_negatives": max_negatives}
        counts = _finish(writer, "released", arguments, store.read, store.dropped, store.notes)
    print_counts(counts)
    return counts


class _ReleasedTexts:
    """Adds the texts of released directories to a corpus: the same section of two directories once."""

    def __init__(self, writer: AlignedSectionsWriter, articles: Mapping[tuple[str, str], str], min_characters: int):
        self.read = 0
        self.dropped: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self._writer = writer
        self._articles = articles
        self._min_characters = min_characters
        self._known: dict[tuple[str, str], tuple[int, int]] = {}  # (language, section id) -> row, hash of the text

    def add(self, language: str, texts: Mapping[str, str], directory: str) -> dict[str, int]:
        """Returns the row of every section whose text is long enough."""
        rows = {}
        for section, text in texts.items():
            self.read += 1
            row, text_hash = self._known.get((language, section), (None, None))
            if reason := _reason_by_length(text, self._min_characters):
                self.dropped[reason] += 1
            elif row is not None and text_hash == hash(text):
                self.dropped["same in several pairs"] += 1
                rows[section] = row
            else:
                unique = section if row is None else f"{section}@{directory}"
                self.notes["section id that has another text in another pair"] += row is not None
                # A text that no positive or negative names has no article; it is dropped as unaligned in the end.
                article = self._articles.get((language, section), "")
                added = self._writer.add_sections(language, [Section(unique, language, article, "", (), text)])
                rows[section] = added[0]
                self._known.setdefault((language, section), (added[0], hash(text)))
        return rows


def _released_directory(folder: Path, codes: tuple[str, str]) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(f"folder of the released pickles must exist, got {str(folder)!r}. Check the path.")
    names = ["".join(codes), "".join(codes[::-1])]
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    found = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())) or "none"
    raise ValueError(
        f"{folder} must hold the directory {names[0]!r} or {names[1]!r}, got: {found}. Choose another pair or folder."
    )


def _warn_of_giant(largest: int, sections: int) -> None:
    # An article has tens of sections; hard negatives taken from anywhere tie all of them into one.
    if largest > 1_000 and largest > sections / 10:
        warnings.warn(
            f"the largest derived article has {largest:,} of {sections:,} sections, and all of it is in one split: "
            "the hard negatives tie unrelated articles together. Check the sizes of the splits.",
            stacklevel=3,
        )


# Common to both


def _check_arguments(
    pairs: Sequence[str], validation: float, test: float, min_characters: int, max_negatives: int
) -> list[str]:
    check_fractions(validation, test)
    for name, value in (("min_characters", min_characters), ("max_negatives", max_negatives)):
        if value < 0:
            raise ValueError(f"{name} must be at least 0, got {value}. Give for example 8.")
    if isinstance(pairs, str) or not pairs:
        raise ValueError(f"pairs must be a list of names like 'en-fr', got {pairs!r}. Name at least one.")
    seen: dict[tuple[str, ...], str] = {}
    for name in pairs:
        if len(pair_readings(name)) < 2:
            parse_pair(name)
        parts = tuple(sorted(name.split("-")))
        if parts in seen:
            raise ValueError(f"pairs must be different, got {seen[parts]!r} and {name!r}. Name each pair once.")
        seen[parts] = name
    return list(pairs)


def _finish(
    writer: AlignedSectionsWriter,
    source: str,
    arguments: Mapping[str, Any],
    read: int,
    dropped: Counter[str],
    notes: Counter[str],
) -> ImportCounts:
    dropped["unaligned"] = sum(writer.compact().values())
    counts = ImportCounts(read=read, dropped=dict(+dropped), notes=dict(+notes), **writer.counts())
    writer.finish({"source": source, "arguments": dict(arguments), "counts": asdict(counts)})
    return counts


def _progress() -> Progress:
    console = Console(stderr=True)
    # How many rows a compressed file has is known only at its end: a count instead of a percentage.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _track(progress: Progress, items: Iterable[_Item], description: str) -> Iterator[_Item]:
    """`Progress.track` for an iterable of unknown length, which leaves a full bar behind."""
    task = progress.add_task(description, total=None)
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        if done % 1_000 == 0:
            progress.update(task, completed=done)
    progress.update(task, completed=done, total=done)


def print_counts(counts: ImportCounts, console: Console | None = None) -> None:
    """Prints what an import read, kept and dropped, as a table on standard output."""
    table = Table("", "", "count", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    table.add_row("read", "", f"{counts.read:,}")
    for group, values in (("dropped", counts.dropped), ("sections", counts.sections), ("note", counts.notes)):
        for name, count in values.items():
            table.add_row(group, name, f"{count:,}")
    for name, splits in counts.pairs.items():
        for split, count in splits.items():
            table.add_row("pairs", f"{name} {split}", f"{count:,}")
    (console or Console()).print(table)
