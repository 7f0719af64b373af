"""An aligner as a file: arrays of numbers in NumPy's .npz, and a JSON header in one of them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from xlretrieval.data.files import write_bytes

from .pair_model import PairModel, Spread
from .rarity import Rarity
from .translations import TranslationTable

_FORMAT = "section-aligner-1"
_TABLES = ("headings", "heading_words", "lexicon")
_SPREADS = ("length", "position")


def write_aligner(
    path: str | Path, rarities: dict[str, Rarity], pairs: dict[tuple[str, str], PairModel], settings: dict[str, Any]
) -> None:
    """Writes an aligner, whole or not at all; equal aligners give equal bytes."""
    languages, names = sorted(rarities), sorted(pairs)
    header = {
        "format": _FORMAT,
        "settings": settings,
        "languages": {language: rarities[language].sections for language in languages},
        "pairs": [
            {"languages": list(name), **{spread: astuple(getattr(pairs[name], spread)) for spread in _SPREADS}}
            for name in names
        ],
    }
    arrays = {"header": np.frombuffer(json.dumps(header, ensure_ascii=False).encode(), dtype=np.uint8)}
    for number, language in enumerate(languages):
        arrays[f"rarity_{number}"] = rarities[language].counts
    for number, name in enumerate(names):
        for kind in _TABLES:
            table = getattr(pairs[name], kind)
            arrays[f"{kind}_{number}_keys"], arrays[f"{kind}_{number}_gains"] = table.keys, table.gains
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_bytes(path, content.getvalue())


def read_aligner(
    path: str | Path,
) -> tuple[dict[str, Rarity], dict[tuple[str, str], PairModel], dict[str, Any]]:
    """Reads what `write_aligner` wrote.

    Raises:
        ValueError: The file is no aligner, or one of another version.
        OSError: The file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(arrays["header"].tobytes())
            if header["format"] != _FORMAT:
                raise ValueError(f"its format is {header['format']!r}")
            rarities = {
                language: Rarity(arrays[f"rarity_{number}"], sections)
                for number, (language, sections) in enumerate(header["languages"].items())
            }
            pairs = {}
            for number, entry in enumerate(header["pairs"]):
                tables = {
                    kind: TranslationTable(arrays[f"{kind}_{number}_keys"], arrays[f"{kind}_{number}_gains"])
                    for kind in _TABLES
                }
                spreads = {spread: Spread(*entry[spread]) for spread in _SPREADS}
                pairs[tuple(entry["languages"])] = PairModel(**tables, **spreads)
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} must be a section aligner of format {_FORMAT!r}, got {error}. Fit and save it again."
        ) from None
    return rarities, pairs, header["settings"]
