"""Aligned sections: the contract between whatever builds a corpus and everything that trains on it.

    corpus/
      sections/<language>.parquet   id, language, article_id, article_title, heading_path, text
      pairs/<a>-<b>.parquet         source, target, score, source_negatives, target_negatives, split
      provenance.json               arguments, versions, counts of what was read, kept and dropped, by reason
      README.md                     dataset card, so that `datasets.load_dataset("corpus", "en-de")` works

Pairs are row numbers, so a section that stands in six language pairs is stored once and a pair costs some 100 bytes
instead of two texts. The parts have modules of their own, and all their names can be imported from here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .languages import is_language_code, pair_readings, parse_pair, stored_name
from .pair_table import PairTable
from .schema import PAIR_SCHEMA, SECTION_SCHEMA, AlignedPair, Section
from .section_table import SectionTable
from .splits import SPLITS, assign_split, check_fractions
from .writing import AlignedSectionsWriter

__all__ = [
    "PAIR_SCHEMA",
    "SECTION_SCHEMA",
    "SPLITS",
    "AlignedPair",
    "AlignedSections",
    "AlignedSectionsWriter",
    "PairTable",
    "Section",
    "SectionTable",
    "assign_split",
    "check_fractions",
    "is_language_code",
    "pair_readings",
    "parse_pair",
]


class AlignedSections:
    """A corpus: sections in several languages and the pairs between them. See `AlignedSections.load`.

    Attributes:
        folder: Where it is.
        languages: Codes of the languages in its pairs, sorted.
        pairs: Names of its pairs, sorted.
        provenance: What made it: arguments, versions, counts; {} when the folder does not say.

    Example:
        ```python
        corpus = AlignedSections.load("corpus", pairs=["en-de"])
        pair = corpus.pair("en-de")
        for index in pair.rows("train")[:3]:
            print(corpus.sections("en").text(pair.source[index]), "|", corpus.sections("de").text(pair.target[index]))
        ```
    """

    def __init__(
        self, folder: Path, sections: dict[str, SectionTable], pairs: dict[str, PairTable], provenance: dict[str, Any]
    ):
        self.folder = folder
        self.provenance = provenance
        self._sections = sections
        self._pairs = pairs
        self.languages = sorted(sections)
        self.pairs = sorted(pairs)

    @classmethod
    def load(
        cls, folder: str | Path, pairs: Sequence[str] | None = None, cache_dir: str | Path | None = None
    ) -> AlignedSections:
        """Opens a corpus; no text is read before it is asked for.

        Args:
            folder: A folder as described at the top of this module.
            pairs: Pairs to open, in either order ("fr-en" finds "en-fr"); all by default.
            cache_dir: Folder for the memory-mapped copies; `xlretrieval` in the Hugging Face assets cache by default.

        Raises:
            FileNotFoundError: The folder does not exist.
            ValueError: It holds no pairs, not the pair asked for, or one that breaks a rule (the message names file,
                row and value).
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"folder of aligned sections must exist, got {str(folder)!r}. Check the path.")
        known = {path.stem for path in (folder / "sections").glob("*.parquet")}
        stored = {path.stem: parse_pair(path.stem, known) for path in sorted((folder / "pairs").glob("*.parquet"))}
        if not stored:
            raise ValueError(f"{folder} must hold pairs/*.parquet, got none. Make one with `xlretrieval sections`.")
        if isinstance(pairs, str) or (pairs is not None and not pairs):
            raise ValueError(f"pairs must be a list of names like 'en-fr', got {pairs!r}. Name at least one.")
        names = list(stored) if pairs is None else dict.fromkeys(stored_name(name, stored) for name in pairs)
        languages = sorted({language for name in names for language in stored[name]})
        if missing := [language for language in languages if language not in known]:
            raise ValueError(f"{folder} must hold sections/{missing[0]}.parquet, got none. Build the corpus again.")
        tables = {code: SectionTable(folder / "sections" / f"{code}.parquet", code, cache_dir) for code in languages}
        pair_tables = {}
        for name in names:
            source, target = stored[name]
            sizes = (len(tables[source]), len(tables[target]))
            pair_tables[name] = PairTable(folder / "pairs" / f"{name}.parquet", stored[name], sizes)
        return cls(folder, tables, pair_tables, _read_provenance(folder / "provenance.json"))

    def sections(self, language: str) -> SectionTable:
        """Sections of one language. Raises ValueError when the opened pairs do not have it."""
        if language not in self._sections:
            raise ValueError(f"language must be one of {', '.join(self.languages)}, got {language!r}. Choose another.")
        return self._sections[language]

    def pair(self, name: str) -> PairTable:
        """Pairs of two languages, named in either order; the table keeps the stored one. Raises ValueError."""
        stored = {table.name: (table.source_language, table.target_language) for table in self._pairs.values()}
        return self._pairs[stored_name(name, stored)]


def _read_provenance(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be JSON, got: {error}. Restore or delete it.") from error
    if not isinstance(provenance, dict):
        raise ValueError(f"{path} must be a JSON object, got {type(provenance).__name__}. Restore or delete it.")
    return provenance
