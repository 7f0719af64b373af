"""The page in a real browser, served by the program of a Space."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from xlretrieval.cli.app.settings import PageSettings
from xlretrieval.cli.app.space import write_space

if find_spec("gradio") is None:  # importing it takes seconds, and only the server needs it
    pytest.skip("needs gradio", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--disable-quic --no-first-run"
).split()
# Notes every address outside of this machine that the server wants to reach.
WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        address = arguments[1] if event == "socket.connect" else arguments
        host = str(address[0]) if isinstance(address, tuple) else ""
        if host not in ("", "None", "127.0.0.1", "::1", "localhost", "0.0.0.0"):
            with open("outside.txt", "a") as file:
                file.write(f"{event} {address}\\n")
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def space(
    index_folder: Path, encoder_folder: Path, long_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Space whose models lie where their names on the Hub would be read as folders."""
    folder = tmp_path_factory.mktemp("space")
    settings = PageSettings([str(index_folder)], ["me/reranker"], "me/encoder", ["the city", "die Musik"])
    write_space(settings, folder)
    shutil.copytree(encoder_folder, folder / "me" / "encoder")
    shutil.copytree(long_folder, folder / "me" / "reranker")
    (folder / "watched").mkdir()
    (folder / "watched" / "sitecustomize.py").write_text(WATCH)
    return folder


@pytest.fixture(scope="module")
def address(space: Path) -> Iterator[str]:
    """Address of the running Space."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment |= {"GRADIO_SERVER_PORT": str(port), "PYTHONPATH": str(space / "watched"), "OMP_NUM_THREADS": "1"}
    with (space / "server.log").open("w") as log:
        server = subprocess.Popen([sys.executable, "app.py"], cwd=space, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(600):
            assert server.poll() is None, (space / "server.log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=10).close()
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address: str) -> Iterator[object]:
    """The page, opened on a screen of a phone's width; whatever it requests is noted in `requested`."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(120_000)
    page.requested = []
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(address)
    page.get_by_label("Query", exact=True).wait_for()
    yield page
    page.close()


def search(page, query: str) -> None:
    page.get_by_label("Query", exact=True).fill(query)
    page.get_by_role("button", name="Search").click()


def test_a_query_gives_documents_in_both_orders_and_no_script_of_theirs_runs(page, space: Path, address: str):
    search(page, "the city on the mountain")
    documents = page.locator("#results article")
    documents.first.wait_for()
    assert documents.count() == 5
    assert page.locator("#results section").nth(1).locator("li").count() == 5
    texts = documents.all_inner_texts()
    assert sum("Die Stadt ist auf dem Berg." in text for text in texts) == 1
    (evil,) = [text for text in texts if "The city attacks." in text]
    for markup in (
        "<u>Evil</u> & <script>window.attacked = 6</script>",
        '<script>window.attacked = 1</script><img src=x onerror="window.attacked = 2">',
        "<svg onload='window.attacked = 3'> ${window.attacked = 4} {{window.attacked = 5}} &lt;b&gt; </article></div>",
    ):
        assert markup in evil
    assert page.locator("#results mark").count() == 5
    page.wait_for_timeout(500)
    assert page.evaluate("window.attacked") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [url for url in page.requested if not url.startswith((address, "data:", "blob:"))] == []
    assert not (space / "outside.txt").exists(), (space / "outside.txt").read_text()


def test_an_empty_query_gets_an_answer(page):
    search(page, "  ")
    page.get_by_text("Type a query, in any language.").wait_for()


def test_an_example_fills_the_query(page):
    page.get_by_role("button", name="die Musik").click()
    page.wait_for_function("document.querySelector('textarea, input[type=text]').value == 'die Musik'")


def test_without_a_reranker_there_is_one_order(page):
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Reranker").click()
    page.get_by_role("option", name="none: first stage alone").click()
    search(page, "la ville")
    page.locator("#results article").first.wait_for()
    assert page.locator("#results section").count() == 1
    assert page.locator("#results h2").inner_text() == "First stage"
