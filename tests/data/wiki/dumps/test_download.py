"""Downloads over the loopback, from a server that does what servers do wrong."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from xlretrieval.data.wiki.dumps import download
from xlretrieval.data.wiki.dumps.download import DUMP_FILES, database_of, download_dumps, dump_path

DATE = "20261101"
CONTENT = {kind: os.urandom(300_000) if kind == "pages" else kind.encode() * 40 for kind in DUMP_FILES}


class Mirror:
    """What is on the server, and its faults: a list of one fault a request, by kind of file, taken from the front.

    Attributes:
        faults: "drop" (the connection breaks after a third of what was asked for), "no range" (everything is sent,
            and the connection breaks after a third), "503", "late" (503 with Retry-After: 0), "416", "404", "403",
            "short" and "long" (Content-Length is wrong), "shifted" (another range than asked for).
        requests: (method, file name, Range header) of every request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.agents: Counter[str] = Counter()
        self.address = ""

    def add(self, language: str, content: dict[str, bytes] = CONTENT) -> None:
        database = database_of(language)
        sums = ""
        for kind, data in content.items():
            name = f"{database}-{DATE}-{DUMP_FILES[kind]}"
            self.files[f"/{database}/{DATE}/{name}"] = data
            sums += f"{hashlib.sha1(data).hexdigest()}  {name}\n"
        self.files[f"/{database}/{DATE}/{database}-{DATE}-sha1sums.txt"] = sums.encode()

    def fault(self, path: str, method: str) -> str:
        for ending, faults in self.faults.items():
            if path.endswith(ending) and method == "GET" and faults:
                return faults.pop(0)
        return ""

    def ranges(self, ending: str) -> list[str | None]:
        return [header for method, path, header in self.requests if method == "GET" and path.endswith(ending)]


class Handler(BaseHTTPRequestHandler):
    mirror: Mirror
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        mirror, asked = self.mirror, self.headers.get("Range")
        mirror.requests.append((self.command, self.path, asked))
        mirror.agents[self.headers["User-Agent"]] += 1
        fault = mirror.fault(self.path, self.command)
        content = mirror.files.get(self.path)
        if fault in ("503", "late", "404", "403", "416") or content is None:
            code = {"late": 503, "": 404}.get(fault) or int(fault)
            self._answer(code, b"", {"Retry-After": "0"} if fault == "late" else {})
            return
        if asked and fault != "no range":
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(content):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            first += fault == "shifted"
            headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
            self._answer(206, content[first:], headers, fault)
        else:
            self._answer(200, content, {}, fault)

    def _answer(self, code: int, body: bytes, headers: dict[str, str], fault: str = "") -> None:
        self.send_response(code)
        length = len(body) + {"short": -10, "long": 10}.get(fault, 0)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        broken = fault in ("drop", "no range")
        self.wfile.write(body[: len(body) // 3] if broken else body[:length])
        self.close_connection = broken or fault in ("short", "long")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("MirrorHandler", (Handler,), {"mirror": mirror}))
    mirror.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield mirror
    server.shutdown()
    server.server_close()
    thread.join()


def get(mirror: Mirror, output: Path, languages: tuple[str, ...] = ("de",), **options):
    return download_dumps(languages, DATE, output, mirror=mirror.address, backoff=0.001, **options)


def content_of(output: Path, language: str = "de") -> dict[str, bytes]:
    return {kind: dump_path(output, language, DATE, kind).read_bytes() for kind in DUMP_FILES}


PAGES = DUMP_FILES["pages"]


def test_all_files_of_all_languages_arrive_under_their_names(mirror: Mirror, tmp_path: Path) -> None:
    for language in ("de", "en-simple", "zh-min-nan"):
        mirror.add(language)
    done = get(mirror, tmp_path / "new/dumps", ("de", "en-simple", "zh-min-nan", "de"))
    assert len(done) == 15 and {file.resumed_from for file in done} == {0}
    for language in ("de", "en-simple", "zh-min-nan"):
        assert content_of(tmp_path / "new/dumps", language) == CONTENT
    names = {path.name for path in (tmp_path / "new/dumps").iterdir()}
    assert "simplewiki-20261101-page_props.sql.gz" in names
    assert "zh_min_nanwiki-20261101-pages-articles-multistream-index.txt.bz2" in names
    assert not [name for name in names if name.endswith((".part", ".bad"))]
    assert all(agent.startswith("xlretrieval/") for agent in mirror.agents)


def test_finished_files_are_not_asked_for_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.add("de")
    first = get(mirror, tmp_path)
    mirror.requests.clear()
    again = get(mirror, tmp_path)
    assert [path for _, path, _ in mirror.requests] == ["/dewiki/20261101/dewiki-20261101-sha1sums.txt"]
    assert [file.path for file in again] == [file.path for file in first]
    assert all(file.resumed_from == file.size for file in again)


def test_a_finished_file_that_was_damaged_since_is_downloaded_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.add("de")
    get(mirror, tmp_path)
    damaged = dump_path(tmp_path, "de", DATE, "pages")
    damaged.write_bytes(CONTENT["pages"][:-1])
    get(mirror, tmp_path)
    assert content_of(tmp_path) == CONTENT
    assert damaged.with_name(f"{damaged.name}.bad").stat().st_size == 299_999


def test_only_the_files_asked_for(mirror: Mirror, tmp_path: Path) -> None:
    mirror.add("de", {"langlinks": b"links", "redirect": b"redirects"})
    done = get(mirror, tmp_path, files=["redirect", "langlinks"])
    assert [file.path.name[16:] for file in done] == ["langlinks.sql.gz", "redirect.sql.gz"]


def test_dropped_connections_go_on_where_they_broke(mirror: Mirror, tmp_path: Path) -> None:
    """More breaks than attempts: what brings something new is no failure."""
    mirror.add("de")
    mirror.faults[PAGES] = ["drop"] * 10
    get(mirror, tmp_path)
    assert content_of(tmp_path) == CONTENT
    assert mirror.ranges(PAGES)[:3] == [None, "bytes=100000-", "bytes=166666-"]


def test_a_partial_file_is_resumed_by_a_later_run(mirror: Mirror, tmp_path: Path) -> None:
    mirror.add("de")
    part = dump_path(tmp_path, "de", DATE, "pages").with_name(f"dewiki-{DATE}-{PAGES}.part")
    part.write_bytes(CONTENT["pages"][:123])
    done = {file.path.name: file for file in get(mirror, tmp_path)}
    assert mirror.ranges(PAGES) == ["bytes=123-"]
    assert done[f"dewiki-{DATE}-{PAGES}"].resumed_from == 123
    assert content_of(tmp_path) == CONTENT and not part.exists()


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        (["no range"], ["bytes=9-", "bytes=100000-"]),
        (["drop", "no range", "no range"], ["bytes=9-", "bytes=100006-", "bytes=100000-", "bytes=100000-"]),
        (["shifted"], ["bytes=9-", None]),
        (["503", "late"], ["bytes=9-", "bytes=9-", "bytes=9-"]),
    ],
)
def test_servers_with_faults_that_pass(
    mirror: Mirror, tmp_path: Path, faults: list[str], ranges: list[str | None]
) -> None:
    mirror.add("de")
    dump_path(tmp_path, "de", DATE, "pages").with_name(f"dewiki-{DATE}-{PAGES}.part").write_bytes(CONTENT["pages"][:9])
    mirror.faults[PAGES] = list(faults)
    get(mirror, tmp_path)
    assert content_of(tmp_path) == CONTENT
    assert mirror.ranges(PAGES) == ranges


@pytest.mark.parametrize(
    "part",
    [CONTENT["pages"], CONTENT["pages"] + b"more", b"x" * len(CONTENT["pages"]), b"another file's beginning"],
    ids=["whole", "too long", "whole but wrong", "wrong"],
)
def test_a_part_that_is_no_beginning_is_written_anew(mirror: Mirror, tmp_path: Path, part: bytes) -> None:
    mirror.add("de")
    dump_path(tmp_path, "de", DATE, "pages").with_name(f"dewiki-{DATE}-{PAGES}.part").write_bytes(part)
    get(mirror, tmp_path)
    assert content_of(tmp_path) == CONTENT


def test_a_wrong_sum_is_not_accepted(mirror: Mirror, tmp_path: Path) -> None:
    mirror.add("de")
    path = f"/dewiki/{DATE}/dewiki-{DATE}-page_props.sql.gz"
    right, mirror.files[path] = mirror.files[path], b"tampered"
    with pytest.raises(OSError, match=r"page_props\.sql\.gz: file must have the SHA-1 [0-9a-f]{40}, got [0-9a-f]{40}"):
        get(mirror, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert f"dewiki-{DATE}-page_props.sql.gz" not in names
    assert f"dewiki-{DATE}-page_props.sql.gz.bad" in names and f"dewiki-{DATE}-{PAGES}" in names
    mirror.files[path] = right
    get(mirror, tmp_path)
    assert content_of(tmp_path) == CONTENT


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("short", r"download must go on, got a file of 299,990 bytes instead of 300,000"),
        ("long", r"download must go on, got a file of 300,010 bytes instead of 300,000"),
        ("503", r"download must go on, got HTTP 503 after 0 bytes in 6 attempts"),
        ("403", r"server must send the file, got HTTP 403"),
        ("404", r"file must exist, got HTTP 404"),
    ],
)
def test_faults_that_do_not_pass(mirror: Mirror, tmp_path: Path, fault: str, message: str) -> None:
    mirror.add("de")
    mirror.faults[PAGES] = [fault] * 50
    with pytest.raises(OSError, match=message):
        get(mirror, tmp_path)
    assert not dump_path(tmp_path, "de", DATE, "pages").exists()
    assert len(mirror.ranges(PAGES)) == (1 if fault in ("403", "404") else 6)


def test_a_dump_that_is_not_there_or_not_finished(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"sha1sums.txt: dump must be on the server, got no such file. Look for dates"):
        get(mirror, tmp_path)
    mirror.add("de", {"pages": b"pages"})
    with pytest.raises(OSError, match=r"'dewiki-20261101-pages-articles-multistream-index.txt.bz2' in its list"):
        get(mirror, tmp_path)
    mirror.files[f"/dewiki/{DATE}/dewiki-{DATE}-sha1sums.txt"] = b"<html>Welcome</html>"
    with pytest.raises(OSError, match=r"sha1sums.txt, line 1: line must be a SHA-1 and a file name, got '<html>"):
        get(mirror, tmp_path)


def test_a_server_that_is_not_there(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"server must answer, got .* in 6 attempts"):
        download_dumps(["de"], DATE, tmp_path, mirror="http://127.0.0.1:9", backoff=0.001)


def test_the_disk_is_asked_before_anything_is_downloaded(mirror: Mirror, tmp_path: Path, monkeypatch) -> None:
    mirror.add("de")
    usage = download.shutil.disk_usage(tmp_path)._replace(free=64 * 1024 * 1024 + 200_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"disk must have 0\.00 GB free for 5 files"):
        get(mirror, tmp_path)
    assert not mirror.ranges(PAGES)
    dump_path(tmp_path, "de", DATE, "pages").with_name(f"dewiki-{DATE}-{PAGES}.part").write_bytes(
        CONTENT["pages"][:200_000]
    )
    assert len(get(mirror, tmp_path)) == 5  # what is there already needs no room


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"languages": "de"}, "languages must be a list of codes, got 'de'"),
        ({"languages": ["../etc"]}, "language must be a code"),
        ({"date": "latest"}, "date must be eight digits, got 'latest'"),
        ({"files": ["history"]}, "files must be of pages, index"),
        ({"mirror": "dumps.example.org"}, "mirror must be an address that begins with https://"),
    ],
)
def test_arguments(tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        download_dumps(**{"languages": ["de"], "date": DATE, "output": tmp_path / "new", **arguments})
    assert not (tmp_path / "new").exists()
