"""Reading MediaWiki dumps: pages of the main namespace, in parts that workers share."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlretrieval.data.wiki.records import Page

from .compression import BROKEN, is_bz2, read_chunks
from .xml_pages import PageCounts, SiteInfo, XMLError, XMLPages

_DATABASE = re.compile(r"([a-z][a-z_]*wiki)(?=[-.]|$)")
_HOST = re.compile(r"//([a-z-]+)\.wikipedia\.")


class DumpError(ValueError):
    """A dump that is cut, damaged, or no dump."""


@dataclass(frozen=True, slots=True)
class DumpPart:
    """What one worker reads of a dump.

    Attributes:
        path: The file.
        start: Where the part begins, in bytes of the file.
        end: Where it ends, None for the end of the file.
    """

    path: str
    start: int = 0
    end: int | None = None


def read_pages(
    part: DumpPart | str | Path, on_error: Literal["raise", "skip"] = "raise", counts: PageCounts | None = None
) -> Iterator[Page]:
    """Yields the articles and redirects of the main namespace, in the order of the dump.

    Args:
        part: A part from `split_dump`, or a file. bz2, gzip, xz or plain, UTF-8 or UTF-16 with a byte order mark.
        on_error: What to do with a file that is cut or damaged: "raise", or "skip" its rest, which `counts` records.
        counts: Added to as pages are read.

    Raises:
        DumpError: The file is cut, damaged, or no dump (with `on_error="raise"`).
        FileNotFoundError: There is no such file.
    """
    part = part if isinstance(part, DumpPart) else DumpPart(str(part))
    counts = PageCounts() if counts is None else counts
    pages = XMLPages(counts, read_siteinfo(part.path).namespaces if part.start else None)
    before = counts.pages
    try:
        yield from _parse(part, pages)
    except (*BROKEN, XMLError) as error:
        # Only what the system says of a file has a number; a decompressor's OSError has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if on_error == "raise":
            raise DumpError(_message(part, error, counts.pages - before)) from None
        counts.broken += 1
        counts.broken_pages += pages.in_page


def _parse(part: DumpPart, pages: XMLPages) -> Iterator[Page]:
    # A part from the middle is a row of pages without the element around them.
    if part.start:
        yield from pages.feed(b"<mediawiki>")
    for chunk in read_chunks(part.path, part.start, part.end):
        yield from pages.feed(chunk)
    if part.end is not None:
        yield from pages.feed(b"</mediawiki>")
    pages.close()


def _message(part: DumpPart, error: Exception, whole: int) -> str:
    where = part.path if part.end is None else f"{part.path}, bytes {part.start:,} to {part.end:,}"
    return (
        f"{where}: the dump must be whole and well-formed XML without a document type, got {error} after {whole:,} "
        "whole pages. Download it again, or keep the whole pages with on_error='skip'."
    )


def read_siteinfo(path: str | Path) -> SiteInfo:
    """What the head of a dump says of its wiki; empty fields where it has no such head.

    Raises:
        DumpError: The file breaks off or stops being XML before its first page.
        FileNotFoundError: There is no such file.
    """
    pages = XMLPages(PageCounts())
    try:
        for chunk in read_chunks(path):
            for _ in pages.feed(chunk):
                break
            if pages.site is not None or pages.in_page or pages.counts.pages:
                break
    except (*BROKEN, XMLError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # The head is whole if pages follow; what is wrong with them is for `read_pages` to say.
        if pages.site is None and not pages.counts.pages:
            raise DumpError(_message(DumpPart(str(path)), error, 0)) from None
    return pages.site or SiteInfo("", "", "first-letter", {})


def database_name(path: str | Path) -> str:
    """The wiki's name, such as "dewiki": what the file is called, else what its head says.

    The name of the file comes first: exports that were put together by hand carry the head of another wiki.

    Raises:
        ValueError: Neither says.
        DumpError: See `read_siteinfo`.
    """
    if match := _DATABASE.match(Path(path).name):
        return match[1]
    site = read_siteinfo(path)
    if site.database:
        return site.database
    if match := _HOST.search(site.base):
        return match[1].replace("-", "_") + "wiki"
    raise ValueError(
        f"{path}: a dump must be named after its wiki, got neither that nor a name in its head. "
        "Call it like dewiki-20261101-pages-articles.xml.bz2."
    )


def split_dump(path: str | Path, index_path: str | Path | None = None, target_bytes: int = 32 << 20) -> list[DumpPart]:
    """Cuts a dump into parts that can be read independently, which together are all of it.

    Args:
        path: The dump. Only bz2 of many streams can be cut, at the streams that its index names.
        index_path: The index, lines of `offset:page:title`, compressed or not; None for the file of its name beside
            the dump, if there is one.
        target_bytes: Compressed size of a part; the last may be smaller, all others are larger by less than a stream.

    Returns:
        The parts in order; one for a dump that cannot be cut.

    Raises:
        ValueError: The index does not fit the dump, or a line of it is none.
        OSError: A file cannot be read.
    """
    path = Path(path)
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, got {target_bytes}. Leave it at 32 MiB.")
    if index_path is None:
        beside = path.with_name(re.sub(r"\.xml(\.bz2)?$", "-index.txt.bz2", path.name))
        index_path = beside if beside != path and beside.is_file() else None
    if index_path is None or not is_bz2(path):
        return [DumpPart(str(path))]
    offsets = _stream_offsets(Path(index_path))
    _check_index(path, Path(index_path), offsets)
    parts, start = [], 0
    while (at := bisect_left(offsets, start + target_bytes)) < len(offsets):
        parts.append(DumpPart(str(path), start, offsets[at]))
        start = offsets[at]
    return [*parts, DumpPart(str(path), start)]


def _stream_offsets(index_path: Path) -> list[int]:
    """Where the streams with pages begin, ascending."""
    offsets: list[int] = []
    for number, line in _index_lines(index_path):
        offset = line.partition(b":")[0]
        if not offset.isdigit() or (offsets and int(offset) < offsets[-1]):
            raise ValueError(
                f"{index_path}, line {number}: an index must have lines of offset:page:title with offsets that never "
                f"fall, got {line[:80]!r}. Download it again."
            )
        if not offsets or int(offset) > offsets[-1]:
            offsets.append(int(offset))
    return offsets


def _index_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    rest, number = b"", 0
    try:
        for chunk in read_chunks(path):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                yield number, line
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(
            f"{path}, after line {number}: the index must be whole, got {error}. Download it again."
        ) from None
    if rest:
        yield number + 1, rest


def _check_index(path: Path, index_path: Path, offsets: list[int]) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            if offset >= size or file.read(3) != b"BZh":
                raise ValueError(
                    f"{index_path}: an index must fit its dump, got offset {offset:,} where {path} of {size:,} bytes "
                    "has no stream. Download both of the same date."
                )
