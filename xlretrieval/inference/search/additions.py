"""Documents on their way into an index: checked, encoded, written, counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from .changes import write_documents
from .documents import SearchDocument, checked_documents
from .manifest import Manifest
from .snapshot import Snapshot
from .vectors import VectorMaker

Documents = Iterable[SearchDocument | Mapping[str, Any]]


@dataclass(frozen=True)
class Changed:
    """What an addition did.

    Attributes:
        added: Documents that were given.
        replaced: How many of them replaced one with the same id.
        truncated: How many are longer than the encoder reads: the rest of them does not count for their vectors.
    """

    added: int
    replaced: int
    truncated: int


def add_documents(
    folder: Path,
    manifest: Manifest,
    state: Snapshot | None,
    vectors: VectorMaker,
    documents: Documents,
    batch_tokens: int | None,
    show_progress: bool | None,
) -> Changed:
    """Adds documents to a state and commits.

    Args:
        folder: Of the index, for which `writing` is held.
        manifest: The state to add to.
        state: The same, opened; None for an index that is to be built.
        vectors: Encodes them.
        documents: As for `Index.build`.
        batch_tokens: As for `Index.build`.
        show_progress: As for `Index.build`.

    Raises:
        ValueError: A document is bad or occurs twice, a vector is not finite, or there is none to build from.
    """
    added = truncated = 0
    total = len(documents) if isinstance(documents, Sequence) else None
    disable = None if show_progress is None else not show_progress

    def counted(progress: tqdm) -> Iterator[tuple[Sequence[SearchDocument], Any]]:
        nonlocal added, truncated
        for block, found, cut in vectors.blocks(checked_documents(documents), batch_tokens, progress):
            added += len(block)
            truncated += cut
            yield block, found
        if added == 0 and state is None:
            raise ValueError("documents must hold at least one document, got none. Check where they come from.")

    with tqdm(total=total, desc="index", unit=" documents", disable=disable) as progress:
        _, replaced = write_documents(folder, manifest, state, counted(progress))
    return Changed(added, replaced, truncated)
