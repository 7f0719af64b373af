"""An encoder whose vector of a text does not depend on what else is in the batch, and documents of three languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.reranker import Reranker
from xlretrieval.inference.search import Index

TEXTS = {
    "en": ["water river", "old house", "river", "music and people", "a mountain", "river water house", "the land"],
    "de": ["wasser", "das alte haus", "der fluss", "musik und leute", "ein berg", "fluss wasser haus"],
    "ja": ["水がある", "古い家", "川"],
}
DOCUMENTS = [
    {"id": f"{language}{number}", "text": text, "language": language, "title": "old" if number == 2 else ""}
    for language, texts in TEXTS.items()
    for number, text in enumerate(texts)
]


class OneByOne(Encoder):
    """Encodes every text alone, once."""

    def __init__(self, model, tokenizer):
        super().__init__(model, tokenizer)
        self.known: dict[tuple, np.ndarray] = {}

    def encode(self, texts: Sequence[str], *options, show_progress=None) -> np.ndarray:
        for text in texts:
            if (text, options) not in self.known:
                self.known[text, options] = super().encode([text], *options, show_progress=False)[0]
        self.truncated = 0
        return np.array([self.known[text, options] for text in texts], np.float32).reshape(len(texts), 32)


@pytest.fixture(scope="session")
def encoder(model, tokenizer) -> OneByOne:
    return OneByOne(model, tokenizer)


@pytest.fixture(scope="session")
def reranker(scorer, tokenizer) -> Reranker:
    return Reranker(scorer, tokenizer)


@pytest.fixture
def make(tmp_path: Path, encoder: OneByOne) -> Callable[..., Index]:
    """Builds an index of `DOCUMENTS`, or of others, in a folder of this name."""

    def call(documents=DOCUMENTS, name: str = "index", **options) -> Index:
        return Index.build(documents, tmp_path / name, encoder, show_progress=False, **options)

    return call


@pytest.fixture
def documents() -> list[dict[str, str]]:
    return [dict(row) for row in DOCUMENTS]
