"""The files of a model that are published, and the checks that they are all there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlretrieval.modeling.conversion import load_tokenizer

from .card import Card
from .finetuning import MODEL_OF_FOLD, RECORD, RESULTS
from .json_records import public_record, read_record
from .publish_files import PublishedFile
from .records import CONVERSION, LOG, ORIGINS, PRETRAINING, ModelRecords

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
CONFIGURATIONS = ("config.json", "generation_config.json")
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt"),
    *("sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model"),
)
_PICKLED_WEIGHTS = (".bin", ".ckpt")
# The Trainer pickles its arguments beside every model.
_TRAINING_ARGUMENTS = "training_args.bin"
_ACCESS_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}\b")
_LARGEST_TEXT = 50 << 20


def model_files(model: ModelRecords, card: Card | None) -> list[PublishedFile]:
    """The files of a model that are published, by name.

    Args:
        model: Its records.
        card: To publish with it; None for the README.md that is there, and the pictures it shows.

    Raises:
        ValueError: Weights, tokenizer or code are missing or damaged, or the weights are pickled.
        OSError: A file cannot be read.
    """
    folder = model.folder
    load_tokenizer(str(folder))
    paths = [*_weights(folder), *_code(model)]
    paths += [folder / name for name in (*CONFIGURATIONS, *TOKENIZER_FILES) if (folder / name).is_file()]
    if card is None:
        paths += _own_card(folder)
    files = {
        path.relative_to(folder).as_posix(): PublishedFile(path.relative_to(folder).as_posix(), path) for path in paths
    }
    contents = {} if card is None else {"README.md": card.text.encode(), **card.files}
    for name, content in (_records(model) | contents).items():
        files[name] = PublishedFile(name, content)
    return [files[name] for name in sorted(files)]


def refuse_tokens(files: Sequence[PublishedFile]) -> None:
    """Looks for access tokens of the Hub in what is to be published.

    Raises:
        ValueError: A file holds one.
    """
    for file in files:
        if file.name.endswith(".safetensors") or file.size > _LARGEST_TEXT:
            continue
        if _ACCESS_TOKEN.search(file.read()):
            raise ValueError(
                f"{file.name}: a published file must hold no access token, got one (hf_...). Remove it, and revoke it "
                "where others may have seen it."
            )


def unpublished(folder: Path, files: Sequence[PublishedFile]) -> list[str]:
    """What stays in the folder; a folder as a whole where nothing of it is published."""
    names = {file.name for file in files}

    def left(place: Path) -> Iterator[str]:
        for path in sorted(place.iterdir()):
            name = path.relative_to(folder).as_posix()
            if path.is_dir() and any(published.startswith(f"{name}/") for published in names):
                yield from left(path)
            elif name not in names:
                yield f"{name}/" if path.is_dir() else name

    return list(left(folder))


def _weights(folder: Path) -> list[Path]:
    """One file, or the index and its shards."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        places = read_record(folder / INDEX).get("weight_map")
        names = sorted({str(name) for name in places.values()}) if isinstance(places, dict) else []
        missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
        if missing or not names:
            what = f"none of {missing[0]}" if missing else "no names"
            raise ValueError(f"{folder / INDEX}: the weights it names must be beside it, got {what}. Save it again.")
        return [folder / INDEX, *(folder / name for name in names)]
    pickled = [path.name for path in sorted(folder.iterdir()) if path.suffix in _PICKLED_WEIGHTS]
    pickled = [name for name in pickled if name != _TRAINING_ARGUMENTS]
    if pickled:
        raise ValueError(
            f"The weights must be {WEIGHTS}, got {pickled[0]} in {folder}, which is pickled. Load the model with "
            "transformers and save it again with save_pretrained."
        )
    raise ValueError(f"The model folder must hold {WEIGHTS}, got {folder} without it. Save the model there.")


def _code(model: ModelRecords) -> list[Path]:
    """The modules that `auto_map` names, and those of the folder that they import."""
    from transformers.dynamic_module_utils import get_relative_import_files

    auto_map = model.config.get("auto_map") or {}
    if not auto_map and model.config.get("model_type") == "bert-long":
        raise ValueError(_without_code(model.folder, "no auto_map in config.json"))
    modules = {name.rpartition(".")[0] for name in auto_map.values() if isinstance(name, str) and "--" not in name}
    found: set[Path] = set()
    for module in sorted(modules):
        path = model.folder / f"{module}.py"
        if not path.is_file():
            raise ValueError(_without_code(model.folder, f"no {path.name}"))
        try:
            found |= {path, *map(Path, get_relative_import_files(path))}
        except FileNotFoundError as error:
            raise ValueError(_without_code(model.folder, f"no {Path(error.filename or '').name}")) from None
    return sorted(found)


def _without_code(folder: Path, got: str) -> str:
    return (
        f"The model folder must hold the code of its model type, for `trust_remote_code`, got {got} in {folder}. With "
        "xlretrieval imported, load the model and save it again with save_pretrained."
    )


def _own_card(folder: Path) -> Iterator[Path]:
    """README.md and the pictures in the folder that it shows."""
    readme = folder / "README.md"
    yield readme
    for name in sorted(
        set(re.findall(r"\]\(([\w.-]+\.(?:png|jpe?g|gif|svg|webp))\)", readme.read_text(encoding="utf-8")))
    ):
        if (folder / name).is_file():
            yield folder / name


def _records(model: ModelRecords) -> dict[str, bytes]:
    """What the runs recorded, without folders of this machine; of a fold's model, with its number."""
    origins = {ORIGINS: list(model.origins)}
    records: dict[str, object] = {
        name: record | origins
        for name, record in ((PRETRAINING, model.pretraining), (CONVERSION, model.conversion))
        if record
    }
    if (model.folder / LOG).is_file():
        records[LOG] = read_record(model.folder / LOG, finite=False)
    if tuned := model.finetuning:
        records[RECORD] = tuned.record | origins | ({MODEL_OF_FOLD: tuned.fold} if tuned.fold else {})
        records[RESULTS] = tuned.results
        records |= {
            f"{evaluation.name.removeprefix('finetuning-')}/{RESULTS}": evaluation.record
            for evaluation in tuned.evaluations
        }
    return {
        name: (json.dumps(public_record(record), indent=2, ensure_ascii=False) + "\n").encode()
        for name, record in records.items()
        if record
    }
