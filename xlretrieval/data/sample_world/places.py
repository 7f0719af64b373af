"""Where an article or a preposition depends on the name: "in the Bahamas", "im Iran", "aux Pays-Bas", "l'hébreu"."""

from __future__ import annotations

import re

_ENGLISH_THE = re.compile(
    r"(.* (Islands|Territory|Territories|Republic|Emirates|States|Kingdom|Netherlands)"
    r"|Bahamas|Comoros|Gambia|Maldives|Netherlands|Philippines|Seychelles|Isle of Man|Faroe Islands)"
)
_GERMAN = {
    "in der": "Schweiz Türkei Ukraine Slowakei Mongolei Westsahara Antarktis Vatikanstadt".split(),
    "im": "Iran Irak Jemen Libanon Niger Oman Senegal Sudan Südsudan Tschad".split(),
    "auf den": "Bahamas Komoren Malediven Philippinen Salomonen Seychellen Färöer Ålandinseln Cookinseln".split()
    + "Falklandinseln Kaimaninseln Kokosinseln Marshallinseln Pitcairninseln".split(),
    "auf": "Aruba Barbados Curaçao Grönland Guadeloupe Guam Haiti Jamaika Jersey Guernsey Kuba Madagaskar Malta "
    "Martinique Mauritius Mayotte Montserrat Nauru Niue Réunion Zypern Bermuda Anguilla Ascension".split(),
}
_GERMAN_WHOLE = {
    "Dominikanische Republik": "in der Dominikanischen Republik",
    "Zentralafrikanische Republik": "in der Zentralafrikanischen Republik",
    "Republik Moldau": "in der Republik Moldau",
    "Niederlande": "in den Niederlanden",
    "Vereinigte Staaten": "in den Vereinigten Staaten",
    "Vereinigte Arabische Emirate": "in den Vereinigten Arabischen Emiraten",
    "Vereinigtes Königreich": "im Vereinigten Königreich",
    "Kanarische Inseln": "auf den Kanarischen Inseln",
    "Isle of Man": "auf der Isle of Man",
}
# Names whose form asks for an article that a table of 20 lines cannot give.
_GERMAN_HARD = re.compile(
    r"(.*(inseln?|-Insel|Inseln|Territorium|gebiete|Marianen|Niederlande|Grenadinen).*|Sonderverwaltungsregion.*)"
)
_FRENCH_MASCULINE = set(
    "Bangladesh Belize Bhoutan Botswana Brésil Burundi Bénin Cambodge Cameroun Canada Chili Congo-Brazzaville "
    "Congo-Kinshasa Danemark Gabon Ghana Groenland Guatemala Guyana Honduras Japon Kazakhstan Kenya Kirghizstan "
    "Kosovo Koweït Laos Lesotho Liban Liberia Luxembourg Malawi Mali Maroc Mexique Monténégro Mozambique Nicaragua "
    "Niger Nigeria Népal Pakistan Panama Paraguay Portugal Pérou Qatar Royaume-Uni Rwanda Salvador Soudan Suriname "
    "Sénégal Tadjikistan Tchad Togo Turkménistan Venezuela Viêt#Nam Yémen Zimbabwe Cap-Vert Vanuatu Burkina#Faso "
    "Costa#Rica Sahara#occidental Soudan#du#Sud Timor#oriental Myanmar#(Birmanie)".replace("#", "\u00a0").split(" ")
)
_FRENCH_PLURAL = re.compile(
    r"(Pays-Bas.*|États-Unis|Émirats arabes unis|Comores|Bahamas|Bermudes|Maldives|Philippines|Seychelles|Palaos|Fidji"
    r"|Îles .*|Territoires .*|Samoa américaines|Terres .*)"
)
_FRENCH_BARE = set(
    "Andorre Anguilla Antigua-et-Barbuda Aruba Bahreïn Ceuta#et#Melilla Chypre Cuba Curaçao Diego#Garcia Djibouti "
    "Gibraltar Guam Guernesey Haïti Israël Jersey Kiribati Madagascar Malte Maurice Mayotte Monaco Montserrat Nauru "
    "Niue Oman Porto#Rico Saint-Barthélemy Saint-Christophe-et-Niévès Saint-Marin Saint-Martin Sainte-Hélène "
    "Sainte-Lucie Saint-Pierre-et-Miquelon Saint-Vincent-et-les#Grenadines Samoa Sao#Tomé-et-Principe Singapour "
    "Sri#Lanka Taïwan Tokelau Tonga Trinité-et-Tobago Tristan#da#Cunha Tuvalu Wallis-et-Futuna La#Réunion Brunei "
    "Liechtenstein Saint-Martin#(partie#néerlandaise) Sierra#Leone Eswatini R.A.S.#chinoise#de#Hong#Kong "
    "R.A.S.#chinoise#de#Macao".replace("#", "\u00a0").split(" ")
)
_FRENCH_IN = {
    "Israël": "en",
    "Andorre": "en",
    "Barbade": "à la",
    "Dominique": "à la",
    "Grenade": "à la",
    "Svalbard et Jan Mayen": "au",
    "Samoa": "aux",
    "Liechtenstein": "au",
    "Brunei": "au",
    "Sri Lanka": "au",
    "Sierra Leone": "en",
    "Eswatini": "en",
    "R.A.S. chinoise de Hong Kong": "dans la",
    "R.A.S. chinoise de Macao": "dans la",
}
_VOWEL = re.compile(r"[aeiouyàâéèêëîïôûœæ]", re.IGNORECASE)


def inside(name: str, language: str) -> str:
    """What stands before a territory's name in "in Switzerland", with the name itself as `{}`."""
    if language == "en":
        where = "on" if name.endswith(" Island") or name == "Isle of Man" else "in"
        return f"{where} the {{}}" if _takes_the(name) else f"{where} {{}}"
    if language == "es":
        return "en {}"
    return _inside_german(name) if language == "de" else _inside_french(name)


def _takes_the(name: str) -> bool:
    return bool(_ENGLISH_THE.fullmatch(name)) and not name.startswith("South Georgia")


def _inside_german(name: str) -> str:
    if name in _GERMAN_WHOLE:
        return _GERMAN_WHOLE[name].replace(name, "{}") if name in _GERMAN_WHOLE[name] else _GERMAN_WHOLE[name]
    for words, names in _GERMAN.items():
        if name in names:
            # The dative plural of what does not end in n or s already.
            return f"{words} {{}}" + ("n" if words == "auf den" and name == "Färöer" else "")
    return "im Gebiet „{}“" if _GERMAN_HARD.fullmatch(name) else "in {}"


def _inside_french(name: str) -> str:
    key = name.replace(" ", "\u00a0")
    if name in _FRENCH_IN:
        return f"{_FRENCH_IN[name]} {{}}"
    if key in _FRENCH_BARE:
        return "à {}"
    if name.startswith("Île de") or name.startswith("Île "):
        return "sur l’{}"
    if _FRENCH_PLURAL.fullmatch(name):
        return "aux {}"
    if name.startswith(("Territoire", "État")):
        return "dans le territoire « {} »"
    return "au {}" if key in _FRENCH_MASCULINE else "en {}"


def definite(name: str, language: str) -> str:
    """What stands before a name as a subject: "le français", "l’anglais", "el inglés", "the Bahamas"."""
    if language == "en" and _takes_the(name):
        return "the {}"
    if language == "es":
        return "el {}"
    if language == "fr":
        silent = name.startswith("héb")
        return "l’{}" if silent or _VOWEL.match(name) and not name.startswith(("yi", "yo", "ya", "ye")) else "le {}"
    return "{}"
