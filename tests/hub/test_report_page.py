"""The HTML report: what stands in it, that nothing in it is active, and that it is one file."""

from __future__ import annotations

import base64
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from xlretrieval.data.sections import AlignedPair, AlignedSectionsWriter, Section
from xlretrieval.hub.ranked_examples import first_relevant_rank, shortened, shown_candidates
from xlretrieval.hub.report_page import RankedExample, write_report_page

RECORDS = Path(__file__).with_name("records")
PNG = b"\x89PNG\r\n\x1a\n picture"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Elements with attributes, and the text of the page; elements must be closed in order."""

    VOID = {"meta", "img", "br"}

    def __init__(self, source: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data):
        if self._open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(RECORDS, tmp_path / "runs")
    (tmp_path / "runs" / "trained" / "curves.png").write_bytes(PNG)
    (tmp_path / "runs" / "ranking" / "heatmap.png").write_bytes(PNG)
    with AlignedSectionsWriter(tmp_path / "runs" / "corpus") as writer:
        writer.add_sections("ar", [Section("0", "ar", "a", "برلين", ("تاريخ",), "نص قصير."), *sections("ar")])
        writer.add_sections("en", [Section("0", "en", "a", EVIL, (), f"A text with {EVIL} in it."), *sections("en")])
        pairs = [AlignedPair(0, 0, 0.75, (), (), "test"), AlignedPair(1, 1, 1.0, (), (), "train")]
        writer.add_pairs("ar-en", pairs)
        writer.finish({"source": "jsonl", "counts": {"read": 5, "dropped": {"too short": 1}, **writer.counts()}})
    return tmp_path / "runs"


def sections(language: str) -> list[Section]:
    return [Section("1", language, "b", "B", (), "In the training split.")]


def report(folder: Path, **options: object) -> str:
    path = folder / "report.html"
    evaluations = options.pop("evaluations", [folder / "ranking", folder / "alignment"])
    options = {"corpus_folder": folder / "corpus", "cache_dir": folder / "cache", **options}
    assert write_report_page(path, "My run", folder / "trained", evaluations, **options) == path
    return path.read_text(encoding="utf-8")


def test_results(folder):
    page = Page(report(folder))
    assert page.text.startswith("My run My run Model trained, made from start")  # title and heading
    assert (
        "Ranking of held-out sections MRR 0.200 → 0.210 +0.010 on average; beyond chance: better in 1, " in page.text
    )
    assert "worse in 1 of 3 tasks. A random order: 0.52. Alignment" in page.text
    assert "Alignment of held-out sections P@1 10.0 → 30.0 % +20.0 , 95% +12.5 to +27.5." in page.text
    assert "de-en 72 0.170 0.120 to 0.220 0.250 0.200 to 0.300 +0.080 +0.020 to +0.140" in page.text
    assert "Before and after: 3 dropped (no sentence), 7 texts cut to the model's length." in page.text
    differences = [row["class"].split()[1] for row in page.all("td") if len(row.get("class", "").split()) == 2]
    # RR: de-en, en-de, en-fr; the same for AP; the three rows of alignment. A mean has no colour.
    assert differences == ["better", "unclear", "worse"] * 2 + ["better"] * 3
    widths = [row["style"] for row in page.all("span") if row.get("style", "").startswith("width")]
    # The axis ends at .5, the first of .1, .2, .5 that holds every interval: the mean's .2 and .21, then de-en.
    assert widths[:4] == ["width:40.0%", "width:42.0%", "width:34.0%", "width:50.0%"]
    assert page.all("i")[0]["style"] == "left:24.0%;width:20.0%"


def test_it_tells_how_it_was_made(folder):
    text = Page(report(folder, commands=["xlretrieval wiki build", ("xlretrieval pretrain a.yaml", 4.26)])).text
    assert "$ xlretrieval wiki build $ xlretrieval pretrain a.yaml # 4.3 minutes" in text
    assert "corpus, training xlretrieval 0.0.9, torch 2.13.0" in text
    assert "relevance ranking (RR) weight 0.5; pairwise logistic loss, 3 negative documents per positive" in text
    assert "MRR of the relevance head 0.250 0.375" in text and "training time 1.5 minutes" in text


def test_the_corpus(folder):
    source = report(folder)
    page = Page(source)
    assert "ar-en 1 0 1" in page.text and "sections read 5 dropped: too short 1" in page.text
    assert "ar-en aligned with confidence 0.75" in page.text and "برلين › تاريخ" in page.text
    assert "In the training split." not in page.text  # held-out sections are shown where there are any
    assert '<p lang="ar" dir="auto">نص قصير.</p>' in source


def test_it_is_one_inert_file(folder):
    evil = [(EVIL, 1.0, True)]
    rankings = [RankedExample(f"query {EVIL}", "en", '"><script>', evil, evil)]
    source = report(folder, rankings=rankings, commands=[f"run {EVIL}"])
    page = Page(source)
    assert page.text.count("<script>alert(1)</script>") == 6  # heading, section, query, two candidates, command
    assert {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "form", "base"} == set()
    assert "http" not in source.replace('http-equiv="Content-Security-Policy"', "") and "url(" not in source
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    picture = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert [image["src"] for image in page.all("img")] == [picture, picture]
    assert all(image["alt"] for image in page.all("img"))
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_rankings_show_where_the_relevant_document_is(folder):
    before = [(f"document {number}", 5.0 - number, number == 7) for number in range(9)]
    after = [(text, 9.0 if relevant else score, relevant) for text, score, relevant in before]
    source = report(folder, rankings=[RankedExample("frage", "de", "fr", before, after)])
    text = Page(source).text
    assert "Query in de, 9 documents in fr frage Before: relevant at rank 8 1 document 0 5.000" in text
    assert "5 document 4 1.000 ⋮ 8 ✓ relevant document 7 -2.000 After: relevant at rank 1" in text
    assert "After: relevant at rank 1 1 ✓ relevant document 7 9.000 2 document 0" in text
    assert source.count('<li class="relevant">') == 2 and '<blockquote lang="de" dir="auto">frage<' in source
    assert '<span lang="fr" dir="auto">document 7</span>' in source


def test_candidates_that_are_shown():
    candidates = [("b", 1.0, False), ("a", 2.0, False), ("c", 1.0, True)]
    shown = shown_candidates(candidates, most=1)
    assert [(one.rank, one.text, one.relevant, one.gap) for one in shown] == [
        (1, "a", False, False),
        (3, "c", True, True),  # after its equal, which comes first
    ]
    assert first_relevant_rank(candidates) == 3 and first_relevant_rank(candidates[:2]) is None
    assert shortened("one two\nthree", 8) == "one two …" and shortened("one  two", 8) == "one two"
    assert shortened("中" * 10, 4) == "中中中中 …"


def test_what_is_missing_is_left_out_or_said(folder):
    path = write_report_page(folder / "report.html", "Start", folder / "start")
    text = Page(path.read_text(encoding="utf-8")).text
    assert "This model was not trained for retrieval" in text and "how well this model retrieves is unknown" in text
    assert "Corpus" not in text and "Queries and their candidates" not in text and "$" not in text
    (folder / "corpus" / "provenance.json").unlink()
    assert "a source that is not recorded" in report(folder, evaluations=[])


def test_the_same_records_give_the_same_page(folder):
    assert report(folder) == report(folder)


def test_a_damaged_record_is_named_and_the_page_kept(folder):
    kept = report(folder)
    (folder / "ranking" / "results.json").write_text("{")
    with pytest.raises(ValueError, match=r"ranking/results\.json, line 1: the file must be whole JSON"):
        report(folder)
    assert (folder / "report.html").read_text(encoding="utf-8") == kept
