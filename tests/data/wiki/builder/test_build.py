"""The build: the corpus is right, the same from any workers, goes on after a kill, and says what is wrong."""

from __future__ import annotations

import bz2
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from xlretrieval.data.sections import AlignedSections
from xlretrieval.data.wiki.builder import BuildOptions, Workers, build_corpus

PAIRS = ["en-de", "en-fr"]
# Those of the fixture `built`.
SHARDS = {"part_bytes": 10_000, "buckets": 3, "validation": 0.1, "test": 0.2}


def content(folder: Path) -> dict[str, bytes]:
    """All files of a corpus; nothing in them may depend on who built it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def section_number(section_id: str) -> int:
    return int(section_id.split("#")[1])


def precision_and_recall(corpus: AlignedSections, name: str, truth_file: Path) -> tuple[float, float]:
    """Of the pairs found, how many are true; of the true pairs of undivided sections, how many were found."""
    pair = corpus.pair(name)
    codes = sorted([pair.source_language, pair.target_language])
    rows = map(json.loads, truth_file.read_text(encoding="utf-8").splitlines())
    truth = {
        (row["item"], row["source_section"], row["target_section"]): row["kind"]
        for row in rows
        if row["pair"] == "-".join(codes)
    }
    found = set()
    for index in range(len(pair)):
        sides = {
            pair.source_language: corpus.sections(pair.source_language)[pair.source[index]],
            pair.target_language: corpus.sections(pair.target_language)[pair.target[index]],
        }
        first, second = (sides[code] for code in codes)
        assert first.article_id == second.article_id and first.article_id.startswith("Q")
        found.add((first.article_id, section_number(first.id), section_number(second.id)))
    whole = {key for key, kind in truth.items() if kind == "whole"}
    return len(found & set(truth)) / len(found), len(found & whole) / len(whole)


def test_pairs_are_those_of_the_truth(built, world):
    corpus = AlignedSections.load(built)
    assert corpus.pairs == ["en-de", "en-fr"] and corpus.languages == ["de", "en", "fr"]
    for name in corpus.pairs:
        precision, recall = precision_and_recall(corpus, name, world / "truth.jsonl")
        assert precision >= 0.97
        assert recall >= 0.8  # with 60 articles there is little to learn from


@pytest.mark.slow
def test_quality_in_a_larger_world(tmp_path):
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    write_sample(tmp_path / "sample", size=0.3)
    build_corpus(tmp_path / "sample" / "dumps", tmp_path / "corpus", BuildOptions(["de-es"]), Workers(1))
    corpus = AlignedSections.load(tmp_path / "corpus")
    precision, recall = precision_and_recall(corpus, "de-es", tmp_path / "sample" / "truth.jsonl")
    assert precision >= 0.97 and recall >= 0.9


def test_negatives_are_other_sections_of_the_same_article(built):
    corpus = AlignedSections.load(built)
    pair = corpus.pair("en-de")
    counts = Counter()
    for index in range(len(pair)):
        positive = corpus.sections("de")[pair.target[index]]
        for row in pair.target_negatives(index):
            negative = corpus.sections("de")[row]
            assert negative.article_id == positive.article_id and negative.text != positive.text
            counts["negatives"] += 1
    assert counts["negatives"] > len(pair)


def test_card_says_where_it_is_from(built):
    card = (built / "README.md").read_text(encoding="utf-8")
    assert "enwiki-20260101-pages-articles-multistream.xml.bz2" in card and "license:\n- cc-by-sa-4.0" in card
    assert card.count("Confidence ") == 10  # five examples of either pair
    provenance = json.loads((built / "provenance.json").read_text(encoding="utf-8"))
    counts = provenance["counts"]
    parsed, aligned = counts["parse"]["en"], counts["align"]["en-de"]
    offered = sum(count for name, count in aligned.items() if name.startswith("en sections"))
    assert counts["links"]["source"] == "wikidata" and parsed["articles"] >= aligned["article pairs"]
    assert 0 < aligned["pairs of sections"] <= offered <= parsed["sections"]


def test_datasets_reads_it(built, tmp_path):
    from datasets import load_dataset

    rows = load_dataset(str(built), "en-de", split="train", cache_dir=str(tmp_path))
    assert rows.column_names == ["source", "target", "score", "source_negatives", "target_negatives", "split"]


@pytest.mark.slow
def test_two_workers_build_the_same(dumps, built, tmp_path):
    build_corpus(dumps, tmp_path / "two", BuildOptions(PAIRS, **SHARDS), Workers(2))
    assert content(tmp_path / "two") == content(built)


@pytest.mark.slow
def test_a_cluster_builds_the_same(dumps, built, tmp_path):
    pytest.importorskip("ray")
    program = (
        "import sys, json; from xlretrieval.data.wiki.builder import *\n"
        "dumps, output, pairs, shards = json.loads(sys.argv[1])\n"
        "build_corpus(dumps, output, BuildOptions(pairs, **shards), Workers(1, cluster='local'))"
    )
    # In a process of its own: a runner is chosen once for all.
    words = json.dumps([str(dumps), str(tmp_path / "ray"), PAIRS, SHARDS])
    done = subprocess.run([sys.executable, "-c", program, words], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert content(tmp_path / "ray") == content(built)


@pytest.mark.slow
def test_goes_on_after_a_kill(dumps, built, tmp_path):
    command = [sys.executable, "-m", "xlretrieval", "wiki", "build", "--dumps", str(dumps), "--pairs", ",".join(PAIRS)]
    command += ["--output", str(tmp_path / "corpus"), "--workers", "1", "--validation", "0.1", "--test", "0.2"]
    config = tmp_path / "shards.yaml"
    config.write_text("part_bytes: 10000\nbuckets: 3\n")
    command += ["--config", str(config)]
    work = tmp_path / "corpus.work"
    running = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while len(list(work.glob("sections-*/*/*.parquet"))) < 2:
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "corpus").exists()
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.parquet") if not path.name.startswith(".")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a finished shard was made again"
    assert content(tmp_path / "corpus") == content(built)


@pytest.mark.slow
def test_another_threshold_repeats_the_alignment_only(dumps, tmp_path):
    options = BuildOptions(["en-de"], **SHARDS)
    work = tmp_path / "work"
    build_corpus(dumps, tmp_path / "first", options, Workers(1, work=work))
    parsed = {path: path.stat().st_mtime_ns for path in work.glob("sections-*/*/*.parquet")}
    strict = BuildOptions(["en-de"], threshold=0.9, **SHARDS)
    counts = build_corpus(dumps, tmp_path / "second", strict, Workers(1, work=work))
    assert {path: path.stat().st_mtime_ns for path in work.glob("sections-*/*/*.parquet")} == parsed
    assert min(AlignedSections.load(tmp_path / "second").pair("en-de").score) >= 0.9
    assert counts.align["en-de"]["pairs of sections"] < len(AlignedSections.load(tmp_path / "first").pair("en-de"))


def test_a_cut_dump_is_an_error_or_counted(dumps, tmp_path):
    cut = tmp_path / "dumps"
    cut.mkdir()
    for path in dumps.iterdir():
        if path.name.startswith(("de", "en")) and "multistream-index" not in path.name:
            shutil.copy(path, cut)
    packed = next(cut.glob("dewiki*.xml.bz2"))
    text = bz2.decompress(packed.read_bytes())
    packed.with_suffix("").write_bytes(text[: len(text) // 2])
    packed.unlink()
    with pytest.raises(ValueError, match=r"dewiki.*whole pages"):
        build_corpus(cut, tmp_path / "corpus", BuildOptions(["en-de"]), Workers(1))
    assert not (tmp_path / "corpus").exists()
    counts = build_corpus(cut, tmp_path / "corpus", BuildOptions(["en-de"], on_error="skip"), Workers(1))
    assert counts.scan["de"]["broken"] == 1 and counts.scan["en"]["broken"] == 0
    assert 0 < counts.align["en-de"]["article pairs"] < 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairs": ["en-de", "de-en"]}, "pair must be named once, got 'de-en' again"),
        ({"pairs": ["english"]}, "pair must be two language codes joined by a hyphen, got 'english'"),
        ({"pairs": []}, "pairs must be a list of names like 'en-de'"),
        ({"pairs": ["en-de"], "threshold": 1.5}, r"threshold must be in \[0, 1\], got 1.5"),
        ({"pairs": ["en-de"], "buckets": 0}, "buckets must be in"),
        ({"pairs": ["en-de"], "min_characters": 0}, "min_characters must be at least 1, got 0"),
        ({"pairs": ["en-nl"]}, "must hold a dump of the pages of 'nl', got dumps of: de, en, es, fr"),
    ],
)
def test_mistakes_are_told(options, message, dumps, tmp_path):
    with pytest.raises(ValueError, match=message):
        build_corpus(dumps, tmp_path / "corpus", BuildOptions(**options), Workers(1))
    assert not list(tmp_path.iterdir())


def test_two_dumps_of_a_wiki_are_not_mixed(dumps, tmp_path):
    folder = tmp_path / "dumps"
    shutil.copytree(dumps, folder)
    shutil.copy(
        next(dumps.glob("dewiki*multistream.xml.bz2")), folder / "dewiki-20250101-pages-articles-multistream.xml.bz2"
    )
    with pytest.raises(ValueError, match="must hold one dump of 'de', or the parts of one"):
        build_corpus(folder, tmp_path / "corpus", BuildOptions(["en-de"]), Workers(1))
