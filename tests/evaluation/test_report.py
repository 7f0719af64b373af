import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from xlretrieval.evaluation.report import (
    Estimate,
    Measurement,
    console_table,
    heat_map,
    markdown_table,
    mean_over_tasks,
    write_json,
)
from xlretrieval.evaluation.significance import PairedTest

ROWS = [
    Measurement("en-fr", "AP", 9, Estimate(0.5, 0.4, 0.6), Estimate(0.3, 0.2, 0.4), Estimate(0.2, 0.1, 0.3)),
    Measurement("fr-en", "AP", 8, Estimate(0.25, 0.2, 0.3), Estimate(0.3, 0.2, 0.4), Estimate(-0.05, -0.1, 0.01)),
]


def test_markdown_compares_before_and_after():
    assert markdown_table([*ROWS, *mean_over_tasks(ROWS)], digits=2) == (
        "| task | metric | n | before | after | difference |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n"
        "| en-fr | AP | 9 | 0.30 [0.20, 0.40] | 0.50 [0.40, 0.60] | +0.20 [+0.10, +0.30] |\n"
        "| fr-en | AP | 8 | 0.30 [0.20, 0.40] | 0.25 [0.20, 0.30] | -0.05 [-0.10, +0.01] |\n"
        "| mean | AP | 17 | 0.30 | 0.38 | +0.08 |\n"
    )


def test_tests_are_columns_with_an_explanation():
    test = PairedTest(6, 2, 0.00004, 0.0315)
    row = replace(ROWS[0], test=test)
    assert markdown_table([row], digits=1) == (
        "| task | metric | n | before | after | difference | p | p (t) |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| en-fr | AP | 9 | 0.3 [0.2, 0.4] | 0.5 [0.4, 0.6] | +0.2 [+0.1, +0.3] | <0.0001 | 0.0315 |\n"
        "\n[low, high]: 95% bootstrap interval. p: two-sided paired randomisation test; (t): paired t-test.\n"
    )
    corrected = replace(test, randomisation_holm=0.00008, t_test_holm=0.063, family=2)
    table = markdown_table([replace(row, test=corrected), ROWS[1]], digits=1).splitlines()
    assert table[0].endswith("| difference | p | p (t) | p Holm | p Holm (t) |")
    assert table[2].endswith("| +0.2 [+0.1, +0.3] | <0.0001 | 0.0315 | <0.0001 | 0.0630 |")
    assert table[3].endswith("| -0.1 [-0.1, +0.0] |  |  |  |  |")
    assert table[5].endswith("; Holm: corrected for 2 tasks.")


def test_the_difference_is_coloured_not_the_p_value():
    row = replace(ROWS[0], test=PairedTest(6, 2, 0.04, 0.03))
    cells = {column.header: list(column.cells) for column in console_table([row], digits=1).columns}
    assert cells["difference"] == ["[green]+0.2 [+0.1, +0.3][/green]"] and cells["p (t)"] == ["0.0300"]


def test_markdown_of_one_model_has_one_column():
    rows = [Measurement("en-fr", "AP", 9, Estimate(0.5, 0.4, 0.6))]
    assert markdown_table(rows) == (
        "| task | metric | n | value |\n| --- | --- | ---: | ---: |\n| en-fr | AP | 9 | 0.500 [0.400, 0.600] |\n"
    )
    assert mean_over_tasks(rows) == []


def test_console_shows_the_same_numbers(capsys):
    Console(width=120, no_color=True).print(console_table(ROWS, "ranking [a]", digits=2))
    shown = capsys.readouterr().out
    assert "ranking [a]" in shown and "difference" in shown and "[low, high]: 95% bootstrap interval" in shown
    assert "0.30 [0.20, 0.40]" in shown and "+0.20 [+0.10, +0.30]" in shown


def test_differences_are_paired_by_query():
    rng = np.random.default_rng(0)
    before = rng.uniform(size=200)
    after = before + 0.01
    row = Measurement.of("en-fr", "AP", after, before)
    assert row.difference.low == pytest.approx(0.01) and row.difference.high == pytest.approx(0.01)
    assert row.after.low < row.before.value < row.after.value < row.after.high
    assert Measurement.of("en-fr", "AP", after).before is None
    with pytest.raises(ValueError, match="en-fr AP: before and after must have the same number of values"):
        Measurement.of("en-fr", "AP", after, before[1:])


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"a": np.float32(0.5), "b": np.arange(2), "c": Path("x/y"), "d": ROWS[0].as_dict(), "e": "ä"})
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["a"] == 0.5 and content["b"] == [0, 1] and content["c"] == "x/y" and content["e"] == "ä"
    assert content["d"]["difference"] == {"value": 0.2, "low": 0.1, "high": 0.3}
    before = path.read_text(encoding="utf-8")
    for bad in ({"a": float("nan")}, {"a": {1, 2}}):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, bad)
    assert path.read_text(encoding="utf-8") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_heat_map_needs_two_language_pairs(tmp_path):
    path = tmp_path / "map.png"
    assert not heat_map(path, {("en", "fr"): 1.0, ("fr", "en"): 2.0}, "P@1")
    assert not path.exists()
    assert heat_map(path, {("en", "fr"): 1.0, ("fr", "en"): 2.0, ("de", "fr"): 50.0}, "P@1")
    assert path.read_bytes().startswith(b"\x89PNG")
