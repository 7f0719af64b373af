"""Publishing to the Hub: a corpus as a dataset repository, a model as a model repository, each in one commit."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from xlretrieval.data.sections import AlignedSections

from .card import is_own, recompose_card, save_card
from .model_files import model_files, refuse_tokens, unpublished
from .publish_files import Destination, PublishedFile, print_files, publish
from .records import read_model

# What a corpus consists of, and nothing else that may lie in its folder.
_CORPUS_PATTERNS = ("README.md", "provenance.json", "pairs/*.parquet", "sections/*.parquet")
_TABLE_FOLDERS = ("pairs/", "sections/")
# Files of an earlier model that a new one need not have; the last is a pickle that a Trainer sends while it trains.
_MODEL_PATTERNS = (
    *("*.safetensors", "*.safetensors.index.json", "evaluation-*.png", "evaluation-*.json"),
    "training_args.bin",
)


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
    return [PublishedFile(path.relative_to(folder).as_posix(), path) for path in paths]


def push_corpus(
    folder: str | Path,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
    token: str | None = None,
    message: str | None = None,
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
        message: Of the commit.

    Returns:
        Address of the repository.

    Raises:
        ValueError: It holds no corpus (nothing is sent), or `repo` is no name of a repository.
        OSError: The folder does not exist, or the Hub cannot be reached or refuses.
    """
    destination = Destination(repo, "dataset", private, revision, token)
    destination.check()
    files = corpus_files(folder)
    if dry_run:
        print_files(files, destination.address)
        return destination.address
    message = message or "Upload aligned sections with xlretrieval"
    publish(files, destination, message, lambda name: name.startswith(_TABLE_FOLDERS))
    return destination.address


def push_model(
    folder: str | Path,
    repo: str,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
    token: str | None = None,
    message: str | None = None,
    overwrite_card: bool = False,
) -> str:
    """Publishes a model, from where `from_pretrained(repo)` loads it: here, in transformers and sentence-transformers.

    Weights, configuration, tokenizer, the code for `trust_remote_code`, the card with its pictures and figures, and
    the records of the runs, in which no folder of this machine is named. Nothing else that may lie in the folder:
    no states of an optimizer, no checkpoints, no pickles. The card is written anew from the records, with the options
    and evaluations of the last `xlretrieval card`, unless README.md is somebody else's.

    Args:
        folder: The model; of a fine-tuning with cross validation, the model of a fold.
        repo: Name of the model repository, "user/name".
        private: Make a new repository private; one that exists stays as it is.
        revision: Branch to publish on, made when needed; "main" by default.
        dry_run: Only list the files and their sizes, and what is left out, on standard output.
        token: Access token with the right to write; that of `hf auth login` by default.
        message: Of the commit.
        overwrite_card: Replace a README.md that is not ours.

    Returns:
        Address of the repository.

    Raises:
        ValueError: There is no model; weights, tokenizer or code are missing, damaged or pickled; a file holds an
            access token; or `repo` is no name of a repository. Nothing is sent then.
        OSError: A file cannot be read, or the Hub cannot be reached or refuses.
    """
    destination = Destination(repo, "model", private, revision, token)
    destination.check()
    model = read_model(folder)
    readme = model.folder / "README.md"
    keeps_card = readme.exists() and not overwrite_card and not is_own(readme)
    card = None if keeps_card else recompose_card(model, repo, overwrite_card)
    files = model_files(model, card)
    refuse_tokens(files)
    if dry_run:
        print_files(files, destination.address, unpublished(model.folder, files))
        return destination.address
    if card is not None:
        save_card(card, readme)
    message = message or "Upload a model with xlretrieval"
    publish(files, destination, message, _is_of_model)
    return destination.address


def _is_of_model(name: str) -> bool:
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in _MODEL_PATTERNS)
