import json
import string
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

from xlretrieval.cli.main import main
from xlretrieval.data import section_table
from xlretrieval.data.sections import AlignedPair, AlignedSectionsWriter, Section
from xlretrieval.evaluation.ranking import read_qrels, read_run
from xlretrieval.hub.evaluations import read_evaluations

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
WORDS += [f"##{letter}" for letter in string.ascii_lowercase]
GERMAN = ["der hund bellt", "es regnet", "wir essen brot", "guten morgen", "das haus ist rot", "er liest"]
ENGLISH = ["the dog barks", "it rains", "we eat bread", "good morning", "the house is red", "he reads"]


def save_model(folder: Path, seed: int, head: bool) -> Path:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=96,
        initializer_range=0.2,
        num_labels=1,
    )
    (BertForSequenceClassification if head else BertModel)(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizer.from_pretrained(folder, model_max_length=96).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    folder = tmp_path_factory.mktemp("models")
    return (
        str(save_model(folder / "after", 0, head=True)),
        str(save_model(folder / "before", 1, head=True)),
        str(save_model(folder / "headless", 2, head=False)),
    )


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(section_table, "default_cache", lambda: tmp_path / "cache")
    with AlignedSectionsWriter(tmp_path / "corpus") as writer:
        for language, texts in (
            ("de", GERMAN),
            ("en", ENGLISH),
            ("fr", ["un", "deux", "trois", "quatre", "cinq", "six"]),
        ):
            writer.add_sections(
                language, [Section(f"{row}", language, f"{row}", "", (), text) for row, text in enumerate(texts)]
            )
        for pair in ("de-en", "en-fr"):
            writer.add_pairs(pair, [AlignedPair(row, row, 1.0, (), ((row + 1) % 6,), "test") for row in range(6)])
        writer.finish({})
    return str(tmp_path / "corpus")


@pytest.fixture
def tatoeba(tmp_path: Path) -> str:
    folder = tmp_path / "tatoeba"
    folder.mkdir()
    for pair in ("deu-eng", "nld-eng"):
        (folder / f"tatoeba.{pair}.{pair[:3]}").write_text("\n".join([*GERMAN, ""]) + "\n")
        (folder / f"tatoeba.{pair}.eng").write_text("\n".join([*ENGLISH, "dropped"]) + "\n")
    return str(folder)


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_alignment_before_and_after(models, tatoeba, tmp_path, capsys):
    output = tmp_path / "results"
    argv = ["evaluate", "alignment", "--model", models[0], "--before", models[2], "--tatoeba", tatoeba]
    argv += ["--pairs", "deu-eng,nld-eng", "--max-length", "12", "--layer", "1", "--output", str(output)]
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert "difference" in shown and "tatoeba deu-eng" in shown and "mean" in shown
    assert "tatoeba nld-eng (before and after): dropped: 1 empty; 7 texts cut to the model's length" in shown
    assert sorted(path.name for path in output.iterdir()) == ["heatmap.png", "results.json", "table.md"]
    content = results(output)
    assert content["command"] == "evaluate alignment"
    assert content["arguments"]["model"] == models[0] and content["arguments"]["layer"] == 1
    assert content["arguments"]["pairs"] == ["deu-eng", "nld-eng"]
    assert {"python", "xlretrieval", "torch", "transformers"} <= set(content["versions"])
    assert [(row["task"], row["metric"], row["n"]) for row in content["measurements"]] == [
        ("tatoeba deu-eng", "P@1", 6),
        ("tatoeba deu-eng", "P@1 deu>eng", 6),
        ("tatoeba deu-eng", "P@1 eng>deu", 6),
        ("tatoeba nld-eng", "P@1", 6),
        ("tatoeba nld-eng", "P@1 nld>eng", 6),
        ("tatoeba nld-eng", "P@1 eng>nld", 6),
        ("mean", "P@1", 12),
    ]
    details = content["details"]
    assert [detail["side"] for detail in details] == ["before", "before", "after", "after"]
    assert all(detail["dropped"] == {"empty": 1} and detail["truncated"] > 0 for detail in details)
    row = content["measurements"][0]
    assert row["after"]["value"] == pytest.approx(details[2]["mean"]) and 0 <= row["after"]["value"] <= 100
    assert row["difference"]["value"] == pytest.approx(details[2]["mean"] - details[0]["mean"])
    assert (output / "table.md").read_text().startswith("| task | metric | n | before | after | difference |\n")


def test_alignment_of_every_source(models, corpus, tmp_path, capsys):
    xnli = tmp_path / "xnli.tsv"
    xnli.write_text("".join(f"{a}\t{b}\n" for a, b in zip(["de", *GERMAN], ["en", *ENGLISH], strict=True)))
    jsonl = tmp_path / "rows.jsonl"
    rows = [
        {"corpus": "toy", "doc": "d", "sec": str(row), "lang": language, "doctitle": "", "text": text}
        for language, texts in (("de", GERMAN), ("en", ENGLISH))
        for row, text in enumerate(texts)
    ]
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = {
        "xnli15 de-en": ["--xnli", str(xnli), "--pairs", "de-en"],
        "toy de-en": ["--jsonl", str(jsonl), "--pairs", "de-en"],
        "de-en test": ["--corpus", corpus, "--pairs", "de-en"],
    }
    values = set()
    for name, source in sources.items():
        output = tmp_path / name
        assert main(["evaluate", "alignment", "--model", models[0], *source, "--output", str(output)]) == 0
        row = results(output)["measurements"][0]
        assert (row["task"], row["n"], row["before"]) == (name, 6, None)
        values.add(round(row["after"]["value"], 6))
        assert not (output / "heatmap.png").exists()
    assert len(values) == 1  # the same texts, whatever file they come from
    assert main(["evaluate", "alignment", "--model", models[0], "--corpus", corpus, "--limit", "4"]) == 0
    assert "2 beyond the limit" in capsys.readouterr().out


def test_ranking_before_and_after(models, corpus, tmp_path, capsys):
    output = tmp_path / "results"
    argv = ["evaluate", "ranking", "--model", models[0], "--before", models[1], "--corpus", corpus]
    argv += ["--candidates", "4", "--queries", "5", "--seed", "7", "--max-length", "88", "--output", str(output)]
    assert main(argv) == 0
    assert "difference" in capsys.readouterr().out
    content = results(output)
    assert [(row["task"], row["metric"], row["n"]) for row in content["measurements"][::3]] == [
        ("de-en", "AP", 5),
        ("en-de", "AP", 5),
        ("en-fr", "AP", 5),
        ("fr-en", "AP", 5),
        ("mean", "AP", 20),
    ]
    assert (output / "heatmap.png").exists()
    # What was ranked can be measured again from its files, with the same result.
    run, qrels = output / "runs" / "de-en.after.run", output / "runs" / "de-en.qrels"
    assert len(read_qrels(qrels)) == 5 and all(len(documents) == 4 for documents in read_run(run).values())
    again = tmp_path / "again"
    argv = ["evaluate", "ranking", "--seed", "7", "--output", str(again)]
    for option, ending in (("--run", "after.run"), ("--baseline", "before.run"), ("--qrels", "qrels")):
        argv += [option, *(str(output / "runs" / f"{name}.{ending}") for name in ("de-en", "en-de", "en-fr", "fr-en"))]
    assert main(argv) == 0
    rows = [row | {"task": row["task"].removesuffix(".after")} for row in results(again)["measurements"]]
    assert rows == content["measurements"]
    assert rows[0]["test"]["family"] == 4 and rows[0]["test"]["randomisation_holm"] >= rows[0]["test"]["randomisation"]
    evaluation = read_evaluations([again])[0]
    assert evaluation.title == "Ranking of runs"
    assert evaluation.protocol().startswith("Run `de-en.after.run`, `en-de.after.run`, ")
    # Their names say the languages.
    assert (again / "heatmap.png").exists()


def test_ranking_by_embeddings_needs_no_head(models, corpus, tmp_path, capsys):
    argv = ["evaluate", "ranking", "--model", models[2], "--corpus", corpus, "--candidates", "4", "--no-hard"]
    assert main(argv) == 2
    assert "must have a trained relevance head" in capsys.readouterr().err
    assert main([*argv, "--scorer", "embedding", "--metrics", "RR@3", "--output", str(tmp_path / "results")]) == 0
    content = results(tmp_path / "results")
    assert {row["metric"] for row in content["measurements"]} == {"RR@3"}
    assert content["arguments"]["hard"] is False


def test_missing_queries_of_a_run_are_named(tmp_path, capsys):
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 1.0 x\nq9 Q0 d1 1 1.0 x\n")
    (tmp_path / "qrels").write_text("q1 0 d1 1\nq2 0 d1 1\n")
    argv = ["evaluate", "ranking", "--run", str(tmp_path / "a.run"), "--qrels", str(tmp_path / "qrels")]
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert "0.500 [0.000, 1.000]" in shown
    assert "1 of 2 judged queries are missing and count 0: q2" in shown
    assert "1 queries have no judgements and count nothing: q9" in shown


def test_a_file_gives_options_and_flags_override_them(models, tatoeba, tmp_path):
    config, output = tmp_path / "evaluation.yaml", tmp_path / "results"
    config.write_text(
        f"model: {models[0]}\ntatoeba: {tatoeba}\npairs: [deu-eng]\nlayer: 1\nmax-length: 20\npooling: cls\n"
        f"output: {output}\noverwrite: true\nbefore: null\n"
    )
    assert main(["evaluate", "alignment", "--config", str(config)]) == 0
    assert results(output)["arguments"] == results(output)["arguments"] | {
        "layer": 1,
        "pooling": "cls",
        "before": None,
    }
    # -1 is the default, and a flag all the same.
    assert main(["evaluate", "alignment", "--config", str(config), "--layer", "-1"]) == 0
    assert results(output)["arguments"]["layer"] == -1 and results(output)["arguments"]["max_length"] == 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model: x\nlayr: 1\n", r"line 2: a key must be an option of the command, got 'layr'. Did you mean 'layer'?"),
        ("layer: 1\nlayer: 2\n", "line 2: a key must occur once, got 'layer' which is also in line 1"),
        ("layer: high\n", "line 1: layer must be of type int, got 'high'"),
        ("\npooling: max\n", "line 2: pooling must be one of mean, cls, query, got 'max'"),
        ("overwrite: 1\n", "line 1: overwrite must be true or false, got 1"),
        ("layer: [1]\n", "line 1: layer must be one value, got [1]"),
        ("- layer\n", "line 1: the file must hold `key: value` lines, got a sequence"),
        ("layer: 1\n  b: [\n", "line 2: the file must be YAML"),
    ],
)
def test_a_bad_file_is_an_error_with_a_line(tmp_path, capsys, content, message):
    config = tmp_path / "bad.yaml"
    config.write_text(content)
    assert main(["evaluate", "alignment", "--config", str(config)]) == 2
    assert f"{config}, {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["alignment"], "--model must be given"),
        (["alignment", "--model", "m"], "--tatoeba, --xnli, --ntrex, --lines, --jsonl and --corpus, got none"),
        (["alignment", "--model", "m", "--tatoeba", "t", "--xnli", "x"], "got --tatoeba and --xnli"),
        (["alignment", "--model", "m", "--tatoeba", "t"], "--pairs must be given with --tatoeba"),
        (["ranking", "--model", "m"], "--corpus must be given with --model"),
        (["ranking", "--run", "r"], "got --run. Give one or the other"),
        (["ranking", "--run", "r", "--qrels", "q", "--model", "m"], "got --model, --run, --qrels"),
    ],
)
def test_wrong_options_end_with_code_2(argv, message, capsys):
    assert main(["evaluate", *argv]) == 2
    assert message in capsys.readouterr().err


def test_nothing_is_written_after_an_error_and_nothing_replaced_unasked(models, tatoeba, tmp_path, capsys):
    argv = ["evaluate", "alignment", "--model", models[0], "--tatoeba", tatoeba, "--output", str(tmp_path / "results")]
    assert main([*argv, "--pairs", "xxx-eng"]) == 2
    assert not (tmp_path / "results").exists()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "precious").touch()
    assert main([*argv, "--pairs", "deu-eng"]) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["precious"]
