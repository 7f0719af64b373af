"""One topic file, documents in German and French: a collection of two directions that can be mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCUMENTS = {
    "de": {"D1": "der Fluss und das Wasser", "D2": "die Musik", "D3": "der Berg"},
    "fr": {"F1": "la rivière et les gens", "F2": "la maison rouge"},
}
TOPICS = "".join(
    f"<top><num> {number} </num><EN-title> {title} </EN-title></top>\n"
    for number, title in (("C041", "river water"), ("C042", "house"), ("C043", "music"), ("C044", "wind"))
)
QRELS = {
    "de": "41-AH 0 D1 1\n41-AH 0 D2 0\n43-AH 0 D2 1\n43-AH 0 D3 0\n43-AH 0 D1 0\n",
    "fr": "C041 0 F1 1\nC041 0 F2 0\nC042 0 F2 1\nC042 0 F1 0\n",
}


@pytest.fixture
def two_languages(tmp_path: Path) -> Path:
    """YAML file of the collection."""
    for language, documents in DOCUMENTS.items():
        texts = (f"<DOC><DOCNO>{name}</DOCNO><TEXT>{text}</TEXT></DOC>\n" for name, text in documents.items())
        (tmp_path / f"{language}.sgml").write_text("".join(texts))
        (tmp_path / f"{language}.qrels").write_text(QRELS[language])
    (tmp_path / "topics.txt").write_text(TOPICS)
    (tmp_path / "two.yaml").write_text(
        "name: two\ntopics: {en: topics.txt}\n"
        "documents: {de: {path: de.sgml, text_tags: [text]}, fr: {path: fr.sgml, text_tags: [text]}}\n"
        "qrels: {de: de.qrels, fr: fr.qrels}\n"
    )
    return tmp_path / "two.yaml"
