"""The newspapers and agencies of CLEF 2000-2003: how their files are written and how many documents they have.

Numbers of documents are those of the campaigns' overviews (Braschler, CLEF 2003, LNCS 3237, table of the data
collection). Their sums are those that the CLEF test suites give by language: de 225,371 without SDA 1995, es 454,045,
fr 177,452, it 157,558, nl 190,604. The tags are the ones that the campaigns' guidelines allow for automatic runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DocumentSource:
    """How the documents of one source are read.

    Attributes:
        name: Short name: "FR94".
        description: "Frankfurter Rundschau 1994", for messages.
        language: Language code of the documents, "" when it does not say.
        title_tags: Elements that make the title, in the order of the file.
        text_tags: Elements that make the text.
        id_tags: Elements that hold the id; the first one that a document has counts.
        encoding: Of the files.
        documents: How many there must be; None when anything is right.
    """

    name: str
    description: str = ""
    language: str = ""
    title_tags: tuple[str, ...] = ("title", "headline", "head", "ti", "hl")
    text_tags: tuple[str, ...] = ("text", "lead", "ld", "le", "tx", "te", "st")
    id_tags: tuple[str, ...] = ("docno",)
    encoding: str = "utf-8"
    documents: int | None = None

    def __str__(self) -> str:
        number = "any number of" if self.documents is None else f"{self.documents:,}"
        about = f" ({self.description}, {self.language})" if self.description else ""
        return f"{self.name}{about}: {number} documents in {self.encoding}"


_AGENCY = (("ti",), ("ld", "tx", "st"))
_PLAIN = (("title",), ("text",))
_ENGLISH = (("headline",), ("text",))
_DUTCH = (("ti",), ("le", "te", "op"))


def _clef(
    name: str, description: str, language: str, tags: tuple[tuple[str, ...], tuple[str, ...]], documents: int
) -> DocumentSource:
    return DocumentSource(name, description, language, *tags, encoding="iso-8859-1", documents=documents)


# Latin-1 reads US-ASCII too, in which La Stampa is. NRC and Algemeen Dagblad are counted over both years, as is Der
# Spiegel: their numbers by year are in none of the overviews.
CLEF_SOURCES: dict[str, DocumentSource] = {
    source.name: source
    for source in (
        _clef("FR94", "Frankfurter Rundschau 1994", "de", _PLAIN, 139_715),
        _clef("SPIEGEL9495", "Der Spiegel 1994-1995", "de", (("title",), ("lead", "text")), 13_979),
        _clef("SDA94", "Schweizerische Depeschenagentur 1994", "de", _AGENCY, 71_677),
        _clef("SDA95", "Schweizerische Depeschenagentur 1995", "de", _AGENCY, 69_438),
        _clef("LATIMES94", "Los Angeles Times 1994", "en", _ENGLISH, 113_005),
        _clef("GH95", "Glasgow Herald 1995", "en", _ENGLISH, 56_472),
        _clef("EFE94", "EFE 1994", "es", _PLAIN, 215_738),
        _clef("EFE95", "EFE 1995", "es", _PLAIN, 238_307),
        _clef("LEMONDE94", "Le Monde 1994", "fr", _PLAIN, 44_013),
        _clef("LEMONDE95", "Le Monde 1995", "fr", _PLAIN, 47_646),
        _clef("ATS94", "Agence telegraphique suisse (SDA French) 1994", "fr", _AGENCY, 43_178),
        _clef("ATS95", "Agence telegraphique suisse (SDA French) 1995", "fr", _AGENCY, 42_615),
        _clef("LASTAMPA94", "La Stampa 1994", "it", _PLAIN, 58_051),
        _clef("AGZ94", "Agenzia telegrafica svizzera (SDA Italian) 1994", "it", _AGENCY, 50_527),
        _clef("AGZ95", "Agenzia telegrafica svizzera (SDA Italian) 1995", "it", _AGENCY, 48_980),
        _clef("NRC9495", "NRC Handelsblad 1994-1995", "nl", _DUTCH, 84_121),
        _clef("AD9495", "Algemeen Dagblad 1994-1995", "nl", _DUTCH, 106_483),
    )
}
