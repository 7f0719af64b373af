"""`Index`: build, change and search."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from xlretrieval.data.values import is_unicode, shorten
from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker

from .additions import Changed, Documents, add_documents
from .changes import check_folder, delete_documents, writing
from .fingerprint import fingerprint
from .hits import Hit
from .manifest import MANIFEST, Manifest, present_manifest
from .searching import check_search, find
from .snapshot import SEGMENTS, Snapshot
from .vectors import VectorMaker, load_encoder, name_of


class Index:
    """Documents on disk that are searched across languages.

    Made by `Index.build` and `Index.open`. Several threads and processes may search; one at a time may write. An
    opened index stays as it was when it was opened, or last changed through this object.

    Attributes:
        folder: Where it is.
        changed: What the last `build` or `add` through this object did.

    Example:
        >>> documents = [{"id": "1", "text": "Paris ist die Hauptstadt.", "language": "de"}]  # doctest: +SKIP
        >>> index = Index.build(documents, "index", "my-encoder")  # doctest: +SKIP
        >>> index.search("capital of France")[0].id  # doctest: +SKIP
        '1'
    """

    def __init__(self, folder: Path, state: Snapshot, vectors: VectorMaker, reranker: Reranker | None):
        self.folder = folder
        self.changed: Changed | None = None
        self._state, self._vectors, self._reranker = state, vectors, reranker

    @classmethod
    def build(
        cls,
        documents: Documents,
        folder: str | Path,
        encoder: Encoder | str,
        *,
        reranker: Reranker | str | None = None,
        pooling: Literal["mean", "cls"] = "mean",
        layer: int = -1,
        max_length: int | None = None,
        approximate_from: int = 50_000,
        batch_tokens: int | None = None,
        overwrite: bool = False,
        show_progress: bool | None = None,
    ) -> Index:
        """Makes an index.

        Args:
            documents: Documents, or mappings with "id", "text" and maybe "title" and "language"; read one after the
                other.
            folder: A new folder.
            encoder: Makes the vectors, of queries too. Its name or folder is remembered.
            reranker: For `search`.
            pooling: As for `Encoder.encode`.
            layer: As for `Encoder.encode`.
            max_length: As for `Encoder.encode`.
            approximate_from: Documents from which a segment gets a graph, which finds most of the nearest vectors
                without comparing all. A smaller one compares all: 50,000 vectors of 768 take some 20 ms.
            batch_tokens: Most tokens that are encoded at a time, padding included; by default 2,048 on a CPU and
                131,072 elsewhere.
            overwrite: Whether an index that is there is replaced, once the new one is whole.
            show_progress: By default, only on a terminal.

        Raises:
            ValueError: The folder is not empty, there is no document, one is bad or occurs twice (the message has its
                position), an option is not one of the encoder, or somebody else writes.
            OSError: No such checkpoint.
        """
        folder = Path(folder)
        check_folder(folder)
        if (folder / MANIFEST).exists() and not overwrite:
            raise ValueError(f"The folder of an index must be new or empty, got {folder}. Add to it, or overwrite it.")
        if approximate_from < 1:
            raise ValueError(f"approximate_from must be at least 1, got {approximate_from}. The default is 50000.")
        model, ranker = load_encoder(encoder), _load_reranker(reranker)
        new = not folder.exists()
        (folder / SEGMENTS).mkdir(parents=True, exist_ok=True)
        try:
            with writing(folder):
                present = present_manifest(folder)
                manifest = Manifest(
                    generation=present.generation if present else 0,
                    model=name_of(model),
                    fingerprint=fingerprint(model),
                    dimensions=int(model.model.config.hidden_size),
                    pooling=pooling,
                    layer=layer,
                    max_length=max_length,
                    approximate_from=approximate_from,
                )
                vectors = VectorMaker(model, manifest)
                changed = add_documents(folder, manifest, None, vectors, documents, batch_tokens, show_progress)
                found = cls(folder, Snapshot.open(folder), vectors, ranker)
        except BaseException:
            if new and not (folder / MANIFEST).exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
        found.changed = changed
        return found

    @classmethod
    def open(
        cls, folder: str | Path, encoder: Encoder | str | None = None, reranker: Reranker | str | None = None
    ) -> Index:
        """Opens an index.

        Args:
            folder: Of the index.
            encoder: The one that it was built with; by default the one whose name it remembers, loaded when needed.
            reranker: Orders what is found; without one the order is that of the first stage.

        Raises:
            OSError: No such folder or checkpoint.
            ValueError: It is no index, it is damaged, or was built with another encoder.
        """
        folder = Path(folder)
        state = Snapshot.open(folder)
        vectors = VectorMaker(None if encoder is None else load_encoder(encoder), state.manifest)
        return cls(folder, state, vectors, _load_reranker(reranker))

    def __len__(self) -> int:
        return len(self._state.manifest)

    @property
    def languages(self) -> dict[str, int]:
        """Language code -> documents; "" for those of unknown language."""
        return self._state.languages

    @property
    def manifest(self) -> Manifest:
        """What the index is made of."""
        return self._state.manifest

    def add(
        self, documents: Documents, *, batch_tokens: int | None = None, show_progress: bool | None = None
    ) -> Changed:
        """Adds documents, all or none; one with the id of a document that is there replaces it.

        Args:
            documents: As for `build`; none changes nothing.
            batch_tokens: As for `build`.
            show_progress: As for `build`.

        Raises:
            ValueError: A document is bad or occurs twice (the message has its position), or somebody else writes.
        """
        with writing(self.folder):
            state = self._latest()
            self.changed = add_documents(
                self.folder, state.manifest, state, self._vectors, documents, batch_tokens, show_progress
            )
            self._state = Snapshot.open(self.folder)
        return self.changed

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes documents, all or none.

        Args:
            ids: Of the documents; one that occurs twice counts once.

        Returns:
            How many were deleted.

        Raises:
            ValueError: One is not in the index, or somebody else writes.
        """
        if isinstance(ids, str):
            raise ValueError(f"ids must be a sequence of ids, got the string {shorten(ids)}. Put it in a list.")
        wanted = list(dict.fromkeys(ids))
        with writing(self.folder):
            state = self._latest()
            rows, found = state.rows_of([name for name in wanted if isinstance(name, str) and is_unicode(name)])
            if missing := [name for name in wanted if name not in found]:
                raise ValueError(
                    f"ids must be in the index, got {', '.join(map(shorten, missing[:5]))}"
                    f"{' ...' if len(missing) > 5 else ''}: {len(missing)} of {len(wanted)} are not. Leave them out; "
                    "nothing was deleted."
                )
            if wanted:
                delete_documents(self.folder, state.manifest, state, rows)
            self._state = Snapshot.open(self.folder)
        return len(wanted)

    def search(
        self,
        query: str,
        language: str | None = None,
        top_k: int = 10,
        candidates: int = 100,
        *,
        rerank: bool | None = None,
        passages: bool = True,
    ) -> list[Hit]:
        """Finds documents, of any language, for a query.

        The nearest vectors and, where a language is given, the documents of that language that share words with the
        query are fused by their ranks; the reranker orders the best of them.

        Args:
            query: The query.
            language: Of the query, such as "de": documents of this language are also found by their words. "all":
                those of every language are, each ranked among its own. By default, vectors only.
            top_k: Most documents to return.
            candidates: Documents of the first stage that the reranker scores; at least `top_k` are.
            rerank: Whether to use the reranker; by default where there is one.
            passages: Whether to look for the best passage of what is returned: by the reranker where it is used, else
                by the cosines of passages.

        Returns:
            The best first; of equally good documents, the later id.

        Raises:
            ValueError: The query is empty or no Unicode text, the language is no code, a number is smaller than 1, or
                there is no reranker to use.
        """
        check_search(query, language, top_k, candidates)
        if rerank and self._reranker is None:
            raise ValueError("rerank must be false without a reranker, got True. Open the index with a reranker.")
        reranker = self._reranker if rerank is None or rerank else None
        return find(self._state, self._vectors, reranker, query, language, top_k, candidates, passages)

    def _latest(self) -> Snapshot:
        """The present state, which another writer may have made since this index was opened."""
        state = Snapshot.open(self.folder)
        before, now = (replace(manifest, generation=0, segments=()) for manifest in (self.manifest, state.manifest))
        if replace(before, model=now.model) != now:
            raise ValueError(
                f"The index must have the encoder and options that it was opened with, got one that was built anew in "
                f"{self.folder}. Open it again."
            )
        return state


def _load_reranker(reranker: Reranker | str | None) -> Reranker | None:
    return Reranker.from_pretrained(reranker) if isinstance(reranker, str) else reranker
