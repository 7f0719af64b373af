"""A small collection as CLEF has them: three German documents in two sources, English topics, judgements."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCUMENTS = {
    "a": [("A1", "Brot", "Das Brot ist alt."), ("A2", "Regen", "Es regnet.")],
    "b": [("B1", "Brücke", "Die Brücke ist neu.")],
}
TOPICS = """<top><num> C041 </num><EN-title> Bread </EN-title><EN-desc> Old bread. </EN-desc></top>
<top><num> C042 </num><EN-title> Bridges </EN-title><EN-desc> New bridges. </EN-desc></top>
<top><num> C043 </num><EN-title> Wind </EN-title><EN-desc> Strong wind. </EN-desc></top>
"""
QRELS = "41-AH 0 A2 0\n41-AH 0 A1 1\n42-AH 0 B1 2\n42-AH 0 A1 0\n44-AH 0 A1 1\n"
YAML = """name: little
fields: title+description
documents:
  de:
    - {path: documents/a, encoding: iso-8859-1}
    - {path: documents/b/*.sgml, encoding: iso-8859-1, documents: 1}
topics: {en: topics.txt}
qrels: {de: qrels.txt}
"""


@pytest.fixture
def little(tmp_path: Path) -> Path:
    """YAML file of the collection."""
    for source, documents in DOCUMENTS.items():
        folder = tmp_path / "documents" / source
        folder.mkdir(parents=True)
        texts = (
            f"<DOC>\n<DOCNO>{name}</DOCNO>\n<TITLE>{title}</TITLE>\n<TEXT>{text}</TEXT>\n</DOC>\n"
            for name, title, text in documents
        )
        (folder / "1.sgml").write_bytes("".join(texts).encode("iso-8859-1"))
    (tmp_path / "topics.txt").write_text(TOPICS)
    (tmp_path / "qrels.txt").write_text(QRELS)
    (tmp_path / "little.yaml").write_text(YAML)
    return tmp_path / "little.yaml"
