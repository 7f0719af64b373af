"""`xlretrieval evaluate alignment` over several languages, layers and kinds of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from xlretrieval.cli.main import main
from xlretrieval.hub.evaluations import read_evaluations

ROWS = {
    "de": ["stadt haus", "fluss", "berg und haus", "musik ist rot"],
    "en": ["city house", "river", "mountain and house", "music is red"],
    "fr": ["ville maison", "rivière", "montagne et maison", "musique rouge"],
}


@pytest.fixture
def model(tiny_checkpoint: Callable[[str], Path]) -> str:
    return str(tiny_checkpoint("BertModel"))


@pytest.fixture
def xnli(tmp_path: Path) -> str:
    path = tmp_path / "xnli.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in [tuple(ROWS), *zip(*ROWS.values(), strict=True)]))
    return str(path)


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """A file a language and the ids, in the order de, en, fr, ids."""
    paths = [tmp_path / f"UN.{name}" for name in (*ROWS, "ids")]
    for path, rows in zip(paths, (*ROWS.values(), ["a 1", "a 2", "b 3", "c 4"]), strict=True):
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [str(path) for path in paths]


def evaluate(*words: str, output: Path) -> dict:
    assert main(["evaluate", "alignment", *words, "--output", str(output)]) == 0
    return json.loads((output / "results.json").read_text(encoding="utf-8"))


def test_all_languages_of_a_table_as_a_matrix_and_by_layer(model, xnli, tiny_checkpoint, tmp_path, capsys):
    words = ["--model", model, "--before", str(tiny_checkpoint("XLMRobertaModel")), "--xnli", xnli, "--layers", "all"]
    output = tmp_path / "results"
    content = evaluate(*words, output=output)
    pictures = ["heatmap.png", "layers.png"]
    assert sorted(path.name for path in output.iterdir()) == [*pictures, "results.json", "table.md"]
    assert all((output / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    rows = {(row["task"], row["metric"]): row for row in content["measurements"]}
    assert [task for task, metric in rows if metric == "P@1"] == [
        "xnli15 de-en",
        "xnli15 de-fr",
        "xnli15 en-fr",
        "mean",
    ]
    matrix = content["matrix"]["after"]
    assert matrix["languages"] == ["de", "en", "fr"] and set(content["matrix"]) == {"before", "after"}
    for source, target, task in (("de", "fr", "xnli15 de-fr"), ("fr", "de", "xnli15 de-fr")):
        assert matrix["p_at_1"][source][target] == rows[task, f"P@1 {source}>{target}"]["after"]["value"]
    assert matrix["mean"] == pytest.approx(rows["mean", "P@1"]["after"]["value"])
    # The table is of the last layer, which the sweep has too.
    sweep = content["layer_sweep"]["after"]
    assert list(sweep["mean"]) == ["0", "1", "2"] and sweep["mean"]["2"] == pytest.approx(matrix["mean"])
    assert sweep["mean"][str(sweep["best"])] == max(sweep["mean"].values())
    table = (output / "table.md").read_text()
    assert "\n| source \\ target | de | en | fr | mean |\n" in table and "\n| layer | before | after |\n" in table
    assert "| source \\ target | de | en | fr | mean |" in capsys.readouterr().out
    assert read_evaluations([output])[0].title == "Alignment of XNLI sentences"


def test_a_layer_alone_is_that_of_the_sweep(model, xnli, tmp_path):
    words = ["--model", model, "--xnli", xnli, "--languages", "de,en"]
    swept = evaluate(*words, "--layers", "0,1", output=tmp_path / "swept")
    alone = evaluate(*words, "--layer", "1", output=tmp_path / "alone")
    assert "layer_sweep" not in alone and not (tmp_path / "alone" / "layers.png").exists()
    assert list(swept["layer_sweep"]["after"]["mean"]) == ["0", "1", "2"]
    assert swept["layer_sweep"]["after"]["mean"]["1"] == pytest.approx(alone["measurements"][0]["after"]["value"])


def test_poolings_similarities_and_long_texts_are_options(model, xnli, tmp_path, capsys):
    words = ["--model", model, "--xnli", xnli, "--pairs", "en-de", "--pooling", "query", "--similarity", "csls"]
    words += ["--neighbours", "2", "--long", "windows", "--max-length", "5"]
    content = evaluate(*words, output=tmp_path / "results")
    detail = content["details"][0]
    # 2 tokens a window beside 3 special ones: "berg und haus", "musik ist rot" and their translations are of 3.
    assert (detail["truncated"], detail["split_texts"], detail["windows"]) == (0, 4, 8)
    text = "xnli15 en-de (after): 4 texts longer than the input, the mean of 8 windows"
    assert text in capsys.readouterr().out and text in (tmp_path / "results" / "table.md").read_text()
    protocol = read_evaluations([tmp_path / "results"])[0].protocol()
    assert (
        "by CSLS (k = 2) of query-style vectors of the last layer, of long texts the mean of their windows" in protocol
    )


def test_lines_and_documents(model, lines, tmp_path):
    *texts, ids = lines
    content = evaluate("--model", model, "--lines", *texts, output=tmp_path / "lines")
    assert [row["n"] for row in content["measurements"] if row["metric"] == "P@1"] == [4, 4, 4, 12]
    content = evaluate(
        "--model", model, "--lines", *texts, "--ids", ids, "--pairs", "fr-de", output=tmp_path / "documents"
    )
    assert [(row["task"], row["n"]) for row in content["measurements"]] == [("documents fr-de", 3)] * 3
    assert read_evaluations([tmp_path / "documents"])[0].title == "Alignment of aligned documents"


def test_ntrex(model, tmp_path):
    folder = tmp_path / "ntrex"
    folder.mkdir()
    for language, rows in zip(("deu", "eng"), ROWS.values(), strict=False):
        (folder / f"newstest2019-ref.{language}.txt").write_text("\n".join(rows) + "\n")
    (folder / "DOCUMENT_IDS.tsv").write_text("x\nx\ny\nz\n")
    for number, words in ((4, []), (3, ["--documents"])):
        content = evaluate("--model", model, "--ntrex", str(folder), *words, output=tmp_path / str(number))
        assert content["measurements"][0]["n"] == number
    assert read_evaluations([tmp_path / "3"])[0].title == "Alignment of NTREX documents"


def test_jsonl_by_languages(model, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [
        {"corpus": "toy", "doc": "d", "sec": number, "lang": language, "doctitle": "", "text": text}
        for language, texts in ROWS.items()
        for number, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    content = evaluate("--model", model, "--jsonl", str(path), "--languages", "fr,de,en", output=tmp_path / "results")
    tasks = [row["task"] for row in content["measurements"] if row["metric"] == "P@1"]
    assert tasks == ["toy fr-de", "toy fr-en", "toy de-en", "mean"]


@pytest.mark.slow
def test_fifteen_real_languages(model, shared, tmp_path):
    path = shared / "data" / "xnli15" / "xnli.15way.tsv.gz"
    content = evaluate("--model", model, "--xnli", str(path), "--limit", "20", output=tmp_path / "results")
    matrix = content["matrix"]["after"]
    assert len(matrix["languages"]) == 15 and sum(map(len, matrix["p_at_1"].values())) == 210
    assert len(content["measurements"]) == 105 * 3 + 1 and {detail["n"] for detail in content["details"]} == {20}
    assert (tmp_path / "results" / "heatmap.png").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--xnli", "x", "--pairs", "de-en", "--languages", "de,en"], "by --pairs or by --languages, got both"),
        (["--xnli", "x", "--languages", "de,de"], "--languages must be two or more different ones, got de,de"),
        (["--xnli", "x", "--languages", "de"], "--languages must be two or more different ones, got de"),
        (["--xnli", "x", "--ids", "i"], "--ids must be given with --lines, got it with --xnli"),
        (["--lines", "x.en", "--documents"], "--documents must be given with --ntrex, got it with --lines"),
        (["--jsonl", "x"], "--pairs must be given with --jsonl, got none"),
        (["--xnli", "x", "--layers", "last"], "--layers must be `all` or numbers, got last"),
        (["--lines", "x.en", "y"], "y: the name of a file must end with its language"),
    ],
)
def test_wrong_options_end_with_code_2(words, message, capsys):
    assert main(["evaluate", "alignment", "--model", "m", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_too_short_is_named_with_its_line(model, lines, tmp_path, capsys):
    Path(lines[1]).write_text("city house\nriver\n")
    output = tmp_path / "results"
    assert main(["evaluate", "alignment", "--model", model, "--lines", *lines[:3], "--output", str(output)]) == 2
    assert "UN.de, line 3: aligned files must have the same number of lines, got one more than the 2 of" in (
        capsys.readouterr().err
    )
    assert not output.exists()
    Path(lines[1]).write_text("city house\n\nmountain\nmusic\n")
    words = ["evaluate", "alignment", "--model", model, "--lines", *lines[:3], "--on-empty"]
    assert main([*words, "raise"]) == 2
    assert "UN.en, line 2: a text must not be empty" in capsys.readouterr().err
    assert main([*words, "drop"]) == 0
    assert "lines de-en (after): dropped: 1 empty" in capsys.readouterr().out
