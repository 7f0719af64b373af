"""A search index on disk: nearest vectors and shared words find candidates, a reranker orders them.

An index is a folder of immutable segments and one manifest that names them. Writers make new segments and then replace
the manifest, so that a reader, and whoever opens the folder after a kill, sees all of a change or nothing of it.
"""

from .documents import SearchDocument
from .hits import Hit
from .index import Index

__all__ = ["Hit", "Index", "SearchDocument"]
