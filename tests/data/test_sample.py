"""Writing the sample: the same bytes every time, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlretrieval.data.sample import SampleCounts, write_sample

SIZE = 0.08


@pytest.fixture(autouse=True)
def _babel() -> None:
    pytest.importorskip("babel")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleCounts]:
    pytest.importorskip("babel")
    folder = tmp_path_factory.mktemp("small") / "sample"
    return folder, write_sample(folder, size=SIZE)


def test_the_same_bytes_in_another_process(small: tuple[Path, SampleCounts], tmp_path: Path) -> None:
    program = (
        f"from xlretrieval.data.sample import write_sample; write_sample({str(tmp_path / 'again')!r}, size={SIZE})"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert digests(tmp_path / "again") == digests(small[0])


def test_another_seed_words_the_same_facts_differently(small: tuple[Path, SampleCounts], tmp_path: Path) -> None:
    write_sample(tmp_path / "other", seed=1, size=SIZE)
    first, other = digests(small[0]), digests(tmp_path / "other")
    assert set(first) == set(other)
    name = "dumps/dewiki-20260101-pages-articles-multistream.xml.bz2"
    assert first[name] != other[name]


def test_what_is_written(small: tuple[Path, SampleCounts]) -> None:
    folder, counts = small
    names = set(digests(folder))
    assert names >= {"README.md", "provenance.json", "truth.jsonl"}
    assert sum(name.startswith("dumps/") for name in names) == 24
    assert sum(name.startswith("mlqa/") for name in names) == 32
    record = json.loads((folder / "provenance.json").read_text())
    assert record["licenses"] == {"facts": "Unicode-3.0", "sentences": "Apache-2.0"}
    assert record["split"] == {"validation": 0.05, "test": 0.15, "seed": 0}
    assert record["counts"]["articles"] == counts.articles
    assert sum(1 for _ in (folder / "truth.jsonl").open()) == sum(
        number for found in counts.aligned.values() for number in found.values()
    )
    assert f"{counts.questions['test']} test" in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "truth.jsonl").stat().st_mode & 0o444 == 0o444


def test_size(small: tuple[Path, SampleCounts]) -> None:
    assert 30 < small[1].articles["en"] < 100
    for size in (0, 1.5):
        with pytest.raises(ValueError, match=r"size must be in \(0, 1\], got"):
            write_sample(small[0].parent / "never", size=size)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="must be new or empty"):
        write_sample(tmp_path / "mine", size=SIZE)
    with pytest.raises(ValueError, match="must hold a sample"):
        write_sample(tmp_path / "mine", size=SIZE, overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("xlretrieval.data.sample.write_clef", fail)
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "sample", size=SIZE)
    assert not list(tmp_path.iterdir())


def test_without_babel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "babel", None)
    with pytest.raises(ValueError, match=r"pip install xlretrieval\[demo\]"):
        write_sample(tmp_path / "sample")
