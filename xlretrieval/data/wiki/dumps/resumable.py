"""One file from a server to the disk: goes on where it stopped, and notices what is missing.

Python's own HTTP client does: what matters here is the bookkeeping around it, and a server's answers are few.
"""

from __future__ import annotations

import errno
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

_Result = TypeVar("_Result")

# Of 20 GB a connection may break many times: only attempts that brought nothing new count against the limit.
ATTEMPTS = 6
_LONGEST_WAIT = 120.0
_TIMEOUT = 60.0
_CHUNK = 1 << 20
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
_FAILURES = (urllib.error.URLError, http.client.HTTPException, OSError)


class MissingFileError(OSError):
    """The server says that there is no such file."""


class _TransferError(OSError):
    """A transfer that another attempt may finish."""


def open_url(url: str, headers: dict[str, str] | None = None, method: str = "GET") -> http.client.HTTPResponse:
    """Sends one request.

    Raises:
        urllib.error.HTTPError: The server answers with an error.
        OSError: There is no answer.
    """
    # Wikimedia refuses clients without a name.
    agent = {"User-Agent": f"xlretrieval/{version('xlretrieval')} (python-urllib)", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=agent | (headers or {}), method=method)
    return urllib.request.urlopen(request, timeout=_TIMEOUT)


def remote_size(url: str, backoff: float = 1.0) -> int | None:
    """Length of a file in bytes, None if the server does not say.

    Args:
        url: Where it is.
        backoff: Seconds before the second attempt.

    Raises:
        MissingFileError: There is no such file.
        OSError: The server does not answer.
    """

    def ask() -> int | None:
        try:
            with open_url(url, method="HEAD") as response:
                return _length(response)
        except urllib.error.HTTPError as error:
            if error.code in (405, 501):  # a server that only knows GET
                return None
            raise

    return _with_attempts(ask, url, backoff)


def read_url(url: str, backoff: float = 1.0, limit: int = 16 * 1024 * 1024) -> bytes:
    """Content of a small file.

    Args:
        url: Where it is.
        backoff: Seconds before the second attempt.
        limit: Most bytes to accept.

    Raises:
        MissingFileError: There is no such file.
        OSError: It does not arrive whole, or is longer than the limit.
    """

    def get() -> bytes:
        with open_url(url) as response:
            expected, content = _length(response), response.read(limit + 1)
        if len(content) > limit:
            raise MissingFileError(f"{url}: file must be at most {limit:,} bytes, got more. Check the address.")
        if expected is not None and len(content) != expected:
            raise _TransferError(f"got {len(content):,} of {expected:,} bytes")
        return content

    return _with_attempts(get, url, backoff)


def fetch(
    url: str,
    path: Path,
    size: int | None = None,
    backoff: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Downloads a file; what is at `path` is taken for its beginning.

    A server that does not know ranges sends everything, and then what is there is written anew. The content is not
    checked here; only its length is.

    Args:
        url: Where it is.
        path: Where it goes. On an error, what has arrived stays for the next time.
        size: Its length, where it is known.
        backoff: Seconds before the second attempt; doubles with each that brings nothing, up to two minutes.
        progress: Called with the number of bytes that are there.

    Returns:
        Its length.

    Raises:
        MissingFileError: There is no such file.
        OSError: It does not arrive, after 6 attempts that brought nothing new.
    """
    furthest = path.stat().st_size if path.exists() else 0
    failures = 0
    while True:
        try:
            return _transfer(url, path, size, progress)
        except _FAILURES as error:
            _raise_if_final(error, url)
            reached = path.stat().st_size if path.exists() else 0
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures >= ATTEMPTS:
                raise OSError(
                    f"{url}: download must go on, got {_reason(error)} after {reached:,} bytes in {failures} "
                    "attempts. Start again later; what has arrived is kept."
                ) from error
            time.sleep(_wait(error, failures, backoff))


def _with_attempts(action: Callable[[], _Result], url: str, backoff: float) -> _Result:
    """Result of an action that may fail for a while."""
    for failures in range(1, ATTEMPTS + 1):
        try:
            return action()
        except _FAILURES as error:
            _raise_if_final(error, url)
            if failures == ATTEMPTS:
                raise OSError(
                    f"{url}: server must answer, got {_reason(error)} in {failures} attempts. Check the address, or "
                    "start again later."
                ) from error
            time.sleep(_wait(error, failures, backoff))
    raise AssertionError("the last attempt returns or raises")


def _transfer(url: str, path: Path, size: int | None, progress: Callable[[int], None] | None) -> int:
    start = path.stat().st_size if path.exists() else 0
    try:
        response = open_url(url, {"Range": f"bytes={start}-"} if start else None)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not start:
            raise
        # Nothing is left to send: either the file is whole, or this is no beginning of it.
        total = _total(error.headers.get("Content-Range"))
        if total == start and size in (None, total):
            return start
        path.unlink()
        raise _TransferError(f"no bytes behind {start:,} (the file has {total})") from error
    with response:
        if response.status == 206:
            first = _first(response.headers.get("Content-Range"))
            total = _total(response.headers.get("Content-Range"))
            if first != start:
                path.unlink()
                raise _TransferError(f"bytes from {first} instead of {start:,}")
        else:
            start, total = 0, _length(response)
        if size is not None and total is not None and total != size:
            path.unlink(missing_ok=True)
            raise _TransferError(f"a file of {total:,} bytes instead of {size:,}")
        with path.open("ab" if start else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                start += len(chunk)
                if progress:
                    progress(start)
    if total is not None and start < total:
        raise _TransferError(f"the end of the connection at {start:,} of {total:,} bytes")
    return start


def _raise_if_final(error: Exception, url: str) -> None:
    if isinstance(error, MissingFileError):
        raise error
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (404, 410):
            raise MissingFileError(f"{url}: file must exist, got HTTP {error.code}. Check the address.") from error
        if error.code not in _TRANSIENT:
            raise OSError(
                f"{url}: server must send the file, got HTTP {error.code} {error.reason}. Check the address and "
                "whether it is open to you."
            ) from error
    elif isinstance(error, OSError) and (error.filename or error.errno in _OF_THE_DISK):
        raise error


def _wait(error: Exception, failures: int, backoff: float) -> float:
    if isinstance(error, urllib.error.HTTPError):
        after = error.headers.get("Retry-After") or ""
        if after.isdigit():
            return min(float(after), _LONGEST_WAIT)
    return min(backoff * 2 ** (failures - 1), _LONGEST_WAIT)


def _reason(error: Exception) -> str:
    return f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else str(error) or type(error).__name__


def _length(response: http.client.HTTPResponse) -> int | None:
    text = response.headers.get("Content-Length") or ""
    return int(text) if text.isdigit() else None


def _first(content_range: str | None) -> int | None:
    """5 of "bytes 5-9/10"."""
    first = (content_range or "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdigit() else None


def _total(content_range: str | None) -> int | None:
    """10 of "bytes 5-9/10" and of "bytes */10"."""
    total = (content_range or "").rpartition("/")[2]
    return int(total) if total.isdigit() else None
