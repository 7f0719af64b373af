"""The indexes and rerankers of a page: opened when it starts, searched by many visitors at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.export.onnx_model import RECORD, load_exported
from xlretrieval.inference.reranker import Reranker
from xlretrieval.inference.search import Hit, Index

from .settings import PageSettings

# A query of ours is a sentence or a section's beginning; a visitor who pastes a book should not make all others wait.
LONGEST_QUERY = 1000
MOST_RESULTS = 50


@dataclass(frozen=True)
class Found:
    """What a search shows.

    Attributes:
        hits: The best documents, in the order of the reranker where there is one.
        first_stage: The best documents of the first stage, in its order; their passages are not looked for.
        reranked: Whether a reranker made the order of `hits`.
    """

    hits: list[Hit]
    first_stage: list[Hit]
    reranked: bool


class Library:
    """Opens what the settings name and searches it.

    Args:
        settings: Of the page.

    Raises:
        ValueError: A folder is no index or no reranker, or an index is of another encoder.
        OSError: There is no such folder or checkpoint.
    """

    def __init__(self, settings: PageSettings):
        self.candidates = settings.candidates
        self.rerankers = {name: _open_reranker(name) for name in settings.rerankers}
        encoders: dict[str, Encoder] = {}
        self._indexes: dict[tuple[str, str | None], Index] = {}
        for name in settings.indexes:
            folder = _index_folder(name)
            encoder = settings.encoder or Index.open(folder).manifest.model
            if encoder not in encoders:
                encoders[encoder] = Encoder.from_pretrained(encoder)
            for reranker, opened in [(None, None), *self.rerankers.items()]:
                self._indexes[name, reranker] = Index.open(folder, encoders[encoder], opened)

    def languages(self, index: str) -> dict[str, int]:
        """Language code -> documents, of an index."""
        return self._indexes[index, None].languages

    def size(self, index: str) -> int:
        """Number of documents of an index."""
        return len(self._indexes[index, None])

    def search(self, query: str, index: str, reranker: str | None, language: str, results: int) -> Found:
        """Searches an index.

        Args:
            query: What was typed.
            index: One of those of the page.
            reranker: One of those of the page, or None for the first stage alone.
            language: Of the query, "all" when it is not known.
            results: How many documents; at most 50.

        Raises:
            ValueError: The query is empty or too long, or there is no such index or reranker.
        """
        if not query or not query.strip():
            raise ValueError("Type a query, in any language.")
        if len(query) > LONGEST_QUERY:
            raise ValueError(f"A query must have at most {LONGEST_QUERY} characters, got {len(query)}. Shorten it.")
        opened = self._indexes.get((index, reranker))
        if opened is None:
            raise ValueError(f"There is no index {index!r} with reranker {reranker!r} here. Choose from the lists.")
        results = max(1, min(int(results), MOST_RESULTS))
        hits = opened.search(query, language, results, self.candidates)
        if reranker is None:
            return Found(hits, hits, reranked=False)
        first = opened.search(query, language, results, self.candidates, rerank=False, passages=False)
        return Found(hits, first, reranked=True)

    def examples(self, index: str, count: int = 4) -> list[str]:
        """Titles, or first words, of documents of an index: queries that find something, in its languages."""
        hits = self._indexes[index, None].search("history", None, 50, 50, passages=False)
        firsts: dict[str, list[str]] = {}
        for hit in hits:
            firsts.setdefault(hit.language, []).append(hit.title or " ".join(hit.text.split()[:8]))
        rounds = [[titles[turn] for titles in firsts.values() if turn < len(titles)] for turn in range(count)]
        return list(dict.fromkeys(title for titles in rounds for title in titles))[:count]


def _index_folder(name: str) -> Path:
    """The folder of an index; one that is not here is looked for on the Hub, as a dataset repository."""
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(name, repo_type="dataset"))
    except (HFValidationError, OSError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"An index must be a folder, or a dataset repository on the Hub, got {name} ({reason}). Build one with "
            "`xlretrieval index build`."
        ) from None


def _open_reranker(name: str) -> Reranker:
    return load_exported(name) if (Path(name) / RECORD).is_file() else Reranker.from_pretrained(name, dtype="auto")
