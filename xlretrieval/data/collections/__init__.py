"""Collections for ad-hoc retrieval: documents, topics and judgements in the formats of TREC and CLEF.

Runs and judgements alone are read and written in `xlretrieval.data.trec`.
"""

from .collection import Collection
from .configuration import CollectionConfig, load_collection_config
from .documents import Document, DocumentFiles, LocatedDocument, read_documents
from .loading import load_collection
from .problems import Problems
from .sources import CLEF_SOURCES, DocumentSource
from .store import DocumentStore, build_store
from .topic_files import read_topics
from .topics import Topic, topic_key, topic_queries

__all__ = [
    "CLEF_SOURCES",
    "Collection",
    "CollectionConfig",
    "Document",
    "DocumentFiles",
    "DocumentSource",
    "DocumentStore",
    "LocatedDocument",
    "Problems",
    "Topic",
    "build_store",
    "load_collection",
    "load_collection_config",
    "read_documents",
    "read_topics",
    "topic_key",
    "topic_queries",
]
