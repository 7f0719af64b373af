"""How much faster do two workers build a corpus than one?

  python -m benchmarks.wiki_workers [--dump itwiki.xml.gz]

Pages are repeated into two wikis that share all articles, in a multistream dump of many parts, as Wikimedia publishes
them; the pages are those of a dump (links and all), or those of the built-in sample. Measured are the stage that
parses wikitext, which is most of a real build, and the whole build with its serial end. Sides take turns.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.measure import ratios, summary, write
from xlretrieval.data.sample import write_sample
from xlretrieval.data.wiki.builder import BuildOptions, Workers, build_corpus, runner
from xlretrieval.data.wiki.dumps.reading import read_pages

DATE = "20260101"
PAGES_PER_STREAM = 50


def pages_of(dump: Path | None, repeat: int, folder: Path) -> list[tuple[str, str]]:
    """Titles and wikitext."""
    if dump is None:
        write_sample(folder / "sample")
        dump = next((folder / "sample" / "dumps").glob("enwiki*stream.xml.bz2"))
    pages = [(page.title, page.wikitext) for page in read_pages(dump) if page.redirect is None]
    return [(f"{title} {turn}" if turn else title, text) for turn in range(repeat) for title, text in pages]


def write_wiki(folder: Path, database: str, pages: list[tuple[str, str]]) -> int:
    """A multistream dump with its index and page_props; returns the bytes of wikitext."""
    name = f"{database}-{DATE}-pages-articles-multistream"
    head = b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">\n'
    offset, index = 0, []
    with (folder / f"{name}.xml.bz2").open("wb") as file:
        offset += file.write(bz2.compress(head))
        for start in range(0, len(pages), PAGES_PER_STREAM):
            stream = "".join(_page(number, *pages[number]) for number in _range(start, len(pages)))
            index += [f"{offset}:{number + 1}:{pages[number][0]}\n" for number in _range(start, len(pages))]
            offset += file.write(bz2.compress(stream.encode()))
        file.write(bz2.compress(b"</mediawiki>"))
    (folder / f"{name}-index.txt.bz2").write_bytes(bz2.compress("".join(index).encode()))
    rows = ",".join(f"({number},'wikibase_item','Q{number}',NULL)" for number in range(1, len(pages) + 1))
    columns = "`pp_page` int, `pp_propname` varbinary(60), `pp_value` blob, `pp_sortkey` float"
    sql = f"CREATE TABLE `page_props` (\n  {columns.replace(', ', ',' + chr(10) + '  ')}\n);\n"
    sql += f"INSERT INTO `page_props` VALUES {rows};\n"
    (folder / f"{database}-{DATE}-page_props.sql.gz").write_bytes(gzip.compress(sql.encode()))
    return sum(len(text.encode()) for _, text in pages)


def _range(start: int, end: int) -> Iterator[int]:
    yield from range(start, min(start + PAGES_PER_STREAM, end))


def _page(number: int, title: str, text: str) -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>0</ns><id>{number + 1}</id><revision><id>1</id>"
        f'<text xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


class Timed(runner.Runner):
    """Remembers how long the stages took."""

    seconds: dict[str, float] = {}

    def run(self, stage, *arguments, **options):
        """As `Runner.run`."""
        began = time.perf_counter()
        result = super().run(stage, *arguments, **options)
        Timed.seconds[stage] = time.perf_counter() - began
        return result


def build(dumps: Path, folder: Path, workers: int) -> dict[str, float]:
    """Seconds of the parse stage and of the whole build."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    began = time.perf_counter()
    options = BuildOptions(["en-it"], part_bytes=400_000, buckets=8, fit_articles=200)
    build_corpus(dumps, folder / "corpus", options, Workers(workers))
    return {"parse": Timed.seconds["parse"], "whole build": time.perf_counter() - began}


def main() -> None:
    """Builds with one worker and with two, in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", type=Path, help="dump whose pages are taken; the built-in sample by default")
    parser.add_argument("--repeat", type=int, default=4, help="how often its pages are repeated in each wiki")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    from xlretrieval.data.wiki.builder import corpus

    corpus.Runner = Timed
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dumps = folder / "dumps"
        dumps.mkdir()
        pages = pages_of(options.dump, options.repeat, folder)
        size = sum(write_wiki(dumps, database, pages) for database in ("enwiki", "itwiki"))
        turns = [{count: build(dumps, folder / "build", count) for count in (1, 2)} for _ in range(options.turns)]
    result: dict = {"question": "two workers against one", "wikitext_megabytes": size / 1e6, "pages": 2 * len(pages)}
    for what in ("parse", "whole build"):
        one, two = ([turn[count][what] for turn in turns] for count in (1, 2))
        seconds = {"one worker": summary(one), "two workers": summary(two)}
        result[what] = {"seconds": seconds, "speedup": ratios(one, two)}
    write("wiki_workers", result)


if __name__ == "__main__":
    main()
