"""Pickles of plain data, read without executing anything in them."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xlretrieval.data.values import shorten


class _NotPlain(ValueError):
    """A pickle asks for something other than plain data."""


def _refuse(name: str) -> Callable[[pickle._Unpickler], None]:
    def refuse(unpickler: pickle._Unpickler) -> None:
        raise _NotPlain(f"the instruction {name}")

    return refuse


_PLAIN_INSTRUCTIONS = frozenset(
    "PROTO FRAME STOP MARK MEMOIZE BINPUT LONG_BINPUT BINGET LONG_BINGET "
    # LONG4 is left out: integers of thousands of digits are no ids, and cannot even be printed.
    "BININT BININT1 BININT2 LONG1 BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS "
    # These name a class; they end in find_class, which refuses it by its name.
    "GLOBAL STACK_GLOBAL INST".split()
)


class _PlainUnpickler(pickle._Unpickler):
    """Builds dict, list, str and int, and refuses every other instruction before it does anything.

    On top of the interpreter's own Python implementation: the C one cannot be restricted to a list of instructions,
    and 10 bytes of crafted input make it ask for 34 GB (LONG_BINPUT, an array for its memo; here that is a dict).
    """

    dispatch = {
        ord(opcode.code): pickle._Unpickler.dispatch[ord(opcode.code)]
        if opcode.name in _PLAIN_INSTRUCTIONS
        else _refuse(opcode.name)
        for opcode in pickletools.opcodes
    }

    def find_class(self, module: str, name: str) -> Any:
        raise _NotPlain(f"the class {shorten(f'{module}.{name}')}")


def read_plain_pickle(path: str | Path) -> Any:
    """Reads a pickle (protocol 2 to 5) of dict, list, str and int; nothing in it is executed.

    Raises:
        ValueError: It holds anything else, or is damaged. The message names the file, and the class if it has one.
    """
    data = Path(path).read_bytes()
    try:
        # From memory: a length field that lies then ends at the end of the data instead of reserving its size.
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:
        # On damaged data the unpickler raises some ten kinds: EOFError, IndexError, struct.error, KeyError, ...
        what = str(error) if isinstance(error, _NotPlain) else f"damaged data ({type(error).__name__})"
        raise ValueError(
            f"{path} must be a pickle of dict, list, str and int only, got {what}. Get the file from its release."
        ) from error
