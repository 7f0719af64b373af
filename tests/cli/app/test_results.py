"""Results as HTML: documents show as the text that they are."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from xlretrieval.cli.app.library import Found
from xlretrieval.cli.app.results import show_message, show_results
from xlretrieval.inference.search import Hit


def hit(name: str, text: str, **changes: object) -> Hit:
    values = {"title": "", "language": "de", "score": 1.5, "first_rank": 1, "dense_rank": 1, "words_rank": None}
    return Hit(**{**values, "id": name, "text": text, "passage": (0, len(text)), **changes})


class Reader(HTMLParser):
    """Names of the elements, the text of the page, and that of its <mark>s."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.names, self.text, self.marked, self.open = set(), "", [], []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, name: str, attributes: list) -> None:
        self.names.add(name)
        self.open.append(name)
        self.marked += [""] if name == "mark" else []

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, text: str) -> None:
        self.text += text
        if "mark" in self.open:
            self.marked[-1] += text


def test_markup_in_a_document_is_text():
    text = "<script>alert(1)</script> <img src=x onerror='alert(2)'> </p></li> &amp; \"quoted\""
    evil = hit(text, text, title=text, language="de")
    page = Reader(show_results(Found([evil], [evil], reranked=True)))
    assert page.names == {
        *("div", "section", "h2", "ol", "li", "article", "header", "span", "h3", "p", "mark")
    }  # nothing of the document's
    assert page.text.count(text) == 4  # title, text, id, and the title in the first stage
    assert page.marked == [text]


def test_a_language_cannot_end_its_attribute():
    page = Reader(show_results(Found([hit("1", "text", language='"><b>')], [], reranked=False)))
    assert "b" not in page.names


def test_both_orders_are_shown_with_what_changed():
    a, b = hit("a", "Eins", title="A", first_rank=2, score=3.25), hit("b", "Zwei", title="B", first_rank=1, score=-1.0)
    c = hit("c", "Drei", title="C", first_rank=3)
    html = show_results(Found([a, b], [b, a, c], reranked=True))
    reranked, first = html.split("First stage</h2>")
    assert "Reranked</h2>" in reranked
    assert Reader(f"{reranked[reranked.index('<ol>') : reranked.index('</section>')]}").text == (
        "1Ade3.25Einsa · first stage 2 ↑1 · vectors 12Bde-1.00Zweib · first stage 1 ↓1 · vectors 1"
    )
    assert Reader(first[first.index("<ol>") : first.index("</section>")]).text == (
        "1Bdenow 2 ↓12Adenow 1 ↑13Cdenow lower"
    )


def test_without_a_reranker_there_is_one_order():
    html = show_results(Found([hit("a", "Eins", score=1 / 61, dense_rank=None, words_rank=4)], [], reranked=False))
    assert "Reranked" not in html
    assert "0.0164" in html
    assert "a · words 4" in html


def test_a_long_document_unfolds_around_its_passage():
    words = [f"w{number}" for number in range(1000)]
    text = " ".join(words)
    start, end = text.index("w500"), text.index("w520")
    html = show_results(Found([hit("1", text, passage=(start, end))], [], reranked=False))
    page = Reader(html)
    assert page.marked == [text[start:end]]
    assert html.count("<details>") == 2
    shown = unescape(html[html.index("</details>") + 10 : html.rindex("<details>")]).replace("<mark>", "")
    shown = shown.replace("</mark>", "").split()
    assert shown == words[words.index(shown[0]) : words.index(shown[-1]) + 1]  # whole words
    assert 80 < len(shown) < 130
    assert [word for word in page.text.split() if word.startswith("w")] != []
    assert all(word in page.text for word in words)  # nothing is left out


def test_no_results_and_messages():
    assert "Nothing was found" in show_results(Found([], [], reranked=True))
    assert show_message("<b>") == '<p class="xl-message" role="status">&lt;b&gt;</p>'
