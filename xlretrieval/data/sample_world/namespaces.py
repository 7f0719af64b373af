"""The words that MediaWiki itself and its pages use in each language of the sample."""

from __future__ import annotations

FILE = {"de": "Datei", "en": "File", "es": "Archivo", "fr": "Fichier"}
CATEGORY = {"de": "Kategorie", "en": "Category", "es": "Categoría", "fr": "Catégorie"}
TEMPLATE = {"de": "Vorlage", "en": "Template", "es": "Plantilla", "fr": "Modèle"}
REDIRECT = {"de": "WEITERLEITUNG", "en": "REDIRECT", "es": "REDIRECCIÓN", "fr": "REDIRECTION"}
MAIN_PAGE = {
    "de": "Wikipedia:Hauptseite",
    "en": "Main Page",
    "es": "Wikipedia:Portada",
    "fr": "Wikipédia:Accueil principal",
}

_TALK = {"de": "{} Diskussion", "en": "{} talk", "es": "{} discusión", "fr": "Discussion {}"}
_NAMESPACES = {
    "de": "Diskussion Benutzer Wikipedia Datei MediaWiki Vorlage Hilfe Kategorie",
    "en": "Talk User Wikipedia File MediaWiki Template Help Category",
    "es": "Discusión Usuario Wikipedia Archivo MediaWiki Plantilla Ayuda Categoría",
    "fr": "Discussion Utilisateur Wikipédia Fichier MediaWiki Modèle Aide Catégorie",
}
_SPECIAL = {
    "de": ("Medium", "Spezial"),
    "en": ("Media", "Special"),
    "es": ("Medio", "Especial"),
    "fr": ("Média", "Spécial"),
}


def namespaces(language: str) -> list[tuple[int, str]]:
    """Numbers and names of a wiki's namespaces, as `siteinfo` lists them; the main one has no name."""
    media, special = _SPECIAL[language]
    talk, *subjects = _NAMESPACES[language].split()
    found = [(-2, media), (-1, special), (0, ""), (1, talk)]
    for position, subject in enumerate(subjects, start=1):
        found += [(2 * position, subject), (2 * position + 1, _TALK[language].format(subject))]
    return found


KIND_CATEGORIES = {
    "de": {
        "territory": "Staat",
        "language": "Einzelsprache",
        "currency": "Währung",
        "script": "Schrift",
        "zone": "Zeitzone",
    },
    "en": {
        "territory": "Territories",
        "language": "Languages",
        "currency": "Currencies",
        "script": "Scripts",
        "zone": "Time zones",
    },
    "es": {
        "territory": "Territorios",
        "language": "Lenguas",
        "currency": "Monedas",
        "script": "Escrituras",
        "zone": "Husos horarios",
    },
    "fr": {
        "territory": "Territoire",
        "language": "Langue",
        "currency": "Monnaie",
        "script": "Système d’écriture",
        "zone": "Fuseau horaire",
    },
}

# Names and parameters of templates, and words inside of file links.
PAGE_WORDS = {
    "de": {
        "infobox": "Infobox",
        "territory": "Staat",
        "language": "Sprache",
        "currency": "Währung",
        "script": "Schrift",
        "zone": "Zeitzone",
        "name": "Name",
        "code": "Kürzel",
        "image": "Bild",
        "hatnote": "Begriffsklärungshinweis",
        "main": "Hauptartikel",
        "thumb": "mini",
        "right": "rechts",
        "left": "links",
        "reflist": "Einzelnachweise",
        "commons": "Commonscat",
        "navigation": "Navigationsleiste",
        "sortkey": "SORTIERUNG",
    },
    "en": {
        "infobox": "Infobox",
        "territory": "country",
        "language": "language",
        "currency": "currency",
        "script": "writing system",
        "zone": "time zone",
        "name": "name",
        "code": "code",
        "image": "image",
        "hatnote": "About",
        "main": "Main",
        "thumb": "thumb",
        "right": "right",
        "left": "left",
        "reflist": "Reflist",
        "commons": "Commons category",
        "navigation": "Navbox",
        "sortkey": "DEFAULTSORT",
    },
    "es": {
        "infobox": "Ficha de",
        "territory": "país",
        "language": "idioma",
        "currency": "moneda",
        "script": "escritura",
        "zone": "huso horario",
        "name": "nombre",
        "code": "código",
        "image": "imagen",
        "hatnote": "Otros usos",
        "main": "AP",
        "thumb": "miniaturadeimagen",
        "right": "derecha",
        "left": "izquierda",
        "reflist": "Listaref",
        "commons": "Commonscat",
        "navigation": "Plantilla de navegación",
        "sortkey": "ORDENAR",
    },
    "fr": {
        "infobox": "Infobox",
        "territory": "Pays",
        "language": "Langue",
        "currency": "Monnaie",
        "script": "Système d’écriture",
        "zone": "Fuseau horaire",
        "name": "nom",
        "code": "code",
        "image": "image",
        "hatnote": "Voir homonymes",
        "main": "Article détaillé",
        "thumb": "vignette",
        "right": "droite",
        "left": "gauche",
        "reflist": "Références",
        "commons": "Commons",
        "navigation": "Palette",
        "sortkey": "CLEFDETRI",
    },
}
