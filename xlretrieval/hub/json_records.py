"""Records as JSON: read with checks, and made fit for the public."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def read_record(path: str | Path, finite: bool = True) -> dict[str, Any]:
    """A JSON object.

    Args:
        path: The file.
        finite: Refuse NaN and infinity, which the log of a run that diverged may hold.

    Raises:
        ValueError: It is not UTF-8, not JSON (line named), not an object, or has a number that is not finite.
        OSError: It cannot be read.
    """
    again = "Run the command that writes it again."

    def refuse(constant: str) -> float:
        if finite:
            raise ValueError(f"{path}: numbers must be finite, got {constant}. {again}")
        return float(constant)

    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file must be UTF-8, got {error}. {again}") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}, line {error.lineno}: the file must be whole JSON, got {error.msg}. {again}"
        ) from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: the file must hold a JSON object, got {type(content).__name__}. {again}")
    return content


def public_record(value: Any) -> Any:
    """A record without the folders of this machine: of every path only the last part is left.

    Args:
        value: What JSON holds.
    """
    if isinstance(value, dict):
        return {name: public_record(of) for name, of in value.items()}
    if isinstance(value, list):
        return [public_record(of) for of in value]
    return _without_folders(value) if isinstance(value, str) else value


def _without_folders(text: str) -> str:
    """The last part where the text is a path: `runs/qlm-rr` is one if it is there, and else the name of a model."""
    if "/" not in text and "\\" not in text:
        return text
    absolute = re.match(r"/|~|[A-Za-z]:[\\/]|\.{1,2}[\\/]", text)
    return re.split(r"[\\/]", text.rstrip("\\/"))[-1] if absolute or Path(text).exists() else text
