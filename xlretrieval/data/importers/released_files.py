"""The files of the 2021 release: `enfr/en_np.pkl` aligns sections, `enfr/en_text.pkl` holds their texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from xlretrieval.data.values import is_unicode, shorten

from .plain_pickle import read_plain_pickle


class Alignment(NamedTuple):
    """What one `<lang>_np.pkl` says: for sections of one language, those of the other."""

    path: Path
    positives: dict[str, str]
    negatives: dict[str, list[str]]


def _section_id(value: object, where: str) -> str:
    if type(value) is not int and not (type(value) is str and is_unicode(value)):
        raise ValueError(f"{where}: section id must be Unicode or an integer, got {shorten(value)}. Correct the file.")
    # Interned: an id stands in some ten lists, and one string for all is a tenth of the memory.
    return sys.intern(str(value))


def _entries(path: Path) -> Iterator[tuple[str, str, Any]]:
    """Yields (where, section id, value) of a pickled dict."""
    table = read_plain_pickle(path)
    if not isinstance(table, dict):
        raise ValueError(f"{path} must hold a dict of sections, got {shorten(table)}. Get the file again.")
    seen: set[str] = set()
    for number, (key, value) in enumerate(table.items(), start=1):
        section = _section_id(key, f"{path}, entry {number}")
        if section in seen:
            raise ValueError(f"{path}, entry {number}: section id must be unique, got {section!r} twice. Rename one.")
        seen.add(section)
        yield f"{path}, entry {number} (section {section!r})", section, value


def read_alignment(path: Path) -> Alignment:
    """Reads a `<lang>_np.pkl`. Raises ValueError with file and entry when it has another shape."""
    alignment = Alignment(path, {}, {})
    for where, section, entry in _entries(path):
        if not isinstance(entry, dict) or not {"p", "n"} <= entry.keys() or not isinstance(entry["n"], list):
            raise ValueError(f"{where} must be {{'p': id, 'n': [ids]}}, got {shorten(entry)}. Correct the file.")
        alignment.positives[section] = _section_id(entry["p"], where)
        alignment.negatives[section] = [_section_id(value, where) for value in entry["n"]]
    return alignment


def read_texts(path: Path) -> dict[str, str]:
    """Reads a `<lang>_text.pkl`: section id -> text. Raises ValueError with file and entry likewise."""
    texts = {}
    for where, section, text in _entries(path):
        if not isinstance(text, str) or not is_unicode(text):
            raise ValueError(f"{where} must be text in Unicode, got {shorten(text)}. Correct the file.")
        texts[section] = text
    return texts


def released_directory(folder: Path, codes: tuple[str, str]) -> Path:
    """Directory of a pair, whose name may have its languages in either order."""
    if not folder.is_dir():
        raise FileNotFoundError(f"folder of the released pickles must exist, got {str(folder)!r}. Check the path.")
    names = ["".join(codes), "".join(codes[::-1])]
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    found = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())) or "none"
    raise ValueError(
        f"{folder} must hold the directory {names[0]!r} or {names[1]!r}, got: {found}. Choose another pair or folder."
    )
