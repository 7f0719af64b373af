"""What the dataset card of a built corpus says beyond its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .assembly import Example

_SHOWN_CHARACTERS = 300


def describe_build(provenance: Mapping[str, Any], examples: Mapping[str, Sequence[Example]]) -> str:
    """Markdown: dumps, counts per step, what was dropped and why, examples, licence.

    Args:
        provenance: Of the build.
        examples: Pair -> some of its pairs of sections.
    """
    counts = provenance["counts"]
    origin, licence = provenance["arguments"]["origin"], provenance["arguments"]["licence"]
    lines = [f"## From {_cell(origin)}", "", _HOW, "", "| language | dump | files |", "|---|---|---|"]
    for language, dump in provenance["dumps"].items():
        names = ", ".join(f"{name} ({size:,} bytes)" for name, size in dump["files"].items())
        lines.append(f"| {language} | {dump['date'] or 'no date in its name'} | {_cell(names)} |")
    links = counts["links"]
    lines += ["", f"Articles across languages by: {links['source']}.", ""]
    lines += _count_table("Pages read", counts["scan"])
    lines += _count_table("Articles parsed, and dropped", counts["parse"])
    lines += _count_table("Articles and sections aligned, and dropped", counts["align"])
    lines += ["## Examples", ""]
    for pair, chosen in examples.items():
        lines += [f"### {pair}", ""]
        for example in chosen:
            lines += [f"Confidence {example.score:.2f}", ""]
            for section in (example.source, example.target):
                heading = " > ".join((section.article_title, *section.heading_path))
                lines.append(f"- {section.language}, **{_cell(heading)}**: {_cell(_shortened(section.text))}")
            lines.append("")
    terms = (
        _WIKIPEDIA_TERMS if origin == "Wikipedia" else f"The texts are under: {', '.join(licence) or 'unknown terms'}."
    )
    lines += ["## Licence", "", terms]
    return "\n".join(lines)


_HOW = (
    "Sections of articles that are the same by the source below were aligned one to one by translated headings, "
    "shared links, numbers and names, length and position; what this weighs was learned from the corpus itself. The "
    "score of a pair is the confidence of its alignment. Hard negatives are the other sections of the same article."
)
_WIKIPEDIA_TERMS = (
    "The texts are Wikipedia's, under CC BY-SA 4.0 and mostly the GFDL; their authors are named in the history of "
    "each article, which `article_title` names. Whoever passes the texts on has to do so under the same terms."
)


def _count_table(title: str, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    lines = [f"### {title}", "", "| | what | count |", "|---|---|---|"]
    lines += [f"| {name} | {kind} | {count:,} |" for name, kinds in counts.items() for kind, count in kinds.items()]
    return [*lines, ""]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS].rsplit(' ', 1)[0]} …"


def _cell(text: str) -> str:
    """Text that Markdown takes as text."""
    for sign in ("\\", "`", "*", "_", "<", ">", "[", "]", "|", "#"):
        text = text.replace(sign, f"\\{sign}")
    return text
