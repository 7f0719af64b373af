import gzip
import json
from pathlib import Path

import pytest

from xlretrieval.data.files import read_lines, write_text
from xlretrieval.data.parallel import ParallelTexts, read_jsonl_sections, read_tatoeba, read_xnli15

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def tatoeba(folder: Path, german: bytes, english: bytes) -> Path:
    (folder / "tatoeba.deu-eng.deu").write_bytes(german)
    (folder / "tatoeba.deu-eng.eng").write_bytes(english)
    return folder


def rows(path: Path, *sections: tuple[str, str, str, str]) -> Path:
    lines = [
        json.dumps({"corpus": "manual", "doc": doc, "sec": sec, "lang": lang, "doctitle": "", "text": text})
        for doc, sec, lang, text in sections
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_tatoeba_reads_both_files_in_either_direction(tmp_path):
    folder = tatoeba(tmp_path, b"Der Hund bellt.\nEs regnet.\n", b"The dog barks.\r\nIt rains.")
    texts = read_tatoeba(folder, "deu-eng")
    assert texts == ParallelTexts(
        ("deu", "eng"), ["Der Hund bellt.", "Es regnet."], ["The dog barks.", "It rains."], "tatoeba deu-eng"
    )
    turned = read_tatoeba(str(folder / "tatoeba"), "eng-deu")
    assert (turned.languages, turned.source, turned.target) == (("eng", "deu"), texts.target, texts.source)


def test_lines_end_at_newlines_only(tmp_path):
    texts = read_tatoeba(tatoeba(tmp_path, "a\u2028b\x0cc\nd\n".encode(), b"\xef\xbb\xbfA\nB\n"), "deu-eng")
    assert texts.source == ["a\u2028b\x0cc", "d"] and texts.target == ["A", "B"]


def test_empty_lines_leave_both_sides_and_are_counted(tmp_path):
    texts = read_tatoeba(tatoeba(tmp_path, b"a\n\nc\nd\n", b"A\nB\n \nD\n"), "deu-eng")
    assert (texts.source, texts.target, texts.dropped) == (["a", "d"], ["A", "D"], {"empty": 2})


def test_tatoeba_errors_name_files_and_counts(tmp_path):
    tatoeba(tmp_path, b"a\nb\n", b"A\n")
    with pytest.raises(
        ValueError, match=r"\.deu, line 2: aligned files must have the same .* more than the 1 of .*\.eng"
    ):
        read_tatoeba(tmp_path, "deu-eng")
    with pytest.raises(ValueError, match=r"got none for fra-eng\. Pairs in .*: deu-eng\."):
        read_tatoeba(tmp_path, "fra-eng")
    tatoeba(tmp_path, b"\n", b"A\n")
    with pytest.raises(ValueError, match=r"must be at least one, got none \(dropped: \{'empty': 1\}\)"):
        read_tatoeba(tmp_path, "deu-eng")
    tatoeba(tmp_path, b"a\nna\xefve\n", b"A\nB\n")
    with pytest.raises(ValueError, match=r"tatoeba\.deu-eng\.deu, line 2: text must be UTF-8, got byte 0xef"):
        read_tatoeba(tmp_path, "deu-eng")


@pytest.mark.parametrize("name", ["xnli.tsv", "xnli.tsv.gz"])
def test_xnli_reads_two_columns(tmp_path, name):
    content = b'de\ten\tfr\nHallo\tHello\tSalut\n\tNothing\tRien\n"Ja"\t"Yes\tOui\n'
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    texts = read_xnli15(tmp_path / name, "en", "de")
    assert texts == ParallelTexts(("en", "de"), ["Hello", '"Yes'], ["Hallo", '"Ja"'], "xnli15 en-de", {"empty": 1})


def test_xnli_errors_name_line_and_languages(tmp_path):
    path = tmp_path / "xnli.tsv"
    path.write_text("de\ten\nHallo\tHello\nnur eine\n")
    with pytest.raises(ValueError, match=r"line 1: the language must be a column .* got 'sw'. Choose among de, en\."):
        read_xnli15(path, "de", "sw")
    with pytest.raises(ValueError, match=r"xnli\.tsv, line 3: a line must have 2 tab-separated columns .* got 1"):
        read_xnli15(path, "de", "en")


def test_a_broken_gzip_stream_is_an_error(tmp_path):
    path = tmp_path / "xnli.tsv.gz"
    path.write_bytes(gzip.compress(b"de\ten\n" + b"Hallo\tHello\n" * 50)[:-20])
    with pytest.raises(ValueError, match=r"after line \d+: the gzip stream must be whole"):
        read_xnli15(path, "de", "en")


def test_jsonl_aligns_by_corpus_document_and_section(tmp_path):
    english = rows(tmp_path / "en.jsonl", ("d", "1", "en", "One"), ("d", "2", "en", "Two"), ("d", "3", "en", "Three"))
    others = rows(tmp_path / "x.jsonl", ("d", "3", "fr", "Trois"), ("d", "1", "fr", "Un"), ("e", "2", "fr", "Deux"))
    texts = read_jsonl_sections([english, others], "en", "fr")
    assert texts == ParallelTexts(("en", "fr"), ["One", "Three"], ["Un", "Trois"], "manual en-fr", {"unaligned": 2})


def test_jsonl_errors_name_file_and_line(tmp_path):
    path = rows(tmp_path / "a.jsonl", ("d", "1", "en", "One"), ("d", "1", "fr", "Un"), ("d", "1", "en", "Uno"))
    with pytest.raises(ValueError, match=r"a\.jsonl, line 3: .* which is also in .*a\.jsonl, line 1\."):
        read_jsonl_sections([path], "en", "fr")
    with pytest.raises(ValueError, match=r"Sections in 'sw' must be in .* got none. Languages found: en, fr\."):
        read_jsonl_sections([rows(path, ("d", "1", "en", "One"), ("d", "1", "fr", "Un"))], "en", "sw")
    path.write_text('{"corpus": "manual", "doc": "d", "sec": "1", "lang": "en", "doctitle": ""}\n')
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1: row must have the field 'text'"):
        read_jsonl_sections([path], "en", "fr")
    path.write_text("\n[1]\n")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 2: row must be a JSON object"):
        read_jsonl_sections([path], "en", "fr")
    path.write_text("{'a'\n")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1: row must be valid JSON"):
        read_jsonl_sections([path], "en", "fr")


def test_a_sample_keeps_the_alignment_and_says_what_it_left_out():
    texts = ParallelTexts(("a", "b"), [f"a{i}" for i in range(50)], [f"b{i}" for i in range(50)], "toy", {"empty": 1})
    sample = texts.sample(7)
    assert len(sample) == 7 and sample.dropped == {"empty": 1, "beyond the limit": 43}
    assert [text[1:] for text in sample.source] == [text[1:] for text in sample.target]
    assert sample == texts.sample(7) and sample != texts.sample(7, seed=1)
    assert texts.sample(None) is texts and texts.sample(50) is texts
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        texts.sample(0)


def test_sides_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="toy: source and target must have the same number of texts, got 1 a and 2 b"):
        ParallelTexts(("a", "b"), ["x"], ["y", "z"], "toy")


def test_written_files_are_whole_and_readable_by_others(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_text(path, "eins\nzwei\n")
    assert list(read_lines(path)) == [(1, "eins"), (2, "zwei")]
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(not (SHARED / "tatoeba").is_dir(), reason="needs the Tatoeba files")
@pytest.mark.parametrize("pair", ["deu-eng", "fra-eng", "spa-eng", "ita-eng", "nld-eng"])
def test_real_tatoeba_has_1000_pairs(pair):
    texts = read_tatoeba(SHARED / "tatoeba", pair)
    assert (len(texts), texts.dropped) == (1000, {})


@pytest.mark.skipif(not (SHARED / "xnli15").is_dir(), reason="needs 15-way XNLI")
def test_real_xnli_has_10000_pairs():
    texts = read_xnli15(SHARED / "xnli15" / "xnli.15way.tsv.gz", "de", "en")
    assert len(texts) + sum(texts.dropped.values()) == 10_000
    assert (texts.source[0], texts.target[0]) == (
        "und er hat gesagt, Mama ich bin daheim.",
        "And he said, Mama, I'm home.",
    )
