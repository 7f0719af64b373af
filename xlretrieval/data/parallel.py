"""Readers of aligned texts: the same sentence or section in two languages, to measure the alignment of an encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .aligned_lines import OnEmpty, read_aligned_lines, refuse_empty
from .files import read_lines
from .importers import read_jsonl
from .sections import AlignedSections, parse_pair


@dataclass(frozen=True)
class ParallelTexts:
    """Texts in two languages; `source[i]` and `target[i]` say the same.

    Args:
        languages: Codes of the source and the target language.
        source: Texts in the source language.
        target: Texts in the target language, as many as `source`.
        name: What tables call this pair, e.g. `"tatoeba deu-eng"`.
        dropped: Reason -> number of pairs that were left out, e.g. `{"empty": 2}`: an empty text leaves both sides.

    Raises:
        ValueError: The two sides differ in length, or are empty.
    """

    languages: tuple[str, str]
    source: list[str]
    target: list[str]
    name: str
    dropped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.source) != len(self.target):
            raise ValueError(
                f"{self.name}: source and target must have the same number of texts, got {len(self.source)} "
                f"{self.languages[0]} and {len(self.target)} {self.languages[1]}. Align them one to one."
            )
        if not self.source:
            raise ValueError(
                f"{self.name}: aligned texts must be at least one, got none (dropped: {self.dropped or 'nothing'}). "
                "Check the files and the language codes."
            )

    def __len__(self) -> int:
        return len(self.source)

    def sample(self, limit: int | None, seed: int = 0) -> ParallelTexts:
        """At most `limit` pairs drawn without replacement, in their old order; all of them when `limit` is None.

        A draw rather than the first ones: the first sections of a corpus come from one or two articles, which is
        another task (P@1 among near-duplicates) than the whole.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}. Leave it out to take all pairs.")
        if limit is None or limit >= len(self):
            return self
        rows = np.sort(np.random.Generator(np.random.Philox(seed)).choice(len(self), size=limit, replace=False))
        return ParallelTexts(
            self.languages,
            [self.source[row] for row in rows],
            [self.target[row] for row in rows],
            self.name,
            {**self.dropped, "beyond the limit": len(self) - limit},
        )


def _without_empty(
    languages: tuple[str, str], rows: Iterable[tuple[str, str]], name: str, dropped: dict[str, int] | None = None
) -> ParallelTexts:
    """Strips the texts and drops, and counts, the pairs of which one side is empty."""
    rows = [(source.strip(), target.strip()) for source, target in rows]
    kept = [(source, target) for source, target in rows if source and target]
    counts = dict(dropped or {})
    if len(kept) < len(rows):
        counts["empty"] = len(rows) - len(kept)
    return ParallelTexts(languages, [source for source, _ in kept], [target for _, target in kept], name, counts)


def read_tatoeba(folder_or_prefix: str | Path, pair: str, on_empty: OnEmpty = "drop") -> ParallelTexts:
    """Reads Tatoeba sentences as LASER and XTREME publish them: two files, one sentence a line.

    Args:
        folder_or_prefix: The folder of `tatoeba.deu-eng.deu` and `tatoeba.deu-eng.eng`, or what their paths have in
            common before the pair (`data/tatoeba`).
        pair: `"deu-eng"`. `"eng-deu"` reads the same two files with source and target exchanged.
        on_empty: "drop" leaves out, and counts, rows with an empty text; "raise" makes one an error.

    Raises:
        ValueError: No such files (the pairs that exist are named); with file and line, files of different length, not
            UTF-8, or an empty text with "raise".
    """
    languages = parse_pair(pair)
    base = Path(folder_or_prefix)
    prefix = base / "tatoeba" if base.is_dir() else base
    for name in (pair, "-".join(reversed(languages))):
        paths = [prefix.with_name(f"{prefix.name}.{name}.{language}") for language in languages]
        if all(path.is_file() for path in paths):
            break
    else:
        found = sorted({path.name.split(".")[-2] for path in prefix.parent.glob(f"{prefix.name}.*-*.*")})
        raise ValueError(
            f"Tatoeba files must be {prefix}.{pair}.{languages[0]} and .{languages[1]}, got none for {pair}. "
            f"Pairs in {prefix.parent}: {', '.join(found) or 'none'}."
        )
    rows: list[tuple[str, str]] = []
    for number, (source, target) in read_aligned_lines(paths):
        for path, text in zip(paths, (source, target), strict=True):
            refuse_empty(text, f"{path}, line {number}", on_empty)
        rows.append((source, target))
    return _without_empty(languages, rows, f"tatoeba {pair}")


def read_columns(
    path: str | Path, languages: Sequence[str] | None = None, on_empty: OnEmpty = "drop"
) -> dict[str, list[str]]:
    """Reads columns of a table of translations, such as the 15-way parallel XNLI (plain or `.gz`).

    Args:
        path: Tab-separated, one column a language, language codes in the first line.
        languages: The columns; all by default.
        on_empty: "drop" leaves it to the caller to drop rows with an empty text; "raise" makes one an error.

    Returns:
        Language -> texts, in the order of `languages`.

    Raises:
        ValueError: No such column, one twice in the header, a line with another number of columns than the header,
            not UTF-8, or an empty text with "raise".
    """
    lines = read_lines(path)
    header = next(lines, (1, ""))[1].split("\t")
    for language in header if languages is None else languages:
        if header.count(language) != 1 or not language:
            raise ValueError(
                f"{path}, line 1: the language must be a column of the header, got {language!r}"
                f"{' twice' if header.count(language) > 1 else ''}. Choose among {', '.join(header)}."
            )
    columns = {language: header.index(language) for language in (header if languages is None else languages)}
    texts: dict[str, list[str]] = {language: [] for language in columns}
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(header):
            raise ValueError(
                f"{path}, line {number}: a line must have {len(header)} tab-separated columns as the header has, "
                f"got {len(cells)}. Repair the line."
            )
        for language, column in columns.items():
            refuse_empty(cells[column], f"{path}, line {number}, column {language}", on_empty)
            texts[language].append(cells[column])
    return texts


def read_xnli15(path: str | Path, source: str, target: str) -> ParallelTexts:
    """Reads two columns of the 15-way parallel XNLI (`xnli.15way.orig.tsv`, plain or `.gz`).

    Args:
        path: As for `read_columns`, which says what is an error.
        source: Code of the source column, e.g. `"de"`.
        target: Code of the target column.
    """
    texts = read_columns(path, [source, target])
    rows = zip(texts[source], texts[target], strict=True)
    return _without_empty((source, target), rows, f"xnli15 {source}-{target}")


def read_jsonl_sections(files: Sequence[str | Path], source: str, target: str) -> ParallelTexts:
    """Reads the sections of two languages that align; see `read_jsonl_pairs`."""
    return read_jsonl_pairs(files, [(source, target)])[0]


def read_jsonl_pairs(
    files: Sequence[str | Path], pairs: Sequence[tuple[str, str]], on_empty: OnEmpty = "drop"
) -> list[ParallelTexts]:
    """Reads sections aligned by their keys from JSONL files, plain or `.gz`; the files are read once.

    Rows are those of `importers.read_jsonl`; two sections align where corpus, doc and sec are equal and `lang` is that
    of the two sides. Rows of other languages are not looked at further. Sections that the other language of a pair
    lacks are counted as `dropped["unaligned"]`.

    Args:
        files: The files, in any order; all languages may be in one.
        pairs: Codes of source and target languages.
        on_empty: "drop" leaves out, and counts, rows with an empty text; "raise" makes one an error.

    Returns:
        The sections of each pair, in the order of the source's rows.

    Raises:
        ValueError: With file and line: bad JSON, a missing field, a section that occurs twice, not UTF-8; or no
            section of a language at all; an empty text with "raise".
    """
    sections: dict[str, dict[tuple[str, str, str], str]] = {code: {} for pair in pairs for code in pair}
    places: dict[tuple[str, str, str, str], str] = {}
    languages: set[str] = set()
    for path in files:
        for number, row in enumerate(read_jsonl(path), start=1):
            if row is None:
                continue
            languages.add(row.language)
            if row.language not in sections:
                continue
            key = row.corpus, row.document, row.section
            place = f"{path}, line {number}"
            refuse_empty(row.text, place, on_empty)
            if key in sections[row.language]:
                raise ValueError(
                    f"{place}: a section must occur once per language, got {key} in {row.language!r} which is also in "
                    f"{places[(*key, row.language)]}. Remove one of them."
                )
            sections[row.language][key] = row.text
            places[(*key, row.language)] = place
    for language, rows in sections.items():
        if not rows:
            raise ValueError(
                f"Sections in {language!r} must be in {', '.join(map(str, files)) or 'some file'}, got none. "
                f"Languages found: {', '.join(sorted(languages)[:20]) or 'none'}."
            )
    return [_aligned(source, target, sections[source], sections[target]) for source, target in pairs]


def _aligned(
    source: str,
    target: str,
    source_sections: dict[tuple[str, str, str], str],
    target_sections: dict[tuple[str, str, str], str],
) -> ParallelTexts:
    """Sections of two languages under the keys that both have."""
    shared = [key for key in source_sections if key in target_sections]
    unaligned = len(source_sections) + len(target_sections) - 2 * len(shared)
    texts = ((source_sections[key], target_sections[key]) for key in shared)
    corpora = "+".join(sorted({key[0] for key in shared})) or "jsonl"
    dropped = {"unaligned": unaligned} if unaligned else None
    return _without_empty((source, target), texts, f"{corpora} {source}-{target}", dropped)


def aligned_section_texts(corpus: AlignedSections, pair: str, split: str = "test") -> ParallelTexts:
    """The aligned sections of one split of a corpus, as whole texts.

    Args:
        corpus: The corpus.
        pair: `"en-fr"`, in either order; the result keeps the order of the corpus.
        split: `"train"`, `"validation"` or `"test"`.

    Raises:
        ValueError: No such pair or split, or no pair in the split.
    """
    table = corpus.pair(pair)
    languages = table.source_language, table.target_language
    source, target = (corpus.sections(language) for language in languages)
    rows = ((source.text(table.source[row]), target.text(table.target[row])) for row in table.rows(split))
    return _without_empty(languages, rows, f"{table.name} {split}")
