"""Publishing with the real client on a Hub of our own, and reading from it with plain `datasets`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlretrieval.data.sections import AlignedPair, AlignedSectionsWriter, Section
from xlretrieval.hub.publish import corpus_files, push_corpus

FILES = [
    "README.md",
    "pairs/en-de.parquet",
    "pairs/en-fr.parquet",
    "provenance.json",
    "sections/de.parquet",
    "sections/en.parquet",
    "sections/fr.parquet",
]


def write_corpus(folder: Path, languages: tuple[str, ...] = ("de", "fr")) -> Path:
    with AlignedSectionsWriter(folder, overwrite=True) as writer:
        for code in ("en", *languages):
            sections = [Section(f"{code}{row}", code, f"R{row}", "", (), f"{code} text {row}") for row in range(3)]
            writer.add_sections(code, sections)
        for code in languages:
            writer.add_pairs(
                f"en-{code}", [AlignedPair(row, row, target_negatives=[(row + 1) % 3]) for row in range(3)]
            )
        writer.finish({"arguments": {}})
    return folder


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    folder = write_corpus(tmp_path / "corpus")
    (folder / "notes.txt").write_text("private")
    (folder / "sections/en.parquet.tmp").write_text("rest")
    return folder


def push(folder: Path, **arguments: Any) -> str:
    return f"from xlretrieval.hub.publish import push_corpus\nprint(push_corpus({str(folder)!r}, **{arguments!r}))"


READ = """
import json
from datasets import load_dataset
pairs = load_dataset("user/rivers", "en-de", split="train")
sections = load_dataset("user/rivers", "sections-de", split="train")
stream = next(iter(load_dataset("user/rivers", "en-fr", split="train", streaming=True)))
print(json.dumps([pairs[1], [sections[pair["target"]]["text"] for pair in pairs], stream["source"]]))
"""


@pytest.mark.slow
def test_what_is_pushed_reads_with_plain_load_dataset(
    hub: Any, run_on_hub: Callable[..., str], corpus_folder: Path
) -> None:
    address = run_on_hub(push(corpus_folder, repo="user/rivers"))
    assert address.strip() == f"{hub.url}/datasets/user/rivers"
    repository = hub.repositories["datasets", "user/rivers"]
    initial, commit = repository.branches["main"]
    assert sorted(commit.files) == sorted([*initial.files, *FILES]) and not repository.private
    assert all(commit.files[name] == (corpus_folder / name).read_bytes() for name in FILES)
    pair, texts, first = json.loads(run_on_hub(READ).splitlines()[-1])
    assert pair == {
        "source": 1,
        "target": 1,
        "score": 1.0,
        "source_negatives": [],
        "target_negatives": [2],
        "split": "train",
    }
    assert texts == ["de text 0", "de text 1", "de text 2"] and first == 0


def test_a_smaller_corpus_replaces_a_larger_one_on_a_private_branch(
    hub: Any, corpus_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.use_here(monkeypatch)
    arguments = {"repo": "user/rivers", "private": True, "revision": "2026-11"}
    smaller = write_corpus(corpus_folder.parent / "smaller", ("de",))
    for folder in (corpus_folder, smaller, smaller):
        assert push_corpus(folder, **arguments) == f"{hub.url}/datasets/user/rivers/tree/2026-11"
    repository = hub.repositories["datasets", "user/rivers"]
    assert repository.private and len(repository.branches["main"]) == 1
    _, larger, commit = repository.branches["2026-11"]  # nothing new, no third commit
    assert set(larger.files) - set(commit.files) == {"pairs/en-fr.parquet", "sections/fr.parquet"}
    # The tables that stay the same are not sent again.
    assert sorted(commit.operations) == [
        "deletedFile pairs/en-fr.parquet",
        "deletedFile sections/fr.parquet",
        "file README.md",
    ]
    with pytest.raises(PermissionError, match=r"given a token to publish user/rivers, got one that it refuses \(401"):
        push_corpus(smaller, "user/rivers", token="hf_wrong")


def test_a_dry_run_lists_the_files_and_sends_nothing(
    corpus_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "huggingface_hub.HfApi.__init__", lambda *arguments, **options: pytest.fail("talks to the Hub")
    )
    address = push_corpus(corpus_folder, "user/rivers", dry_run=True)
    assert address.endswith("/datasets/user/rivers")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["file", *FILES, "7"]
    assert lines[1].split()[1] == f"{(corpus_folder / 'README.md').stat().st_size:,}"


def test_only_the_files_of_a_corpus(corpus_folder: Path) -> None:
    assert [file.name for file in corpus_files(corpus_folder)] == FILES


def test_what_is_no_corpus_or_no_name_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder of aligned sections must exist"):
        push_corpus(tmp_path / "nowhere", "user/rivers")
    with pytest.raises(ValueError, match=r"must hold pairs/\*\.parquet, got none"):
        push_corpus(tmp_path, "user/rivers")
    with pytest.raises(ValueError, match="repo must be a user's or an organization's, got 'rivers'"):
        push_corpus(corpus_folder, "rivers")
    with pytest.raises(ValueError, match="user//rivers"):
        push_corpus(corpus_folder, "user//rivers")
    (corpus_folder / "README.md").unlink()
    with pytest.raises(ValueError, match="must hold README.md, the dataset card, got none"):
        push_corpus(corpus_folder, "user/rivers", dry_run=True)
