"""Values found in files: whether they are Unicode, and how a message shows them."""

from __future__ import annotations

import reprlib

# Not repr: on lists nested thousands deep, which a file can hold, it ends in a RecursionError.
_shortener = reprlib.Repr()
_shortener.maxstring = _shortener.maxother = 60
shorten = _shortener.repr


def is_unicode(text: str) -> bool:
    """False for text with half a surrogate pair, which no file in UTF-8 can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
