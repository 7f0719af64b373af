"""Documents of a collection in the cache: converted once, and checked against what a source must have."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlretrieval.data.progress import progress_bars, track

from .configuration import IR_DATASETS
from .documents import DocumentFiles, LocatedDocument, read_documents
from .irds import read_irds_documents
from .problems import OnError, Problems
from .store import DocumentStore, build_store, default_cache

# A change of what the readers make of the same files raises it, and what is in the cache is made anew.
_VERSION = "1"

# Files of a source, or "irds:" and the id of a data set.
Part = DocumentFiles | str


def cached_store(
    parts: Sequence[Part], language: str, on_error: OnError = "raise", cache_dir: str | Path | None = None
) -> DocumentStore:
    """The documents of some sources, from the cache when their files have not changed.

    Args:
        parts: What the documents are read from.
        language: Of the documents.
        on_error: What happens with bad documents, see `Problems`.
        cache_dir: Folder of the cache; `default_cache()` by default.

    Raises:
        OSError: A file cannot be opened.
        ValueError: A source is named twice, or has another number of documents than it must have; or there is a
            problem, and problems are errors.
    """
    from huggingface_hub.utils import WeakFileLock

    cache = Path(cache_dir) if cache_dir is not None else default_cache()
    cache.mkdir(parents=True, exist_ok=True)
    names = Counter(map(_name, parts))
    if len(names) < len(parts):
        raise ValueError(f"a source must be named once, got {names.most_common(1)[0][0]} twice. List its paths.")
    folder = cache / f"{language}-{fingerprint(parts, on_error)}"
    with WeakFileLock(folder.with_suffix(".lock")):
        if not (folder / "store.json").is_file():
            problems = Problems(on_error)
            with progress_bars() as bars:
                named = {
                    _name(part): track(bars, _read(part, language, problems), f"reading {_name(part)}")
                    for part in parts
                }
                store = build_store(named, folder, problems)
        else:
            store = DocumentStore(folder)
    _check_complete(parts, store)
    return store


def fingerprint(parts: Sequence[Part], on_error: OnError) -> str:
    """Changes when a file of documents, or how it is read, does."""
    digest = hashlib.blake2b(f"{_VERSION}\n{on_error}\n".encode(), digest_size=12)
    for part in parts:
        digest.update(f"{part}\n".encode())
        for path in [] if isinstance(part, str) else part.files:
            stat = path.stat()
            digest.update(f"{path}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _name(part: Part) -> str:
    return part if isinstance(part, str) else part.source.name


def _read(part: Part, language: str, problems: Problems) -> Iterator[LocatedDocument]:
    if isinstance(part, str):
        return read_irds_documents(part.removeprefix(IR_DATASETS), language, problems)
    return read_documents(part, problems)


def _check_complete(parts: Sequence[Part], store: DocumentStore) -> None:
    wrong = []
    for part in parts:
        if not isinstance(part, str) and part.source.documents not in (None, store.sources[part.source.name]):
            wrong.append(f"{part.source}, got {store.sources[part.source.name]:,} in {', '.join(part.paths)}")
    if wrong:
        lines = "".join(f"\n- {entry}" for entry in wrong)
        raise ValueError(
            f"sources must be complete, got another number of documents:{lines}\nAdd the missing "
            "files, or declare the number that is right for your edition as `documents:` (null for any)."
        )
