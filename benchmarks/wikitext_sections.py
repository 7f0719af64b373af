"""How fast do pages of a dump become sections, and does memory stay flat?

Decompression, XML, parsing and one JSON line per page, in a fresh process per round, against gensim's `segment_wiki`
with one worker on the same dump; the sides take turns. Speed is megabytes of wikitext of the articles per second of
processor time, summed over all processes of a side. Peak memory is that of a fresh process over the dump, and over a
dump of its pages ten times.

  python -m benchmarks.wikitext_sections --dump itwiki-2013-sample.xml.gz [--gensim PYTHON] [--repeats 3]

gensim is no dependency of this project: `--gensim` names the interpreter of an environment that has it, and without
one that side is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.sax.saxutils import escape

PEER = Path(__file__).with_name("gensim_sections.py")


def process(path: str, guarded: bool) -> dict:
    """Runs in the child: reads and parses a dump.

    Args:
        path: The dump.
        guarded: Parse in the guard's process, as the build does.
    """
    from xlretrieval.data.wiki.dumps.reading import read_pages, read_siteinfo
    from xlretrieval.data.wiki.wikitext.guard import GuardedParser
    from xlretrieval.data.wiki.wikitext.parsing import PageParser

    start = time.perf_counter()
    parser = (GuardedParser if guarded else PageParser)(read_siteinfo(path).namespaces)
    tokenizing = 0.0
    if isinstance(parser, PageParser):
        tokenize = parser._renderer._tokenizer.tokenize

        class Timed:
            def tokenize(self, *arguments):
                nonlocal tokenizing
                begin = time.perf_counter()
                try:
                    return tokenize(*arguments)
                finally:
                    tokenizing += time.perf_counter() - begin

        parser._renderer._tokenizer = Timed()
    size = articles = sections = characters = 0
    parsing = 0.0
    with open("/dev/null", "w", encoding="utf-8") as output:
        for page in read_pages(path):
            if page.redirect is not None:
                continue
            begin = time.perf_counter()
            found = parser.parse(page.wikitext)
            parsing += time.perf_counter() - begin
            output.write(json.dumps([(s.heading_path, s.text, s.links) for s in found], ensure_ascii=False) + "\n")
            size += len(page.wikitext.encode())
            articles += 1
            sections += len(found)
            characters += sum(len(section.text) for section in found)
    wall = time.perf_counter() - start
    if isinstance(parser, GuardedParser):
        parser.close()
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "wall": wall,
        "cpu": sum(each.ru_utime + each.ru_stime for each in usage),
        "parsing": parsing,
        "tokenizing": tokenizing,
        "peak_mib": peak_mib(),
        "wikitext_mb": size / 1e6,
        "articles": articles,
        "sections": sections,
        "characters": characters,
    }


def peak_mib() -> float:
    """Peak resident memory of this process; `ru_maxrss` would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def run(*command: str) -> dict:
    """What a child prints as its last line."""
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def repeat_pages(path: str, target: Path, times: int) -> None:
    """Writes a dump whose pages are those of another, several times."""
    from xlretrieval.data.wiki.dumps.reading import read_pages

    with gzip.open(target, "wt", encoding="utf-8", compresslevel=1) as output:
        output.write("<mediawiki>\n")
        for _ in range(times):
            for page in read_pages(path):
                output.write(
                    f"<page><title>{escape(page.title)}</title><ns>0</ns><id>{page.page_id}</id>"
                    f"<revision><text>{escape(page.wikitext)}</text></revision></page>\n"
                )
        output.write("</mediawiki>\n")


def main() -> None:
    """Measures the sides in turns, then the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", help="a dump")
    parser.add_argument("--gensim", default=sys.executable, help="interpreter that has gensim; default this one")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=2, metavar=("DUMP", "GUARDED"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(process(arguments.child[0], arguments.child[1] == "guarded")))
        return
    if not arguments.dump:
        parser.error("--dump must name a dump, got none. Give the path of one.")
    from benchmarks.measure import ratios, summary, write

    child = (sys.executable, "-m", "benchmarks.wikitext_sections", "--child")
    sides = {"direct": (*child, arguments.dump, "direct"), "guarded": (*child, arguments.dump, "guarded")}
    if subprocess.run([arguments.gensim, "-c", "import gensim"], capture_output=True).returncode == 0:
        sides["gensim"] = (arguments.gensim, str(PEER), arguments.dump)
    rounds: dict[str, list[dict]] = {name: [] for name in sides}
    for _ in range(arguments.repeats):
        for name, command in sides.items():
            rounds[name].append(run(*command))
    megabytes = rounds["direct"][0]["wikitext_mb"]
    result: dict = {
        "question": "MB of wikitext per second of processor time, from the dump to sections",
        "dump": Path(arguments.dump).name,
        "wikitext_mb": megabytes,
    }
    for name, found in rounds.items():
        result[name] = {
            "mb_per_cpu_second": summary([megabytes / each["cpu"] for each in found]),
            "mb_per_second": summary([megabytes / each["wall"] for each in found]),
            **{key: found[0][key] for key in ("articles", "sections", "characters")},
        }
    direct = rounds["direct"]
    result["share_in_mwparserfromhell"] = summary([each["tokenizing"] / each["wall"] for each in direct])
    result["share_in_parsing"] = summary([each["parsing"] / each["wall"] for each in direct])
    cpu = {name: [each["cpu"] for each in found] for name, found in rounds.items()}
    result["guard_costs"] = ratios(cpu["guarded"], cpu["direct"])
    if "gensim" in rounds:
        result["times_as_fast_as_gensim"] = ratios(cpu["gensim"], cpu["direct"])
    with tempfile.TemporaryDirectory() as folder:
        for times in (1, 10):
            repeated = Path(folder) / f"{times}.xml.gz"
            repeat_pages(arguments.dump, repeated, times)
            result[f"peak_mib_{times}x"] = run(*child, str(repeated), "direct")["peak_mib"]
    write("wikitext_sections", result)


if __name__ == "__main__":
    main()
