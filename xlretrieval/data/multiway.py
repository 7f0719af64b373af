"""Texts that say the same in many languages at once: tables, and files that are aligned line by line.

Line i of every file says the same. An ids file names the document of every line, so that the lines of a document can
be joined: the United Nations Parallel Corpus has `UNv1.0.6way.en`, `.fr` ... and `.ids`, NTREX has a file a language
(`newstest2019-ref.deu.txt`) and `DOCUMENT_IDS.tsv`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from .aligned_lines import OnEmpty, read_aligned_lines, refuse_empty
from .languages import is_language_code
from .parallel import ParallelTexts, read_columns


@dataclass(frozen=True)
class MultiwayTexts:
    """Texts in several languages; row i says the same in each.

    Args:
        texts: Language -> texts, as many of each.
        name: What tables call them, e.g. `"xnli15"`.
        dropped: Reason -> number of rows that were left out.

    Raises:
        ValueError: Languages differ in the number of texts, or there is only one language.
    """

    texts: dict[str, list[str]]
    name: str
    dropped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {language: len(texts) for language, texts in self.texts.items()}
        if len(counts) < 2 or len(set(counts.values())) > 1:
            raise ValueError(
                f"{self.name}: aligned texts must be of two languages or more, as many of each, got "
                f"{', '.join(f'{count} {language}' for language, count in counts.items()) or 'none'}. Align them."
            )

    @classmethod
    def of(cls, texts: Mapping[str, Sequence[str]], name: str) -> MultiwayTexts:
        """Strips the texts; a row that is empty in one of the languages leaves all, and is counted as "empty".

        So all pairs of languages are measured on the same rows, and can be compared.
        """
        stripped = [tuple(text.strip() for text in row) for row in zip(*texts.values(), strict=True)]
        kept = [row for row in stripped if all(row)]
        dropped = {"empty": len(stripped) - len(kept)} if len(kept) < len(stripped) else {}
        return cls({language: [row[place] for row in kept] for place, language in enumerate(texts)}, name, dropped)

    def pair(self, source: str, target: str) -> ParallelTexts:
        """Two of the languages.

        Raises:
            ValueError: No such language, or no row is left.
        """
        for language in (source, target):
            if language not in self.texts:
                raise ValueError(
                    f"{self.name}: the language must be one of {', '.join(self.texts)}, got {language!r}. Choose one."
                )
        sides = self.texts[source], self.texts[target]
        return ParallelTexts((source, target), *sides, f"{self.name} {source}-{target}", dict(self.dropped))

    def pairs(self) -> list[ParallelTexts]:
        """All pairs of languages, in their order."""
        return [self.pair(source, target) for source, target in combinations(self.texts, 2)]


def read_xnli15_languages(
    path: str | Path, languages: Sequence[str] | None = None, on_empty: OnEmpty = "drop"
) -> MultiwayTexts:
    """Reads the 15-way parallel XNLI (`xnli.15way.orig.tsv`, plain or `.gz`).

    Args:
        path: As for `read_columns`, which says what is an error.
        languages: The columns; all by default.
        on_empty: "drop" leaves out, and counts, rows with an empty text; "raise" makes one an error.
    """
    return MultiwayTexts.of(read_columns(path, languages, on_empty), "xnli15")


def read_line_aligned(
    files: Mapping[str, str | Path],
    ids: str | Path | None = None,
    name: str = "lines",
    on_empty: OnEmpty = "drop",
) -> MultiwayTexts:
    """Reads files that are aligned line by line.

    Args:
        files: Language -> file of one text a line, plain or `.gz`.
        ids: File whose lines begin with the name of the document, up to the first white space. The lines of a
            document are joined by a space, in their order, without empty ones. Without it, lines are the texts.
        name: Of the texts.
        on_empty: "drop" leaves out, and counts, rows with an empty text (of documents: those without a line in one of
            the languages); "raise" makes an empty line an error.

    Raises:
        ValueError: With file and line: the files differ in length, a line of the ids is empty, not UTF-8, or a text is
            empty with "raise".
        OSError: A file cannot be opened.
    """
    paths = [Path(path) for path in (*files.values(), *([ids] if ids else []))]
    # Document -> language -> its lines; without ids, every line is a document.
    documents: dict[str | int, list[list[str]]] = {}
    for number, row in read_aligned_lines(paths):
        texts = [text.strip() for text in row[: len(files)]]
        for path, text in zip(paths, texts, strict=False):
            refuse_empty(text, f"{path}, line {number}", on_empty)
        parts = documents.setdefault(_document(row[-1], ids, number), [[] for _ in files])
        for part, text in zip(parts, texts, strict=True):
            if text:
                part.append(text)
    columns = zip(*([" ".join(part) for part in parts] for parts in documents.values()), strict=True)
    joined = dict(zip(files, columns, strict=True)) if documents else {language: () for language in files}
    return MultiwayTexts.of(joined, name)


def _document(line: str, ids: str | Path | None, number: int) -> str | int:
    """The name of the document that a line of the ids begins with; without ids, the number of the line."""
    if not ids:
        return number
    words = line.split(maxsplit=1)
    if not words:
        raise ValueError(
            f"{ids}, line {number}: a line must begin with the name of a document, got an empty one. Repair it."
        )
    return words[0]


def language_of(path: str | Path) -> str:
    """The language that a file's name ends with: `UNv1.0.6way.en` -> "en", `newstest2019-ref.zho-CN.txt` -> "zho-CN".

    Raises:
        ValueError: It does not end with one.
    """
    parts = Path(path).name.removesuffix(".gz").removesuffix(".txt").split(".")
    if len(parts) < 2 or not is_language_code(parts[-1]):
        raise ValueError(
            f"{path}: the name of a file must end with its language, like texts.en or texts.en.txt, got "
            f"{Path(path).name}. Rename it."
        )
    return parts[-1]


def line_files(paths: Sequence[str | Path], languages: Sequence[str] | None = None) -> dict[str, Path]:
    """Language -> file, by the ends of their names.

    Args:
        paths: The files.
        languages: Which ones, in this order; all by default.

    Raises:
        ValueError: Two files are of one language, or there is none of one that was asked for.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        language = language_of(path)
        if language in found:
            raise ValueError(
                f"{path}: a language must have one file, got {language!r} which is also that of {found[language]}. "
                "Remove one of them."
            )
        found[language] = path
    for language in languages or ():
        if language not in found:
            raise ValueError(
                f"Files must be of the language {language!r} too, got {', '.join(sorted(found)) or 'none'}. Add one."
            )
    return {language: found[language] for language in (languages or found)}


def read_ntrex(
    folder: str | Path,
    languages: Sequence[str] | None = None,
    documents: bool = False,
    on_empty: OnEmpty = "drop",
) -> MultiwayTexts:
    """Reads NTREX as Microsoft publishes it, or any folder of one text file a language.

    Args:
        folder: With files like `newstest2019-src.eng.txt` and `newstest2019-ref.deu.txt`. Second references
            (`newstest2019-ref-2.spa.txt`) are not read.
        languages: Codes as in the files' names; all by default.
        documents: Join the sentences of the documents, which `DOCUMENT_IDS.tsv` in the folder or above it names.
        on_empty: As for `read_line_aligned`.

    Raises:
        FileNotFoundError: There is no such folder, no file in it, or no document ids.
        ValueError: As for `line_files` and `read_line_aligned`.
    """
    folder = Path(folder)
    paths = [path for path in sorted(folder.glob("*.*.txt*")) if "-ref-" not in path.name]
    if not paths:
        raise FileNotFoundError(f"{folder} must hold files like newstest2019-ref.deu.txt, got none. Check the folder.")
    ids = next(
        (place / "DOCUMENT_IDS.tsv" for place in (folder, folder.parent) if (place / "DOCUMENT_IDS.tsv").is_file()),
        None,
    )
    if documents and ids is None:
        raise FileNotFoundError(f"{folder} or its parent must hold DOCUMENT_IDS.tsv, got none. Download it too.")
    files = line_files(paths, languages)
    name = "ntrex documents" if documents else "ntrex"
    return read_line_aligned(files, ids if documents else None, name, on_empty)
