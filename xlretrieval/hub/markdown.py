"""Text from records inside of Markdown: shown as text, whatever signs it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def plain(text: str) -> str:
    """One line that is no HTML and ends no cell; emphasis is left, as in names with `_` it means nothing."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;")):
        text = text.replace(sign, entity)
    return " ".join(text.split())


def plain_rows(rows: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Cells of a table."""
    return [tuple(map(plain, row)) for row in rows]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are Markdown already; numbers, all but the first column, to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))
