"""Runs and judgements on disk: what comes back, and what is refused."""

import gzip
import math
from pathlib import Path

import pytest

from xlretrieval.data.trec import rank_documents, read_qrels, read_run, write_qrels, write_run

RUN = {"q1": {"d1": 2.0, "d2": 1.0, "d3": 3.5}, "q2": {"d9": 0.2, "d8": -1.0}, "q9": {"d1": 1.0}}
QRELS = {"q1": {"d1": 1, "d2": 2, "d3": 0}, "q2": {"d7": 1, "d8": 1}, "q3": {"d1": 1}}


def test_files_round_trip(tmp_path):
    write_run(RUN, tmp_path / "a.run", tag="toy")
    write_qrels(QRELS, tmp_path / "a.qrels")
    assert (tmp_path / "a.run").read_text().splitlines()[:4] == [
        "q1 Q0 d3 1 3.5 toy",
        "q1 Q0 d1 2 2.0 toy",
        "q1 Q0 d2 3 1.0 toy",
        "q2 Q0 d9 1 0.2 toy",
    ]
    assert (tmp_path / "a.qrels").read_text().splitlines()[0] == "q1 0 d1 1"
    assert read_run(tmp_path / "a.run") == RUN
    assert read_qrels(tmp_path / "a.qrels") == QRELS
    (tmp_path / "b.run.gz").write_bytes(gzip.compress((tmp_path / "a.run").read_bytes()))
    assert read_run(tmp_path / "b.run.gz") == RUN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("q Q0 d 1 2.0 t\nq Q0 d2 2 1.0\n", r"line 2: a line must have 6 columns .* got 5"),
        ("q Q0 d 1 nan t\n", r"line 1: score must be a finite number, got 'nan'"),
        ("q Q0 d 1 -inf t\n", r"line 1: score must be a finite number, got '-inf'"),
        ("q Q0 d 1 high t\n", r"line 1: score must be a finite number, got 'high'"),
        ("q Q0 d 1 2 t\n\nq Q0 e 2 1 t\nq Q0 d 3 0 t\n", r"line 4: .* got d of query q which is also in line 1"),
        ("\n", "a file must have at least one line"),
    ],
)
def test_bad_runs_are_errors_with_a_line(tmp_path, content, message):
    (tmp_path / "bad.run").write_text(content)
    with pytest.raises(ValueError, match=rf"bad\.run.*{message}"):
        read_run(tmp_path / "bad.run")


def test_bad_qrels_are_errors_with_a_line(tmp_path):
    path = tmp_path / "bad.qrels"
    path.write_text("q 0 d 1\nq 0 d 0.5\n")
    with pytest.raises(ValueError, match=r"bad\.qrels, line 2: relevance must be an integer, got '0.5'"):
        read_qrels(path)
    path.write_text("q 0 d 1\nq 0 d 1\n")
    with pytest.raises(ValueError, match=r"bad\.qrels, line 2: .* also in line 1"):
        read_qrels(path)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"a b": {"d": 1.0}}, "A query id must be one word, got 'a b'"),
        ({"a": {"": 1.0}}, "A document id must be one word, got ''"),
        ({"a": {"d": math.nan}}, "A score must be finite, got nan for document d of query a"),
    ],
)
def test_what_a_file_cannot_hold_is_not_written(tmp_path, run, message):
    with pytest.raises(ValueError, match=message):
        write_run(run, tmp_path / "bad.run")
    assert not list(tmp_path.iterdir())


def test_ties_break_as_in_trec_eval():
    # The greater id first; scores are float32 there, so b and c are a tie.
    assert rank_documents({"a": 2.0, "b": 1.0, "c": 1.0 + 1e-9, "d": 0.5}) == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    ("language", "queries", "judgements"),
    [
        ("de", 155, 57_654),
        ("es", 97, 36_970),
        ("fr", 99, 41_881),
        ("it", 100, 34_812),
        ("nl", 156, 58_063),
        ("clef06fr", 49, 17_882),
    ],
)
def test_judgements_of_clef_read_completely(shared: Path, language: str, queries: int, judgements: int):
    path = shared / f"data/clef/qrels/{language}_qrels.txt.gz"
    qrels = read_qrels(path)
    assert (len(qrels), sum(map(len, qrels.values()))) == (queries, judgements)
    assert judgements == len(gzip.decompress(path.read_bytes()).split(b"\n")) - gzip_ends_with_newline(path)


def gzip_ends_with_newline(path: Path) -> bool:
    return gzip.decompress(path.read_bytes()).endswith(b"\n")


def test_graded_and_bad_judgements_of_real_collections(shared: Path):
    graded = read_qrels(shared / "data/cranfield/cranqrel.trec.txt")
    assert (len(graded), sum(map(len, graded.values())), graded["1"]["184"]) == (225, 1_837, 1)
    assert sorted({grade for judged in graded.values() for grade in judged.values()}) == [0, 1, 3]
    assert read_qrels(shared / "data/patapsco/qrels_2020")["142"] == {"doc1": 1, "doc2": 0, "doc3": 0}
    with pytest.raises(ValueError, match=r"qrels_bad, line 5: relevance must be an integer, got '0.5'"):
        read_qrels(shared / "data/patapsco/qrels_bad")
    with pytest.raises(ValueError, match=r"not_utf8\.txt, line 1: text must be UTF-8, got byte 0xe9"):
        read_qrels(shared / "data/patapsco/not_utf8.txt")
    assert read_run(shared / "data/patapsco/results.txt")["1"] == {"aaa": 0.87, "bbb": 0.45}
