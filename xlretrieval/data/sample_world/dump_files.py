"""Pages as the files of a MediaWiki dump: multistream XML with its index, and the tables as SQL."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from .namespaces import MAIN_PAGE, namespaces
from .pages import WikiPage

DATE = "20260101"
_PAGES_PER_STREAM = 100
_ROWS_PER_INSERT = 500
_SITES = {"de": "Wikipedia", "en": "Wikipedia", "es": "Wikipedia", "fr": "Wikipédia"}

_COLUMNS = {
    "page_props": (
        "  `pp_page` int(10) unsigned NOT NULL,\n"
        "  `pp_propname` varbinary(60) NOT NULL DEFAULT '',\n"
        "  `pp_value` blob NOT NULL,\n"
        "  `pp_sortkey` float DEFAULT NULL,\n"
        "  PRIMARY KEY (`pp_page`,`pp_propname`)\n"
    ),
    "langlinks": (
        "  `ll_from` int(10) unsigned NOT NULL DEFAULT 0,\n"
        "  `ll_lang` varbinary(35) NOT NULL DEFAULT '',\n"
        "  `ll_title` varbinary(255) NOT NULL DEFAULT '',\n"
        "  PRIMARY KEY (`ll_from`,`ll_lang`)\n"
    ),
    "redirect": (
        "  `rd_from` int(10) unsigned NOT NULL DEFAULT 0,\n"
        "  `rd_namespace` int(11) NOT NULL DEFAULT 0,\n"
        "  `rd_title` varbinary(255) NOT NULL DEFAULT '',\n"
        "  `rd_interwiki` varbinary(32) DEFAULT NULL,\n"
        "  `rd_fragment` varbinary(255) DEFAULT NULL,\n"
        "  PRIMARY KEY (`rd_from`)\n"
    ),
}


def multistream(language: str, pages: Sequence[WikiPage]) -> tuple[bytes, bytes]:
    """The XML as bz2 streams (head, 100 pages each, end) and the compressed index of offset, page id and title."""
    body = bz2.compress(_head(language).encode())
    index = []
    for start in range(0, len(pages), _PAGES_PER_STREAM):
        block = pages[start : start + _PAGES_PER_STREAM]
        index += [f"{len(body)}:{page.page_id}:{page.title}\n" for page in block]
        body += bz2.compress("".join(map(_page, block)).encode())
    return body + bz2.compress(b"</mediawiki>\n"), bz2.compress("".join(index).encode())


def _head(language: str) -> str:
    names = "".join(
        f'      <namespace key="{number}" case="first-letter" />\n'
        if not word
        else f'      <namespace key="{number}" case="first-letter">{escape(word)}</namespace>\n'
        for number, word in namespaces(language)
    )
    address = f"https://{language}.wikipedia.org/wiki/{MAIN_PAGE[language].replace(' ', '_')}"
    schema = "http://www.mediawiki.org/xml/export-0.11"
    return (
        f'<mediawiki xmlns="{schema}/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{schema}/ {schema}.xsd" version="0.11" xml:lang="{language}">\n'
        f"  <siteinfo>\n    <sitename>{_SITES[language]}</sitename>\n    <dbname>{language}wiki</dbname>\n"
        f"    <base>{escape(address)}</base>\n    <generator>xlretrieval sample</generator>\n"
        f"    <case>first-letter</case>\n    <namespaces>\n{names}    </namespaces>\n  </siteinfo>\n"
    )


def _page(page: WikiPage) -> str:
    data = page.text.encode()
    digest = _base36(hashlib.sha1(data, usedforsecurity=False).digest())
    redirect = f"    <redirect title={quoteattr(page.redirect)} />\n" if page.redirect else ""
    minute, revision = page.page_id % 1440, 200_000_000 + 7 * page.page_id
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.namespace}</ns>\n"
        f"    <id>{page.page_id}</id>\n{redirect}    <revision>\n      <id>{revision}</id>\n"
        f"      <timestamp>2025-12-{page.page_id % 28 + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z</timestamp>\n"
        "      <contributor>\n        <username>Sample</username>\n        <id>1</id>\n      </contributor>\n"
        f"      <origin>{revision}</origin>\n      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(data)}" sha1="{digest}" xml:space="preserve">{escape(page.text)}</text>\n'
        f"      <sha1>{digest}</sha1>\n    </revision>\n  </page>\n"
    )


def _base36(digest: bytes) -> str:
    number, digits = int.from_bytes(digest, "big"), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")


def sql_table(database: str, table: str, rows: Iterable[tuple[int | float | str | None, ...]]) -> bytes:
    """A table as mysqldump writes it, compressed."""
    lines = [
        "-- MySQL dump 10.19  Distrib 10.5.23-MariaDB\n--\n"
        f"-- Host: localhost    Database: {database}\n-- ------------------------------------------------------\n\n"
        "/*!40101 SET NAMES utf8mb4 */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n\n"
        f"--\n-- Table structure for table `{table}`\n--\n\nDROP TABLE IF EXISTS `{table}`;\n"
        f"CREATE TABLE `{table}` (\n{_COLUMNS[table]}) ENGINE=InnoDB DEFAULT CHARSET=binary;\n\n"
        f"--\n-- Dumping data for table `{table}`\n--\n\n/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;\n"
    ]
    values = ["(" + ",".join(map(_value, row)) + ")" for row in rows]
    for start in range(0, len(values), _ROWS_PER_INSERT):
        lines.append(f"INSERT INTO `{table}` VALUES {','.join(values[start : start + _ROWS_PER_INSERT])};\n")
    lines.append(f"/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;\n\n-- Dump completed on {DATE}\n")
    return gzipped("".join(lines).encode())


def _value(value: int | float | str | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")
        return f"'{escaped}'"
    return str(value)


def gzipped(content: bytes) -> bytes:
    """Compressed without name and time, so that the same content is the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()
