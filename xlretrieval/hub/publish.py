"""Publishing to the Hub: a corpus as a dataset repository, in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xlretrieval.data.sections import AlignedSections

# What a corpus consists of, and nothing else that may lie in its folder.
_CORPUS_PATTERNS = ("README.md", "provenance.json", "pairs/*.parquet", "sections/*.parquet")
_TABLE_FOLDERS = ("pairs/", "sections/")


@dataclass(frozen=True)
class PublishedFile:
    """A file to publish.

    Attributes:
        name: Its path in the repository.
        size: Length in bytes.
    """

    name: str
    size: int


def corpus_files(folder: str | Path) -> list[PublishedFile]:
    """The files of a corpus that are published, by name.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: It holds no corpus, one that breaks a rule, or one without the card that names its configurations.
    """
    folder = Path(folder)
    AlignedSections.load(folder)
    if not (folder / "README.md").is_file():
        raise ValueError(f"{folder} must hold README.md, the dataset card, got none. Build the corpus again.")
    paths = sorted(path for pattern in _CORPUS_PATTERNS for path in folder.glob(pattern))
    return [PublishedFile(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]


def push_corpus(
    folder: str | Path,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
    token: str | None = None,
) -> str:
    """Publishes a corpus, from where `datasets.load_dataset(repo, "en-de")` reads it.

    The repository is made when needed. All files go into one commit, which also removes the tables of an older corpus
    that the new one does not have; nobody ever sees half of it. Files that are there already are not sent again.

    Args:
        folder: The corpus.
        repo: Name of the dataset repository, "user/name".
        private: Make a new repository private; one that exists stays as it is.
        revision: Branch to publish on, made when needed; "main" by default.
        dry_run: Only list the files and their sizes, on standard output.
        token: Access token with the right to write; that of `hf auth login` by default.

    Returns:
        Address of the repository.

    Raises:
        FileNotFoundError: The folder does not exist.
        ValueError: It holds no corpus (nothing is sent), or `repo` is no name of a repository.
        huggingface_hub.errors.HfHubHTTPError: The Hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
    from huggingface_hub.utils import validate_repo_id

    validate_repo_id(repo)
    if repo.count("/") != 1:
        raise ValueError(f"repo must be a user's or an organization's, got {repo!r}. Write it like 'user/{repo}'.")
    folder = Path(folder)
    files = corpus_files(folder)
    address = f"{constants.ENDPOINT}/datasets/{repo}" + (f"/tree/{revision}" if revision else "")
    if dry_run:
        _print_files(files, address)
        return address
    api = HfApi(token=token, library_name="xlretrieval")
    api.create_repo(repo, repo_type="dataset", private=private or None, exist_ok=True)
    if revision is not None and revision != constants.DEFAULT_REVISION:
        api.create_branch(repo, branch=revision, repo_type="dataset", exist_ok=True)
    names = {file.name for file in files}
    published = api.list_repo_files(repo, repo_type="dataset", revision=revision)
    stale = sorted(name for name in published if name.startswith(_TABLE_FOLDERS) and name not in names)
    api.create_commit(
        repo,
        operations=[
            *(CommitOperationDelete(name) for name in stale),
            *(CommitOperationAdd(file.name, folder / file.name) for file in files),
        ],
        commit_message="Upload aligned sections with xlretrieval",
        repo_type="dataset",
        revision=revision,
    )
    return address


def _print_files(files: list[PublishedFile], address: str) -> None:
    table = Table("file", "bytes", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for file in files:
        table.add_row(file.name, f"{file.size:,}")
    table.add_row(f"{len(files)} files to {address}", f"{sum(file.size for file in files):,}")
    Console(soft_wrap=True).print(table)
