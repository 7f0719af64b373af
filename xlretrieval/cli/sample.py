"""Write the built-in sample: Wikipedia dumps, truth and collections of a small multilingual world.

  xlretrieval sample --output sample

Needs Babel (`pip install xlretrieval[demo]`), no network. The same seed, size and Babel give the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--output", required=True, type=Path, help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="another seed words the facts differently (default: 0)")
    parser.add_argument(
        "--size", type=float, default=1.0, help="share of the articles, above 0 and at most 1 (default: 1)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier sample")


def run(arguments: argparse.Namespace) -> None:
    """Writes the sample and says what is in it."""
    from xlretrieval.data.sample import write_sample

    counts = write_sample(arguments.output, arguments.seed, arguments.size, arguments.overwrite)
    articles = ", ".join(f"{language} {number:,}" for language, number in counts.articles.items())
    print(f"{arguments.output}: articles {articles}")
    for pair, found in counts.aligned.items():
        print(f"  {pair}: {found['whole']:,} aligned sections, and {found['part']:,} parts of split ones")
    judged = sum(number for name, number in counts.clef.items() if name.startswith("judgements_"))
    print(f"  CLEF-style: {counts.clef['topics']} topics, {judged:,} judgements")
    print(f"  MLQA-style: {counts.questions['test']} test and {counts.questions['dev']} development questions")
