"""What a folder of dumps holds, wiki by wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xlretrieval.data.wiki.dumps.reading import database_name
from xlretrieval.data.wiki.links.building import LinkFiles
from xlretrieval.data.wiki.records import wiki_language

_ENDING = re.compile(r"\.xml(-p\d+p\d+)?(\.(bz2|gz|xz|7z))?$")
_DATE = re.compile(r"wiki-(\d{8}|latest)-")


@dataclass
class WikiFiles:
    """The files of one wiki.

    Attributes:
        language: Language code.
        pages: Dumps of its pages; several when the wiki is published in several.
        tables: Its SQL tables.
        date: Date of the dump as the names say it, "" if they do not.
    """

    language: str
    pages: list[Path] = field(default_factory=list)
    tables: LinkFiles = field(default_factory=LinkFiles)
    date: str = ""

    def files(self) -> list[Path]:
        """All of them."""
        tables = (self.tables.page_props, self.tables.langlinks, self.tables.redirect)
        return [*self.pages, *(path for path in tables if path is not None)]


def find_dumps(folder: str | Path, languages: Iterable[str]) -> dict[str, WikiFiles]:
    """Finds the files of some wikis in a folder, in the folders of `xlretrieval wiki download` and of mirrors too.

    Args:
        folder: The folder; its subfolders are searched.
        languages: Language codes.

    Returns:
        Language -> its files, in the order of the codes.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: A wiki has no dump of its pages, or dumps of several dates.
    """
    folder = Path(folder)
    found = _files(folder)
    wikis = _by_language(found)
    result = {}
    for language in sorted(set(languages)):
        if language not in wikis:
            have = ", ".join(sorted(wikis)) or "none"
            raise ValueError(
                f"{folder} must hold a dump of the pages of {language!r}, got dumps of: {have}. "
                "Download it with `xlretrieval wiki download`."
            )
        pages = _newest_form(wikis[language], folder, language)
        tables = {name: _table(found, pages[0], name) for name in ("page_props", "langlinks", "redirect")}
        match = _DATE.search(pages[0].name)
        result[language] = WikiFiles(language, pages, LinkFiles(**tables), match[1] if match else "")
    return result


def found_languages(folder: str | Path) -> set[str]:
    """Languages that a folder has dumps of. Raises FileNotFoundError when there is no such folder."""
    return set(_by_language(_files(Path(folder))))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"folder of dumps must exist, got {str(folder)!r}. Check the path.")
    return sorted(path for path in folder.rglob("*wiki*") if path.is_file() and not path.name.startswith("."))


def _by_language(found: list[Path]) -> dict[str, list[Path]]:
    """The dumps of pages among some files."""
    wikis: dict[str, list[Path]] = {}
    for path in found:
        if _ENDING.search(path.name):
            wikis.setdefault(wiki_language(database_name(path)), []).append(path)
    return wikis


def _newest_form(paths: list[Path], folder: Path, language: str) -> list[Path]:
    """The dumps to read of those that are there: a wiki must not be read twice."""
    if any(path.suffix == ".7z" for path in paths):
        raise ValueError(f"{folder}: dumps must be bz2, gzip, xz or plain, got {paths[0].name}. Unpack it.")
    multistream = [path for path in paths if "multistream" in path.name]
    paths = multistream or paths
    stems = {_ENDING.sub("", re.sub(r"\d*$", "", _ENDING.sub("", path.name))) for path in paths}
    if len(stems) > 1 or (len(paths) > 1 and len({path.parent for path in paths}) > 1):
        names = ", ".join(str(path.relative_to(folder)) for path in paths)
        raise ValueError(
            f"{folder} must hold one dump of {language!r}, or the parts of one, got {names}. "
            "Move those that should not be read elsewhere."
        )
    return paths


def _table(found: list[Path], pages: Path, name: str) -> Path | None:
    """The table of the same wiki and date beside the pages."""
    prefix = pages.name.split("-pages-")[0] if "-pages-" in pages.name else re.split(r"[-.]", pages.name)[0]
    for ending in (".sql.gz", ".sql"):
        path = pages.with_name(f"{prefix}-{name}{ending}")
        if path in found:
            return path
    return None
