"""Shards: the files that a stage leaves, each whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_COUNTS = b"counts"


def key_of(*parts: Any) -> str:
    """A name for what follows from `parts`, which are plain values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which gets its name when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def writing_shard(path: Path, schema: pa.Schema, counts: Mapping[str, Any]) -> Iterator[pq.ParquetWriter]:
    """A Parquet shard to write; what `counts` holds at the end of the block goes with it."""
    with writing(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        yield writer
        writer.add_key_value_metadata({_COUNTS: json.dumps(dict(counts))})


def shard_counts(path: Path) -> dict[str, Any]:
    """The counts that were written with a shard."""
    return json.loads(pq.read_metadata(path).metadata[_COUNTS])


def remove_partial_files(folder: Path) -> None:
    """Removes what killed workers left; to be called while no worker runs."""
    for path in folder.rglob(".*.partial"):
        if path.is_file():
            path.unlink(missing_ok=True)
