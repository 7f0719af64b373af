import json

import pytest

from xlretrieval.data.parallel_builders import AlignedTexts


@pytest.fixture
def folder(tmp_path):
    """One folder with files of every kind."""
    (tmp_path / "xnli.tsv").write_text("de\ten\tfr\nEins\tOne\tUn\nZwei\tTwo\t\n")
    for name, content in {
        "tatoeba.deu-eng.deu": "Eins\nZwei\n",
        "tatoeba.deu-eng.eng": "One\nTwo\n",
        "newstest2019-ref.deu.txt": "Eins\nZwei\nDrei\n",
        "newstest2019-src.eng.txt": "One\nTwo\nThree\n",
        "DOCUMENT_IDS.tsv": "a\na\nb\n",
        "UN.en": "One\nTwo\nThree\n",
        "UN.fr": "Un\nDeux\nTrois\n",
        "UN.ids": "a en:1\na en:2\nb en:3\n",
        "rows.jsonl": "".join(
            json.dumps({"doc": "d", "sec": sec, "lang": lang, "doctitle": "", "text": text}) + "\n"
            for sec, lang, text in ((1, "de", "Eins"), (1, "en", "One"), (2, "de", "Zwei"))
        ),
    }.items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("config", "source", "rows"),
    [
        ("xnli15.de.en", "xnli.tsv", [{"de": "Eins", "en": "One"}, {"de": "Zwei", "en": "Two"}]),
        ("xnli15.fr.en.de", "xnli.tsv", [{"fr": "Un", "en": "One", "de": "Eins"}]),
        ("tatoeba.eng.deu", "", [{"eng": "One", "deu": "Eins"}, {"eng": "Two", "deu": "Zwei"}]),
        ("ntrex-documents.eng.deu", "", [{"eng": "One Two", "deu": "Eins Zwei"}, {"eng": "Three", "deu": "Drei"}]),
        ("lines.fr.en", "", [{"fr": f, "en": e} for f, e in (("Un", "One"), ("Deux", "Two"), ("Trois", "Three"))]),
        ("documents.en.fr", "", [{"en": "One Two", "fr": "Un Deux"}, {"en": "Three", "fr": "Trois"}]),
        ("jsonl.de.en", "", [{"de": "Eins", "en": "One"}]),
    ],
)
def test_every_kind_is_a_data_set(folder, tmp_path_factory, config, source, rows):
    builder = AlignedTexts(
        config_name=config, data_dir=folder / source, cache_dir=str(tmp_path_factory.mktemp("cache"))
    )
    builder.download_and_prepare()
    found = builder.as_dataset(split="test")
    assert [row["translation"] for row in found] == rows
    assert list(found.features["translation"]) == config.split(".")[1:]


def test_a_file_that_changed_is_read_again(folder, tmp_path):
    cache = str(tmp_path / "cache")
    first = AlignedTexts(config_name="xnli15.de.en", data_dir=folder / "xnli.tsv", cache_dir=cache)
    (folder / "xnli.tsv").write_text("de\ten\nNeu\tNew\nAlt\tOld\nGut\tGood\n")
    second = AlignedTexts(config_name="xnli15.de.en", data_dir=folder / "xnli.tsv", cache_dir=cache)
    assert first.hash != second.hash


def test_what_is_left_out_is_said(folder, tmp_path, caplog):
    builder = AlignedTexts(config_name="xnli15.de.fr", data_dir=folder / "xnli.tsv", cache_dir=str(tmp_path / "cache"))
    builder.download_and_prepare()
    assert "xnli15.de.fr: 1 rows left out: empty" in [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "config", ["xnli.de.en", "xnli15.de", "xnli15.de.de", "xnli15.de.EN", "tatoeba.de.en.fr", "jsonl.de", "xnli15"]
)
def test_an_unknown_configuration_is_an_error(tmp_path, config):
    with pytest.raises(ValueError, match="configuration must be one of xnli15, tatoeba, .* Write it like"):
        AlignedTexts(config_name=config, data_dir=tmp_path)


def test_missing_files_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a file or folder of aligned texts, got nothing there"):
        AlignedTexts(config_name="xnli15.de.en", data_dir=tmp_path / "none")
