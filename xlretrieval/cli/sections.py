"""Make aligned sections, the corpus that pretraining reads, and look at them.

  xlretrieval sections import --jsonl laws_en.jsonl.gz laws_fr.jsonl.gz --pairs en-fr --output corpus
  xlretrieval sections import --released data --pairs en-fr,en-de --output corpus
  xlretrieval sections show corpus

JSONL rows are {corpus, doc, sec, lang, doctitle, heading, title, text}; two languages align where corpus, doc and sec
are equal. --released reads the pickles of 2021 (enfr/en_np.pkl, en_text.pkl, fr_np.pkl, fr_text.pkl) without executing
anything in them. The output folder holds Parquet tables, a dataset card, and provenance.json with what was dropped and
why; `datasets.load_dataset(folder, "en-fr")` reads it too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from xlretrieval.cli.configuration import ConfigurableOptions, comma_separated

if TYPE_CHECKING:
    from xlretrieval.data.sections import AlignedSections

_EXAMPLES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "make a folder of aligned sections"
    _add_import(ConfigurableOptions(actions.add_parser("import", help=text, description=text, allow_abbrev=False)))
    text = "languages, pairs, splits and two examples of a folder of aligned sections"
    show = actions.add_parser("show", help=text, description=text, allow_abbrev=False)
    show.add_argument("folder", type=Path, metavar="DIR", help="folder of aligned sections")


def _add_import(options: ConfigurableOptions) -> None:
    options.add("--jsonl", type=Path, nargs="+", metavar="FILE", help="sections as JSONL, plain or .gz")
    options.add("--released", type=Path, metavar="DIR", help="folder of the pickles released in 2021")
    options.add("--pairs", type=comma_separated, metavar="A-B,...", help="language pairs to make, such as en-fr,en-de")
    options.add("--output", type=Path, metavar="DIR", help="folder to write")
    options.add(
        "--validation",
        type=float,
        default=0.01,
        metavar="F",
        help="fraction of articles to validate on (default: 0.01)",
    )
    options.add(
        "--test", type=float, default=0.01, metavar="F", help="fraction of articles to test on (default: 0.01)"
    )
    options.add("--seed", type=int, metavar="N", default=0, help="of the split (default: 0)")
    options.add("--min-characters", type=int, metavar="N", default=1, help="shortest section to keep (default: 1)")
    options.add(
        "--max-negatives",
        type=int,
        metavar="N",
        default=8,
        help="most hard negatives of a pair on a side (default: 8)",
    )
    options.add("--overwrite", action="store_true", default=False, help="replace a corpus in the output folder")


def run(arguments: argparse.Namespace) -> None:
    """Imports a corpus or shows one."""
    if arguments.action == "show":
        _show(arguments.folder)
    else:
        _import(arguments.configurable.resolve(arguments))


def _import(arguments: argparse.Namespace) -> None:
    if (arguments.jsonl is None) == (arguments.released is None):
        got = "neither" if arguments.jsonl is None else "both"
        raise ValueError(f"--jsonl or --released must be given, got {got}. Name what to import.")
    for flag in ("pairs", "output"):
        if not getattr(arguments, flag):
            raise ValueError(f"--{flag} must be given, got none. See `xlretrieval sections import --help`.")
    from xlretrieval.data.importers import import_jsonl, import_released

    source, importer = (
        (arguments.jsonl, import_jsonl) if arguments.released is None else (arguments.released, import_released)
    )
    importer(
        source,
        arguments.pairs,
        arguments.output,
        validation=arguments.validation,
        test=arguments.test,
        seed=arguments.seed,
        min_characters=arguments.min_characters,
        max_negatives=arguments.max_negatives,
        overwrite=arguments.overwrite,
    )
    print(f"written to {arguments.output}")


def _show(folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from xlretrieval.data.sections import SPLITS, AlignedSections

    corpus = AlignedSections.load(folder)
    console = Console()
    languages = Table("language", "sections", "mean characters", box=None, pad_edge=False)
    for code in corpus.languages:
        lengths = corpus.sections(code).text_lengths
        languages.add_row(code, f"{len(lengths):,}", f"{lengths.mean():,.0f}")
    pairs = Table("pair", *SPLITS, box=None, pad_edge=False)
    for name in corpus.pairs:
        table = corpus.pair(name)
        pairs.add_row(name, *(f"{len(table.rows(split)):,}" for split in SPLITS))
    for table in (languages, pairs):
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
        console.print()
    _show_examples(corpus, console.width)


def _show_examples(corpus: AlignedSections, width: int) -> None:
    pair = corpus.pair(corpus.pairs[0])
    for index in range(min(_EXAMPLES, len(pair))):
        for language, row in (
            (pair.source_language, pair.source[index]),
            (pair.target_language, pair.target[index]),
        ):
            section = corpus.sections(language)[row]
            title = " > ".join(part for part in (section.article_title, *section.heading_path) if part)
            print(_one_line(f"{language}  {title or section.id}", width))
            print(_one_line(f"    {section.text}", width))
        print()


def _one_line(text: str, width: int) -> str:
    """Shortened to the terminal, and without the control characters that data can hold."""
    indent = len(text) - len(text.lstrip())
    line = " " * indent + "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split())
    )
    return line if len(line) <= width else f"{line[: width - 3]}..."
