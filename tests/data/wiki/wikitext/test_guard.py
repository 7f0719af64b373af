"""The guard: a page over a limit is told by its reason, and costs neither its neighbours nor the process."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from xlretrieval.data.wiki.dumps.reading import read_pages, read_siteinfo
from xlretrieval.data.wiki.wikitext import guarded_parse
from xlretrieval.data.wiki.wikitext.guard import GuardedParser, PageGuardError
from xlretrieval.data.wiki.wikitext.parsing import PageParser

# Attributes that are never closed take the tokenizer quadratic time: some 10 seconds for 16,000 of them.
SLOW = "<div style='" * 16_000
PAGE = "'''Bern''' liegt an der [[Aare]].\n== Lage ==\n* [[Datei:A.jpg|x]]y\ud800\n{{offen"


def test_gives_what_the_parser_gives() -> None:
    direct = PageParser({6: "Datei"})
    with GuardedParser({6: "Datei"}) as guarded:
        for wikitext in (PAGE, "", "ü𝄞 [[a]]", PAGE):
            assert guarded.parse(wikitext) == direct.parse(wikitext)
        assert guarded.counts == +direct.counts == {"unbalanced markup": 2}
        assert guarded.restarts == 0


def test_too_long_is_not_even_tried() -> None:
    with GuardedParser({}, max_characters=10) as parser:
        with pytest.raises(PageGuardError, match=r"too long \(11 characters\)") as error:
            parser.parse("x" * 11)
        assert error.value.reason == "too long"
        assert parser.parse("x" * 10)[0].text == "x" * 10


def test_too_slow_ends_the_child_and_the_next_page_gets_another() -> None:
    with GuardedParser({}, seconds=0.3) as parser:
        start = time.monotonic()
        for _ in range(2):
            with pytest.raises(PageGuardError) as error:
                parser.parse(SLOW)
            assert error.value.reason == "too slow"
            assert parser.parse("gut")[0].text == "gut"
        assert parser.restarts == 2
        assert time.monotonic() - start < 20


def test_too_much_memory_is_told_and_the_next_page_is_parsed() -> None:
    with GuardedParser({}, memory_bytes=150 << 20) as parser:
        with pytest.raises(PageGuardError) as error:
            parser.parse("[[a|b]] {{x|y}} ''z''\n" * 80_000)
        assert error.value.reason == "too much memory"
        assert parser.parse("gut")[0].text == "gut"
        assert parser.restarts == 1


def test_memory_that_runs_out_inside_the_tokenizer_is_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the allocation that fails is the tokenizer's own, what it raises is a SystemError from the MemoryError."""

    monkeypatch.setattr("resource.setrlimit", lambda kind, limits: None)
    monkeypatch.setattr(guarded_parse, "_limit_time", lambda seconds: None)
    found = []
    for cause in (MemoryError(), None):

        def parse(self: PageParser, wikitext: str, cause: Exception | None = cause) -> None:
            raise SystemError("x") from cause

        monkeypatch.setattr(PageParser, "parse", parse)
        requests, replies = io.BytesIO(), io.BytesIO()
        settings = {"namespaces": [], "case": "first-letter", "seconds": 1, "memory_bytes": 1 << 30}
        for value in (settings, "a page"):
            guarded_parse.write_frame(requests, value)
        requests.seek(0)
        guarded_parse.serve(requests, replies)
        replies.seek(0)
        assert guarded_parse.read_frame(replies) == "ready"
        found.append(guarded_parse.read_frame(replies))
    assert found == [{"error": "too much memory"}, {"error": "parser failed", "detail": "SystemError: x"}]


def test_time_is_of_the_page_not_of_the_clock() -> None:
    """A child that waits for its next page for longer than a page may take is not over the limit."""
    with GuardedParser({}, seconds=0.2) as parser:
        parser.parse("a")
        time.sleep(0.5)
        assert parser.parse("b")[0].text == "b"
        assert parser.restarts == 0


def test_a_child_that_was_killed_costs_the_page_it_had_and_no_other() -> None:
    with GuardedParser({}) as parser:
        parser.parse("a")
        parser._child.kill()
        parser._child.wait()
        assert parser.parse("b")[0].text == "b"
        threading.Timer(0.3, parser._child.kill).start()
        with pytest.raises(PageGuardError, match=r"parser failed \(the process ended with -9\)"):
            parser.parse(SLOW)
        assert parser.parse("c")[0].text == "c"


def test_limits_must_be_positive_and_leave_room_to_start() -> None:
    with pytest.raises(ValueError, match="seconds must be positive, got 0"):
        GuardedParser({}, seconds=0)
    with GuardedParser({}, memory_bytes=1 << 20) as parser, pytest.raises(OSError, match="Raise memory_bytes"):
        parser.parse("a")


def parse_in_worker(wikitext: str) -> tuple[str, str]:
    with GuardedParser({}, seconds=0.3) as parser:
        try:
            parser.parse(SLOW)
        except PageGuardError as error:
            return error.reason, parser.parse(wikitext)[0].text
    return "", ""


def test_works_in_processes_that_are_children_themselves() -> None:
    """Workers of the build are daemons, which multiprocessing allows no children."""
    with get_context("fork").Pool(1) as pool:
        assert pool.apply(parse_in_worker, ("a [[b]]",)) == ("too slow", "a b")
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(parse_in_worker, "c").result() == ("too slow", "c")


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("busy", [False, True])
def test_the_child_does_not_outlive_a_killed_parent(busy: bool) -> None:
    program = (
        "import threading, time, sys; from xlretrieval.data.wiki.wikitext.guard import GuardedParser\n"
        f"p = GuardedParser({{}}, seconds=1); p.parse('a'); print(p._child.pid, flush=True)\n"
        f"p.parse({SLOW[:12]!r} * 16_000) if {busy} else time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    time.sleep(0.2)
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(pid)


def test_real_pages_go_through_the_guard(shared: Path) -> None:
    path = shared / "data/wikidumps/nlwiki-2014-sample.xml.gz"
    namespaces = read_siteinfo(path).namespaces
    direct = PageParser(namespaces)
    with GuardedParser(namespaces) as guarded:
        for page in read_pages(path):
            assert guarded.parse(page.wikitext) == direct.parse(page.wikitext)
        assert guarded.counts == +direct.counts
