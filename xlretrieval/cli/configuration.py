"""Options that a YAML file can hold and flags override: default < `--config FILE` < flag.

    # evaluation.yaml                      xlretrieval evaluate alignment --config evaluation.yaml --layer 8
    model: runs/qlm-rr
    tatoeba: data/tatoeba
    pairs: [deu-eng, fra-eng]

Keys are the names of the flags. An unknown or doubled key and a value of the wrong kind are errors with file and line.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# What belongs to the parser, not to the command.
_INTERNAL = ("command", "traceback", "config", "configurable")


def comma_separated(text: str) -> list[str]:
    """`"de-en, fr-en"` -> `["de-en", "fr-en"]`, for `type=` of an option. In YAML such an option may be a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message on an unknown name: `" Did you mean 'layer'?"`, or all names when none is near."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Choose among {', '.join(known)}."


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file of `key: value` lines.

    Raises:
        ValueError: With file and line: the file is not YAML, not a mapping, not UTF-8, or has a key twice.
        OSError: The file is not there, or cannot be read.
    """
    return {key: value for key, (_, value) in read_yaml(path).items()}


def read_yaml(path: Path) -> dict[str, tuple[int, Any]]:
    """As `load_yaml`, with the line of each key (from 1): key -> (line, value)."""
    import yaml

    items: dict[str, tuple[int, Any]] = {}
    if not Path(path).exists():
        raise FileNotFoundError(
            f"The configuration must be a YAML file, got {path}, which is not there. Check its name."
        )
    try:
        loader = yaml.SafeLoader(Path(path).read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return items
        if not isinstance(node, yaml.MappingNode):
            raise ValueError(f"{path}, line 1: the file must hold `key: value` lines, got a {node.id}. Rewrite it.")
        for key_node, value_node in node.value:
            line, key = key_node.start_mark.line + 1, str(loader.construct_object(key_node, deep=True))
            if key in items:
                raise ValueError(
                    f"{path}, line {line}: a key must occur once, got {key!r} which is also in line {items[key][0]}. "
                    "Remove one of them."
                )
            items[key] = line, loader.construct_object(value_node, deep=True)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file must be UTF-8, got {error}. Convert it with `iconv -t UTF-8`.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or error
        raise ValueError(f"{path}{line}: the file must be YAML, got an error: {problem}. Repair it.") from None
    return items


class ConfigurableOptions:
    """The options of one command; adds `--config` to its parser.

    In `add_arguments`: `options = ConfigurableOptions(parser)`, then `options.add(...)`, like `add_argument`.
    In `run`: `arguments = arguments.configurable.resolve(arguments)`.

    Args:
        parser: The command's parser.
    """

    def __init__(self, parser: argparse.ArgumentParser):
        self._parser = parser
        self._actions: dict[str, argparse.Action] = {}
        self._defaults: dict[str, Any] = {}
        parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file with these options; flags override")
        parser.set_defaults(configurable=self)

    def add(self, *flags: str, **settings: Any) -> None:
        """Adds an option, with the arguments of `ArgumentParser.add_argument` (optional ones only)."""
        action = self._parser.add_argument(*flags, **settings)
        self._actions[action.dest] = action
        self._defaults[action.dest] = action.default
        # With no default of its own, the namespace holds a value only if the flag was given.
        action.default = argparse.SUPPRESS

    def resolve(self, arguments: argparse.Namespace) -> argparse.Namespace:
        """Merges defaults, file and flags.

        Args:
            arguments: What the parser returned.

        Returns:
            All options of the command and what else the parser set.

        Raises:
            ValueError: With file and line, something is wrong in the YAML file.
            OSError: The file cannot be read.
        """
        file = self._read(arguments.config) if arguments.config else {}
        return argparse.Namespace(**(self._defaults | file | vars(arguments)))

    def _read(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, (line, value) in read_yaml(path).items():
            name = key.replace("-", "_")
            if name not in self._actions:
                known = [option.replace("_", "-") for option in self._actions]
                raise ValueError(
                    f"{path}, line {line}: a key must be an option of the command, got {key!r}."
                    + nearest(key.replace("_", "-"), known)
                )
            if value is not None:
                values[name] = _convert(value, self._actions[name], f"{path}, line {line}: {key}")
        return values


def _convert(value: Any, action: argparse.Action, where: str) -> Any:
    """A YAML value as the flag would have given it."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ValueError(f"{where} must be true or false, got {value!r}. Write one of them.")
        return value
    if action.nargs in ("+", "*"):
        parts = value if isinstance(value, list) else [value]
        return [_convert_one(part, action, where) for part in parts]
    if action.type is comma_separated and isinstance(value, list):
        return [str(part) for part in value]
    return _convert_one(value, action, where)


def _convert_one(value: Any, action: argparse.Action, where: str) -> Any:
    if isinstance(value, (bool, list, dict)):
        raise ValueError(f"{where} must be one value, got {value!r}. Write it as on the command line.")
    try:
        converted = action.type(str(value)) if action.type else str(value)
    except (ValueError, TypeError, argparse.ArgumentTypeError):
        kind = getattr(action.type, "__name__", "value")
        raise ValueError(f"{where} must be of type {kind}, got {value!r}. Write it as on the command line.") from None
    if action.choices and converted not in action.choices:
        raise ValueError(f"{where} must be one of {', '.join(map(str, action.choices))}, got {value!r}. Choose one.")
    return converted


def as_record(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options as JSON takes them, to be written next to the result."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(part) for part in value]
        return str(value) if isinstance(value, Path) else value

    return {name: plain(value) for name, value in vars(arguments).items() if name not in _INTERNAL}
