"""One commit to the Hub: files, what they replace, and errors in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class PublishedFile:
    """A file to publish.

    Attributes:
        name: Its path in the repository.
        source: The file, or its content.
    """

    name: str
    source: Path | bytes

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def read(self) -> bytes:
        """The content."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True)
class Destination:
    """Where to publish.

    Args:
        repo: Name of the repository, "user/name"; it is made when needed.
        repo_type: "model" or "dataset".
        private: Make a new repository private; one that exists stays as it is.
        revision: Branch, made when needed; "main" by default.
        token: Access token with the right to write; that of `hf auth login` by default.
    """

    repo: str
    repo_type: Literal["model", "dataset"]
    private: bool = False
    revision: str | None = None
    token: str | None = None

    @property
    def address(self) -> str:
        """Of the repository, for people."""
        from huggingface_hub import constants

        kind = "datasets/" if self.repo_type == "dataset" else ""
        return f"{constants.ENDPOINT}/{kind}{self.repo}" + (f"/tree/{self.revision}" if self.revision else "")

    def check(self) -> None:
        """Before anything is read or sent.

        Raises:
            ValueError: `repo` is no name of a user's or an organization's repository.
        """
        from huggingface_hub.utils import validate_repo_id

        validate_repo_id(self.repo)
        if self.repo.count("/") != 1:
            raise ValueError(
                f"repo must be a user's or an organization's, got {self.repo!r}. Write it like 'user/{self.repo}'."
            )


def publish(
    files: Sequence[PublishedFile], destination: Destination, message: str, replaces: Callable[[str], bool]
) -> None:
    """Publishes files in one commit; nobody ever sees half of them.

    Large files are sent before the commit; where that is interrupted, the repository stays as it was, and what has
    arrived is not sent again by the next call. Neither are files that are there already.

    Args:
        files: All files of the new state.
        destination: Where to.
        message: Of the commit.
        replaces: Whether a published file that is not among the new ones belongs to an older state, and is removed.

    Raises:
        OSError: The Hub cannot be reached or refuses (PermissionError without the right to write).
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants

    repo, repo_type, revision = destination.repo, destination.repo_type, destination.revision
    api = HfApi(token=destination.token, library_name="xlretrieval")
    with one_line_errors(destination):
        api.create_repo(repo, repo_type=repo_type, private=destination.private or None, exist_ok=True)
        if revision is not None and revision != constants.DEFAULT_REVISION:
            api.create_branch(repo, branch=revision, repo_type=repo_type, exist_ok=True)
        names = {file.name for file in files}
        published = api.list_repo_files(repo, repo_type=repo_type, revision=revision)
        stale = sorted(name for name in published if name not in names and replaces(name))
        api.create_commit(
            repo,
            operations=[
                *(CommitOperationDelete(name) for name in stale),
                *(CommitOperationAdd(file.name, file.source) for file in files),
            ],
            commit_message=message,
            repo_type=repo_type,
            revision=revision,
        )


@contextmanager
def one_line_errors(destination: Destination) -> Iterator[None]:
    """What the client raises, in one line that says what to do.

    Raises:
        PermissionError: No token, a wrong one, or one that may not write there.
        ConnectionError: No Hub answers.
        OSError: It refuses for another reason.
    """
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # the second is of whichever client it uses

    repo, has_token = destination.repo, bool(destination.token or get_token())
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        said = " ".join((error.server_message or error.response.reason_phrase or "no reason").split())
        if status == 401:
            got = f"one that it refuses (401: {said})" if has_token else "none (401)"
            advice = "Run `hf auth login`, or set HF_TOKEN."
            raise PermissionError(f"The Hub must be given a token to publish {repo}, got {got}. {advice}") from None
        if status == 403:
            raise PermissionError(
                f"The token must have the right to write to {repo}, got a refusal (403: {said}). Take a token with "
                "the role write, or another name."
            ) from None
        raise OSError(f"The Hub must take {repo}, got {status} ({said}). Run it again.") from None
    except HTTPError as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise ConnectionError(
            f"The Hub must answer at {constants.ENDPOINT}, got an error ({text}). Check the network and run it again; "
            "what has arrived is not sent again."
        ) from None


def print_files(files: Sequence[PublishedFile], address: str, left_out: Sequence[str] = ()) -> None:
    """Lists files with their sizes on standard output, then what is left out."""
    table = Table("file", "bytes", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for file in files:
        table.add_row(file.name, f"{file.size:,}")
    table.add_row(f"{len(files)} files to {address}", f"{sum(file.size for file in files):,}")
    console = Console(soft_wrap=True)
    console.print(table)
    if left_out:
        console.print(f"left out: {', '.join(left_out)}", markup=False, highlight=False)
