"""Options that all importers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlretrieval.data.languages import pair_readings, parse_pair
from xlretrieval.data.splits import assign_split, check_fractions


@dataclass(frozen=True)
class ImportOptions:
    """Checked options of an import; they stand in the provenance.

    Attributes:
        pairs: Language pairs to make, such as ["en-fr", "en-de"].
        validation: Fraction of articles in the validation split.
        test: Fraction of articles in the test split.
        seed: Seed of the split.
        min_characters: Shortest section to keep, in characters without surrounding white space.
        max_negatives: Most hard negatives of a pair, on each side.

    Raises:
        ValueError: A value is out of range, or a pair is no pair of languages or named twice.
    """

    pairs: Sequence[str]
    validation: float
    test: float
    seed: int
    min_characters: int
    max_negatives: int

    def __post_init__(self) -> None:
        check_fractions(self.validation, self.test)
        for name in ("min_characters", "max_negatives"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(f"{name} must be at least 0, got {value}. Give for example 8.")
        if isinstance(self.pairs, str) or not self.pairs:
            raise ValueError(f"pairs must be a list of names like 'en-fr', got {self.pairs!r}. Name at least one.")
        seen: dict[tuple[str, ...], str] = {}
        for name in self.pairs:
            if len(pair_readings(name)) < 2:  # which of several is meant depends on the languages in the files
                parse_pair(name)
            parts = tuple(sorted(name.split("-")))
            if parts in seen:
                raise ValueError(f"pairs must be different, got {seen[parts]!r} and {name!r}. Name each pair once.")
            seen[parts] = name

    def split(self, article: str) -> str:
        """Split of an article; see `assign_split`."""
        return assign_split(article, self.validation, self.test, self.seed)

    def reason_to_drop(self, text: str) -> str | None:
        """Why a section with this text is dropped, None when it is kept."""
        characters = len(text.strip())
        if not characters:
            return "empty text"
        return f"shorter than {self.min_characters} characters" if characters < self.min_characters else None
