"""A small index in three languages, one of whose documents attacks the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xlretrieval.inference.search import Index

ATTACK = (
    'The city attacks. <script>window.attacked = 1</script><img src=x onerror="window.attacked = 2"> '
    "<svg onload='window.attacked = 3'> ${window.attacked = 4} {{window.attacked = 5}} &lt;b&gt; </article></div>"
)
DOCUMENTS = [
    {"id": "de-1", "title": "Die Stadt", "text": "Die Stadt ist auf dem Berg. Der Fluss ist rot.", "language": "de"},
    {"id": "de-2", "title": "Musik", "text": "Die Musik der Leute ist Geschichte.", "language": "de"},
    {"id": "fr-1", "title": "La ville", "text": "La ville est sur la montagne. Le bleu.", "language": "fr"},
    {"id": "en-1", "text": "The history of the language. " * 60, "language": "en"},
    {"id": "evil", "title": "<u>Evil</u> & <script>window.attacked = 6</script>", "text": ATTACK, "language": "en"},
]


@pytest.fixture(scope="session")
def encoder_folder(tiny_checkpoint: Callable[[str], Path]) -> Path:
    """A tiny encoder for 64 tokens."""
    return tiny_checkpoint("BertModel")


@pytest.fixture(scope="session")
def index_folder(encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five documents."""
    folder = tmp_path_factory.mktemp("built") / "cities"
    Index.build(DOCUMENTS, folder, str(encoder_folder), show_progress=False)
    return folder
