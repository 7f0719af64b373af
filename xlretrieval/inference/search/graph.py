"""Nearest vectors without comparing all of them: an HNSW graph (Malkov and Yashunin 2020) of usearch, memory-mapped.

The graph holds the vectors as float16, half of their size; what it finds is compared again with the exact ones. Built
by one thread, so the same vectors give the same graph.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

GRAPH = "graph.usearch"
# Twice the defaults: vectors of an encoder that was little trained lie close together, and of the 100 nearest of
# 10,000 such the defaults find 87%. Building takes twice as long, which is little beside encoding.
_CONNECTIVITY = 32
_EXPANSION_ADD = 256
_EXPANSION_SEARCH = 256
_BLOCK = 10_000


def write_graph(path: Path, vectors: np.ndarray) -> None:
    """Writes the graph of `(rows, dimensions)` vectors of length 1."""
    from usearch.index import Index

    graph = Index(
        ndim=vectors.shape[1],
        metric="cos",  # "ip" would count how float16 rounds the lengths, and find 1% less
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
    )
    for start in range(0, len(vectors), _BLOCK):
        block = np.ascontiguousarray(vectors[start : start + _BLOCK])
        graph.add(np.arange(start, start + len(block), dtype=np.uint64), block, threads=1)
    graph.save(str(path))


class Graph:
    """A graph on disk.

    Args:
        path: What `write_graph` wrote.

    Raises:
        ValueError: It is no graph.
    """

    def __init__(self, path: Path):
        from usearch.index import Index

        self._graph = Index.restore(str(path), view=True)
        self._graph.expansion_search = _EXPANSION_SEARCH
        # Searches of one graph share its scratch memory.
        self._lock = threading.Lock()

    def search(self, vector: np.ndarray, count: int) -> np.ndarray:
        """Rows of about the `count` nearest vectors."""
        with self._lock:
            return self._graph.search(vector, count, threads=1).keys.astype(np.int64)
