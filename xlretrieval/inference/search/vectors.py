"""Vectors of queries and documents, as an index makes them: one encoder, with the options the index was built with."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from xlretrieval.data.values import shorten
from xlretrieval.inference.batching import default_batch_tokens
from xlretrieval.inference.encoder import Encoder

from .documents import SearchDocument
from .fingerprint import fingerprint
from .manifest import Manifest

# Documents that are encoded at a time.
_BLOCK = 1024


class VectorMaker:
    """Encodes for one index, from any thread.

    Args:
        encoder: The encoder; None to load it by the name in the manifest when it is first needed.
        manifest: Of the index, or of the one to be built.

    Raises:
        ValueError: The encoder is another one than that of the index.
    """

    def __init__(self, encoder: Encoder | None, manifest: Manifest):
        self._manifest = manifest
        self._encoder = None if encoder is None else self._checked(encoder)
        # An encoder counts on itself what it cuts.
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], batch_tokens: int | None = None) -> tuple[np.ndarray, int]:
        """Vectors of length 1, float32 `(texts, dimensions)`, and how many texts were cut.

        Raises:
            ValueError: The model of the manifest's name is another one by now.
            OSError: It is not there any more.
        """
        with self._lock:
            if self._encoder is None:
                self._encoder = self._checked(load_encoder(self._manifest.model))
            vectors = self._encoder.encode(
                texts,
                self._manifest.pooling,
                self._manifest.layer,
                self._manifest.max_length,
                default_batch_tokens(self._encoder.model.device) if batch_tokens is None else batch_tokens,
                show_progress=False,
            )
            return vectors, self._encoder.truncated

    def blocks(
        self, documents: Iterable[SearchDocument], batch_tokens: int | None, progress: tqdm
    ) -> Iterator[tuple[list[SearchDocument], np.ndarray, int]]:
        """Yields some documents, their vectors and how many were cut; `progress` counts documents.

        Raises:
            ValueError: A vector is not finite.
        """
        remaining = iter(documents)
        while block := list(islice(remaining, _BLOCK)):
            vectors, truncated = self.encode([document.content for document in block], batch_tokens)
            if not (finite := np.isfinite(vectors).all(axis=1)).all():
                raise ValueError(
                    "Vectors must be finite, got NaN or infinity for document "
                    f"{shorten(block[int(np.argmin(finite))].id)}. Load the model with dtype=torch.float32."
                )
            yield block, vectors, truncated
            progress.update(len(block))

    def _checked(self, encoder: Encoder) -> Encoder:
        found = fingerprint(encoder)
        if found != self._manifest.fingerprint:
            ours, other = self._manifest.model or "one without a name", name_of(encoder) or "one without a name"
            raise ValueError(
                f"The encoder must be the one of the index, {ours} (fingerprint {self._manifest.fingerprint}), got "
                f"{other} (fingerprint {found}). Give that one, or build the index again."
            )
        return encoder


def load_encoder(encoder: Encoder | str | Path) -> Encoder:
    """The encoder of a name or folder, or the one that was given."""
    if isinstance(encoder, Encoder):
        return encoder
    if not str(encoder):
        raise ValueError("The encoder must be given, got none: that of the index has no name. Pass it.")
    return Encoder.from_pretrained(str(encoder))


def name_of(encoder: Encoder) -> str:
    """The folder, absolute, or the name on the Hub; "" for a model that was made in memory."""
    name = str(getattr(encoder.model.config, "_name_or_path", "") or "")
    return str(Path(name).resolve()) if name and Path(name).is_dir() else name
