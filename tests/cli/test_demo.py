"""`xlretrieval demo`: the whole road, in small."""

from __future__ import annotations

import json

import pytest

from xlretrieval.cli.main import main


@pytest.mark.parametrize("option", ["--workers", "--steps", "--base-steps"])
def test_a_mistake_is_told_before_anything_is_written(option, tmp_path, capsys):
    assert main(["demo", "--output", str(tmp_path / "demo"), option, "0"]) == 2
    assert f"{option} must be at least 1, got 0" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_goes_the_whole_road(tmp_path, capsys):
    pytest.importorskip("babel")
    pytest.importorskip("daft")
    output = tmp_path / "demo"
    small = ["--size", "0.06", "--steps", "8", "--base-steps", "8"]
    assert main(["demo", "--output", str(output), *small]) == 0
    printed = capsys.readouterr().out
    assert "$ xlretrieval wiki build" in printed and "ranking RR:" in printed and "random weights" in printed
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "random weights" in page and "data:image/png;base64" in page and "<script" not in page
    card = (output / "trained" / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: text-ranking" in card and "the built-in sample" in card
    assert (output / "trained" / "curves.png").stat().st_size > 1_000
    assert json.loads((output / "evaluation" / "ranking" / "results.json").read_text())["measurements"]
    # A second run replaces the first, but nothing else is ever replaced.
    (output / "demo.json").unlink()
    assert main(["demo", "--output", str(output), *small]) == 2
    assert "must be new, empty or a former demo" in capsys.readouterr().err
