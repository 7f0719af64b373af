"""The aligned texts that `xlretrieval evaluate alignment` is asked for."""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlretrieval.data.multiway import MultiwayTexts
    from xlretrieval.data.parallel import ParallelTexts

# Where texts may come from, by option.
_SOURCES = ("tatoeba", "xnli", "ntrex", "lines", "jsonl", "corpus")
# These have all languages in every row.
_MULTIWAY = ("xnli", "ntrex", "lines")


def read_texts(arguments: argparse.Namespace) -> list[ParallelTexts]:
    """Reads them, pair by pair, and draws as many as asked for.

    Raises:
        ValueError: No source or several, options that do not go together, or what the reader says.
        OSError: A file cannot be read.
    """
    source = _source(arguments)
    if source in _MULTIWAY:
        texts = _of_multiway(arguments, source)
    else:
        texts = _of_pairs(arguments, source)
    return [pair.sample(arguments.limit) for pair in texts]


def _source(arguments: argparse.Namespace) -> str:
    given = [name for name in _SOURCES if getattr(arguments, name)]
    if len(given) != 1:
        names = [f"--{name}" for name in _SOURCES]
        raise ValueError(
            f"Aligned texts must come from one of {', '.join(names[:-1])} and {names[-1]}, got "
            f"{' and '.join('--' + name for name in given) or 'none'}. Give one of them."
        )
    for option, wanted in (("ids", "lines"), ("documents", "ntrex")):
        if getattr(arguments, option) and given != [wanted]:
            raise ValueError(f"--{option} must be given with --{wanted}, got it with --{given[0]}. Leave it out.")
    if arguments.pairs and arguments.languages:
        raise ValueError("Languages must be given by --pairs or by --languages, got both. Leave one out.")
    if arguments.languages and (len(set(arguments.languages)) < max(2, len(arguments.languages))):
        raise ValueError(
            f"--languages must be two or more different ones, got {','.join(arguments.languages)}. "
            "Write it like de,en,fr."
        )
    return given[0]


def _of_multiway(arguments: argparse.Namespace, source: str) -> list[ParallelTexts]:
    """Pairs of texts that have all languages in every row; by default all pairs."""
    from xlretrieval.data.sections import parse_pair

    pairs = [parse_pair(name) for name in arguments.pairs or ()]
    languages = list(dict.fromkeys(code for pair in pairs for code in pair)) or arguments.languages
    texts = _read_multiway(arguments, source, languages)
    return [texts.pair(*pair) for pair in pairs] or texts.pairs()


def _read_multiway(arguments: argparse.Namespace, source: str, languages: list[str] | None) -> MultiwayTexts:
    from xlretrieval.data import multiway

    if source == "xnli":
        return multiway.read_xnli15_languages(arguments.xnli, languages, arguments.on_empty)
    if source == "ntrex":
        return multiway.read_ntrex(arguments.ntrex, languages, arguments.documents, arguments.on_empty)
    files = multiway.line_files(arguments.lines, languages)
    name = "documents" if arguments.ids else "lines"
    return multiway.read_line_aligned(files, arguments.ids, name, arguments.on_empty)


def _of_pairs(arguments: argparse.Namespace, source: str) -> list[ParallelTexts]:
    """Texts that are aligned pair by pair."""
    from xlretrieval.data import parallel
    from xlretrieval.data.sections import AlignedSections, parse_pair

    if source == "corpus":
        corpus = AlignedSections.load(arguments.corpus, arguments.pairs)
        names = corpus.pairs
        if arguments.languages:
            wanted = set(arguments.languages)
            names = [name for name in names if set(parse_pair(name)) <= wanted]
            if not names:
                raise ValueError(
                    f"--languages must be those of a pair of the corpus, got {','.join(arguments.languages)}. It has "
                    f"{', '.join(corpus.pairs)}."
                )
        return [parallel.aligned_section_texts(corpus, name, arguments.split) for name in names]
    names = arguments.pairs or ["-".join(pair) for pair in combinations(arguments.languages or (), 2)]
    if not names:
        raise ValueError(f"--pairs must be given with --{source}, got none. Write it like de-en,fr-en.")
    if source == "tatoeba":
        return [parallel.read_tatoeba(arguments.tatoeba, name, arguments.on_empty) for name in names]
    if arguments.languages:
        pairs = list(combinations(arguments.languages, 2))
    else:
        pairs = [parse_pair(name) for name in names]
    return parallel.read_jsonl_pairs(arguments.jsonl, pairs, arguments.on_empty)
