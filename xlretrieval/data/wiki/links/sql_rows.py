r"""Rows of MediaWiki's SQL table dumps, read as a stream: `INSERT INTO` lines of a megabyte and more, gzip or plain.

No database and no SQL parser: these files hold one `CREATE TABLE`, which names the columns, and `INSERT` statements
of constants, which a pattern of one row reads. A pattern over a whole file would need the file in memory, and one
line is what mysqldump bounds. What mysqldump writes is understood: `\'`, `\"`, `\\`, `\n`, `\0`, `\Z` and doubled
quotes in strings, NULL, numbers, `0x...` and `_binary '...'`; rows on one line or one a line.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

SqlValue = str | int | float | None

# Order of the columns where a file has no CREATE TABLE, as MediaWiki 1.43 makes these tables.
DEFAULT_COLUMNS = {
    "page_props": ("pp_page", "pp_propname", "pp_value", "pp_sortkey"),
    "langlinks": ("ll_from", "ll_lang", "ll_title"),
    "redirect": ("rd_from", "rd_namespace", "rd_title", "rd_interwiki", "rd_fragment"),
}
# mysqldump cuts statements near net_buffer_length (1 MB here, 16 MB at most); a file that is one line is no dump.
_LONGEST_LINE = 64 * 1024 * 1024

_VALUE = rb"(?:_binary )?'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|[^',()\s]+"
_INSERT = re.compile(rb"\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+`?(\w+)`?\s*(?:\(([^)]*)\))?\s*VALUES\s*", re.I)
_CREATE = re.compile(rb"\s*CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(\w+)`?\s*\(", re.I)
# Definitions without quoted comments and without what stands in parentheses can be cut at their commas.
_QUOTED_OR_NESTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\([^()]*\)", re.S)
_COLUMN = re.compile(
    r"\s*(?:`([^`]+)`|(?!(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FULLTEXT|SPATIAL|FOREIGN)\b)(\w+)\s)", re.I
)
_LOCK = re.compile(rb"\s*(UN)?LOCK TABLES", re.I)
_ESCAPED = re.compile(rb"\\(.)|''", re.S)
# Any other character stands for itself behind a backslash.
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a", b"b": b"\b"}


@dataclass
class SqlCounts:
    """What a reader has met so far.

    Attributes:
        rows: Rows of the table, with those that `where` left out and those with errors.
        bytes: Length of the lines read, without compression.
        not_utf8: Rows left out because a wanted value is not UTF-8 (only with `on_error="skip"`).
    """

    rows: int = 0
    bytes: int = 0
    not_utf8: int = 0


def read_sql_rows(
    path: str | Path,
    table: str,
    columns: Sequence[str],
    *,
    where: Mapping[str, str] | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    counts: SqlCounts | None = None,
) -> Iterator[tuple[SqlValue, ...]]:
    """Yields rows of a table, in the order of the file. Memory is that of one line, about 1 MB.

    Args:
        path: The dump, plain or gzip (by its first bytes, not its name).
        table: Name of the table. Statements for other tables are passed over.
        columns: Names of the columns wanted, in the order wanted. Others are not decoded.
        where: Column -> text: only rows where all of these are equal, without decoding the others. Letters, digits,
            `_` and `-` only, which nobody writes escaped.
        on_error: What to do with a row of which a wanted text is not UTF-8. Everything else that is wrong with a
            file is an error always.
        counts: Counts what is read, for the caller to look at.

    Yields:
        The values: text as `str`, numbers as `int` or `float`, NULL as None.

    Raises:
        ValueError: The table or a column is not in the file, a row does not read, a text is not UTF-8, or the file is
            cut. The message names file, line and row.
        OSError: The file cannot be opened.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}. Choose one of them.")
    for name, text in (where or {}).items():
        if not re.fullmatch(r"[\w-]*", text):
            raise ValueError(
                f"where of {name!r} must be letters, digits, _ and -, got {text!r}. Compare the rows read."
            )
    yield from _TableReader(Path(path), table, tuple(columns), dict(where or {}), on_error == "skip", counts).rows()


class _TableReader:
    """Where a reader stands in a file."""

    def __init__(
        self,
        path: Path,
        table: str,
        columns: tuple[str, ...],
        where: dict[str, str],
        skip: bool,
        counts: SqlCounts | None,
    ):
        self._path, self._table, self._columns, self._where, self._skip = path, table, columns, where, skip
        self._counts = SqlCounts() if counts is None else counts
        self._line = 0

    def rows(self) -> Iterator[tuple[SqlValue, ...]]:
        """All rows of the table."""
        lines = self._lines()
        names: tuple[str, ...] | None = None  # of all columns, as CREATE TABLE gives them
        layout: _Layout | None = None  # of the INSERT that is open at the start of a line
        locked = found = False
        for line in lines:
            start = 0
            if layout is None:
                insert = _INSERT.match(line)
                if not insert:
                    if lock := _LOCK.match(line):
                        locked = lock[1] is None
                    elif (create := _CREATE.match(line)) and create[1].decode() == self._table:
                        names = self._column_names(line[create.end() :], lines)
                        self._layout(names)
                    continue
                if insert[1].decode() != self._table:
                    continue
                found, start = True, insert.end()
                layout = self._layout(self._listed(insert[2]) or names or DEFAULT_COLUMNS.get(self._table))
            closed = yield from self._values(line, start, layout)
            layout = None if closed else layout
        if layout or locked:
            raise self._broken("its last statement is not finished")
        if not found and names is None:
            raise ValueError(
                f"{self._path}: file must hold the table {self._table!r}, got none of it in {self._line:,} lines. "
                "Check that it is the right dump file."
            )

    def _lines(self) -> Iterator[bytes]:
        with _open(self._path) as file:
            try:
                while line := file.readline(_LONGEST_LINE):
                    self._line += 1
                    self._counts.bytes += len(line)
                    if len(line) == _LONGEST_LINE:
                        raise ValueError(
                            f"{self._path}, line {self._line}: a line must be shorter than {_LONGEST_LINE >> 20} MiB, "
                            "got more. Write the file with mysqldump, which begins a new statement every MiB."
                        )
                    yield line
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise self._broken(str(error)) from None

    def _broken(self, reason: str) -> ValueError:
        return ValueError(
            f"{self._path}, line {self._line}: file must be whole, got one that is cut or broken after "
            f"{self._counts.rows:,} rows of {self._table!r} ({reason}). Download it again."
        )

    def _listed(self, names: bytes | None) -> tuple[str, ...]:
        return tuple(name.strip(" `") for name in names.decode().split(",")) if names else ()

    def _column_names(self, first: bytes, lines: Iterator[bytes]) -> tuple[str, ...]:
        # A definition may hold a semicolon inside a comment, but at the end of a line it ends the statement.
        definition = first
        while not definition.rstrip().endswith(b";"):
            line = next(lines, None)
            if line is None:
                raise self._broken("CREATE TABLE is not finished")
            definition += line
        text = _QUOTED_OR_NESTED.sub("", definition.decode("utf-8", "replace"))
        return tuple(match[1] or match[2] for part in text.split(",") if (match := _COLUMN.match(part)))

    def _layout(self, names: Sequence[str] | None) -> _Layout:
        if names is None:
            raise ValueError(
                f"{self._path}, line {self._line}: table {self._table!r} must be defined by a CREATE TABLE before its "
                "rows, got none. Put the statement in front."
            )
        if missing := [name for name in (*self._columns, *self._where) if name not in names]:
            raise ValueError(
                f"{self._path}, line {self._line}: table {self._table!r} must have the column {missing[0]!r}, got "
                f"{', '.join(names)}. Ask for one of these."
            )
        return _Layout(names, self._columns, self._where)

    def _values(self, line: bytes, start: int, layout: _Layout) -> Generator[tuple[SqlValue, ...], None, bool]:
        """Rows of (the rest of) a line, and whether they end the statement."""
        counts, wanted, conditions = self._counts, layout.wanted, layout.conditions
        separator, end = b",", start
        for match in layout.pattern.finditer(line, start):
            if match.start() != end or separator != b",":
                break
            end, separator = match.end(), match[match.lastindex]
            counts.rows += 1
            if any(match[group] not in literals for group, literals in conditions):
                continue
            try:
                row = tuple([_value(match[group]) for group in wanted])
            except UnicodeDecodeError as error:
                if not self._skip:
                    raise ValueError(
                        f"{self._path}, line {self._line}, row {counts.rows}: text must be UTF-8, got byte "
                        f"0x{error.object[error.start]:02x} in {match[0][:200]!r}. Skip such rows or correct the file."
                    ) from None
                counts.not_utf8 += 1
            except ValueError:
                raise self._unreadable(line, match.start(), counts.rows, "made of text, numbers and NULL") from None
            else:
                yield row
        if rest := line[end:].strip():
            if not line.endswith(b"\n"):
                raise self._broken("its last row is not finished")
            raise self._unreadable(rest, 0, counts.rows + 1, "a list of values in parentheses, then , or ;")
        if not separator:
            raise self._broken("a row is followed by neither , nor ;")
        return separator == b";"

    def _unreadable(self, line: bytes, start: int, row: int, rule: str) -> ValueError:
        return ValueError(
            f"{self._path}, line {self._line}, row {row}: a row must be {rule}, got {line[start : start + 200]!r}. "
            "Correct it or download the file again."
        )


class _Layout:
    """How a row of a table reads.

    Args:
        names: All columns, in the order of the file.
        columns: Those wanted.
        where: Column -> text that it must equal.
    """

    def __init__(self, names: Sequence[str], columns: Sequence[str], where: Mapping[str, str]):
        captured = [name for name in names if name in columns or name in where]
        values = [
            rb"\s*(" + _VALUE + rb")\s*" if name in captured else rb"\s*(?:" + _VALUE + rb")\s*" for name in names
        ]
        self.pattern = re.compile(rb"\s*\(" + b",".join(values) + rb"\)\s*([,;]?)\s*", re.S)
        self.wanted = tuple(captured.index(name) + 1 for name in columns)
        self.conditions = tuple(
            (captured.index(name) + 1, (b"'%b'" % text.encode(), b"_binary '%b'" % text.encode()))
            for name, text in where.items()
        )


def _value(literal: bytes) -> SqlValue:
    first = literal[0]
    if first == 0x5F:  # _binary '...'
        literal = literal[literal.index(b"'") :]
        first = 0x27
    if first == 0x27:
        text = literal[1:-1]
        if b"\\" in text or b"'" in text:
            text = _ESCAPED.sub(_unescape, text)
        return text.decode("utf-8")
    if literal == b"NULL":
        return None
    if literal[:2] in (b"0x", b"0X"):
        return bytes.fromhex(literal[2:].decode()).decode("utf-8")
    try:
        return int(literal)
    except ValueError:
        return float(literal)


def _unescape(match: re.Match[bytes]) -> bytes:
    character = match[1]
    return b"'" if character is None else _ESCAPES.get(character, character)


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")
