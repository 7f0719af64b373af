"""What a page shows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PageSettings:
    """Settings of the page.

    Attributes:
        indexes: Folders, or names of dataset repositories on the Hub, of indexes; at least one.
        rerankers: Folders or Hub ids; without one there is only the order of the first stage.
        encoder: Folder or Hub id of the encoder of the indexes; by default the one that each remembers.
        examples: Example queries; by default titles and beginnings of some documents.
        candidates: Documents that the reranker scores.

    Raises:
        ValueError: No index, a name twice, or fewer than one candidate.
    """

    indexes: list[str]
    rerankers: list[str] = field(default_factory=list)
    encoder: str | None = None
    examples: list[str] = field(default_factory=list)
    candidates: int = 30

    def __post_init__(self) -> None:
        if not self.indexes:
            raise ValueError("A page must have an index, got none. Build one with `xlretrieval index build`.")
        for kind, names in (("index", self.indexes), ("reranker", self.rerankers)):
            if len(set(names)) < len(names):
                raise ValueError(f"Every {kind} must be given once, got {', '.join(names)}. Leave out what is double.")
        if self.candidates < 1:
            raise ValueError(f"candidates must be at least 1, got {self.candidates}. The default is 30.")
