"""Wikipedia to aligned sections: download dumps, build a corpus from them, push it to the Hub.

  xlretrieval wiki download --languages en,de --date 20261101 --output dumps
  xlretrieval wiki build --dumps dumps --pairs en-de --output corpus
  xlretrieval wiki push corpus me/wiki-sections

Build: pages that several of the wikis have are cut into sections, and the sections of an article in two languages are
aligned one to one by translated headings, shared links, numbers and names, length and position; all of it is learned
from the dumps themselves. It uses all cores, or a Ray cluster with --cluster, and goes on after a kill when given
again: what is finished stays in the work folder.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from xlretrieval.cli.configuration import ConfigurableOptions, comma_separated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_download(_configurable(actions, "download", "download dumps, verified; goes on where it stopped"))
    _add_build(_configurable(actions, "build", "build a corpus of aligned sections from dumps"))
    _add_push(actions)


def _configurable(actions: Any, name: str, text: str) -> ConfigurableOptions:
    return ConfigurableOptions(actions.add_parser(name, help=text, description=text, allow_abbrev=False))


def _add_download(options: ConfigurableOptions) -> None:
    text = "wikis to download, such as en,de,fr; Simple English is en-simple"
    options.add("--languages", type=comma_separated, metavar="A,B,...", help=text)
    options.add("--date", metavar="YYYYMMDD", help="date of the dump, as the mirror names it")
    options.add("--output", type=Path, metavar="DIR", help="folder for the files")
    text = "address of the mirror (default: https://dumps.wikimedia.org)"
    options.add("--mirror", default="https://dumps.wikimedia.org", metavar="URL", help=text)


def _add_build(options: ConfigurableOptions) -> None:
    add = options.add
    add("--dumps", type=Path, metavar="DIR", help="folder of dumps; its subfolders are searched")
    text = "instead of dumps: Parquet files of parsed articles, or hub:wikimedia/structured-wikipedia@CONFIG,..."
    add("--source", metavar="PATH", help=text)
    text = "YAML that names the fields of --source (default: those of wikimedia/structured-wikipedia)"
    add("--field-map", type=Path, metavar="FILE", help=text)
    add("--pairs", type=comma_separated, metavar="A-B,...", help="language pairs to make, such as en-de,en-fr")
    add("--output", type=Path, metavar="DIR", help="folder of the corpus")
    add("--work", type=Path, metavar="DIR", help="folder of intermediate files (default: OUTPUT.work)")
    text = "processes, each with a start of some seconds: 1 is fastest for a few megabytes (default: one per core)"
    add("--workers", type=int, metavar="N", help=text)
    add("--cluster", metavar="ADDRESS", help="Ray cluster: auto, an address, or local to start one here")
    text = "what says that articles are the same: auto (default), wikidata, langlinks, inline"
    add("--link-source", choices=("auto", "wikidata", "langlinks", "inline"), default="auto", help=text)
    add(
        "--validation",
        type=float,
        default=0.01,
        metavar="F",
        help="fraction of articles to validate on (default: 0.01)",
    )
    add("--test", type=float, default=0.01, metavar="F", help="fraction of articles to test on (default: 0.01)")
    add("--seed", type=int, default=0, metavar="N", help="of the split (default: 0)")
    add("--min-characters", type=int, default=50, metavar="N", help="shortest section to align (default: 50)")
    add("--max-negatives", type=int, default=8, metavar="N", help="most hard negatives on a side (default: 8)")
    text = "least confidence of an aligned pair, 0 to 1: higher is more precise and finds less (default: 0.5)"
    add("--threshold", type=float, default=0.5, metavar="F", help=text)
    text = "articles of a pair that the alignment learns from (default: 50000)"
    add("--fit-articles", type=int, default=50_000, metavar="N", help=text)
    text = "encoder, a folder or a name on the Hub, whose embeddings of sections the alignment also goes by"
    add("--encoder", metavar="MODEL", help=text)
    text = "longest page to parse, in characters of wikitext (default: 2000000)"
    add("--max-page-characters", type=int, default=2_000_000, metavar="N", help=text)
    add("--page-seconds", type=float, default=20.0, metavar="S", help="longest time for a page (default: 20)")
    text = "compressed bytes of a dump that one task reads (default: 33554432)"
    add("--part-bytes", type=int, default=32 << 20, metavar="N", help=text)
    text = "shares of articles that are aligned as one task (default: one per 256 MB of dumps)"
    add("--buckets", type=int, default=None, metavar="N", help=text)
    text = "at a cut or damaged dump: raise (default) ends with an error, skip keeps what is whole"
    add("--on-error", choices=("raise", "skip"), default="raise", help=text)
    text = "where the texts are from, for the dataset card (default: Wikipedia)"
    add("--origin", default="Wikipedia", metavar="NAME", help=text)
    text = "licences of the texts, for the dataset card (default: cc-by-sa-4.0,gfdl)"
    add("--licence", type=comma_separated, default=["cc-by-sa-4.0", "gfdl"], metavar="A,B,...", help=text)
    add("--overwrite", action="store_true", default=False, help="replace a corpus in the output folder")


def _add_push(actions: Any) -> None:
    text = "publish a corpus as a dataset on the Hub, in one commit; `hf auth login` first"
    push = actions.add_parser("push", help=text, description=text, allow_abbrev=False)
    push.add_argument("folder", type=Path, metavar="DIR", help="folder of the corpus")
    push.add_argument("repo", metavar="REPO", help="name of the dataset repository, such as me/wiki-sections")
    push.add_argument("--private", action="store_true", help="make a new repository private")
    push.add_argument("--revision", metavar="BRANCH", help="branch to publish on, made when needed (default: main)")
    push.add_argument("--dry-run", action="store_true", help="only list the files and their sizes")


def run(arguments: argparse.Namespace) -> None:
    """Runs an action."""
    if arguments.action == "push":
        _push(arguments)
        return
    {"download": _download, "build": _build}[arguments.action](arguments.configurable.resolve(arguments))


def _push(arguments: argparse.Namespace) -> None:
    from xlretrieval.hub.publish import push_corpus

    options = {"private": arguments.private, "revision": arguments.revision, "dry_run": arguments.dry_run}
    address = push_corpus(arguments.folder, arguments.repo, **options)
    if not arguments.dry_run:
        print(f"published at {address}")


def _download(arguments: argparse.Namespace) -> None:
    _require(arguments, "download", "languages", "date", "output")
    from xlretrieval.data.wiki.dumps.download import download_dumps

    files = download_dumps(arguments.languages, arguments.date, arguments.output, arguments.mirror)
    for file in files:
        print(f"{file.path}: {file.size:,} bytes, SHA-1 verified")


def _build(arguments: argparse.Namespace) -> None:
    _require(arguments, "build", "pairs", "output")
    if (arguments.dumps is None) == (arguments.source is None):
        got = "neither" if arguments.dumps is None else "both"
        raise ValueError(f"--dumps or --source must be given, got {got}. Say what to build from.")
    from xlretrieval.data.wiki.builder import BuildOptions, Workers, build_corpus
    from xlretrieval.data.wiki.tables.field_map import FieldMap

    names = {option.name for option in fields(BuildOptions)} & vars(arguments).keys()
    options = BuildOptions(**{name: getattr(arguments, name) for name in names})
    workers = Workers(arguments.workers, arguments.cluster, arguments.work)
    field_map = FieldMap.load(arguments.field_map) if arguments.field_map else None
    counts = build_corpus(
        arguments.dumps,
        arguments.output,
        options,
        workers,
        arguments.overwrite,
        source=arguments.source,
        field_map=field_map,
        embed=partial(_embedding, arguments.encoder) if arguments.encoder else None,
    )
    _print_counts(counts)
    print(f"written to {arguments.output}; its README.md says what was read, kept and dropped")
    work = arguments.work or f"{arguments.output}.work"
    print(f"{work} may be deleted; while it is there, a build with other options goes on from it")


def _embedding(model: str) -> Any:
    """What embeds texts, in the process that calls this."""
    from xlretrieval.inference.encoder import Encoder

    return partial(Encoder.from_pretrained(model).encode, show_progress=False)


def _require(arguments: argparse.Namespace, action: str, *names: str) -> None:
    for name in names:
        if not getattr(arguments, name):
            raise ValueError(f"--{name} must be given, got none. See `xlretrieval wiki {action} --help`.")


def _print_counts(counts: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("step", "", "what", "count", box=None, pad_edge=False)
    table.columns[3].justify = "right"
    for step, groups in (("read", counts.scan), ("parsed", counts.parse), ("aligned", counts.align)):
        for name, kinds in groups.items():
            for kind, count in kinds.items():
                if count:
                    table.add_row(step, name, kind, f"{count:,}")
    for language, count in counts.corpus["sections"].items():
        table.add_row("corpus", language, "sections", f"{count:,}")
    for pair, splits in counts.corpus["pairs"].items():
        for split, count in splits.items():
            table.add_row("corpus", pair, split, f"{count:,}")
    Console().print(table)
