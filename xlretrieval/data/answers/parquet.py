"""Questions as the Hub holds them: `<config>/<split>-*.parquet` with id, context, question and answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .questions import OnProblem, QuestionChecks

_COLUMNS = ("id", "context", "question", "answers")
HUB_PREFIX = "hub:"


def parquet_files(source: str | Path, config: str, split: str, revision: str | None = None) -> list[Path]:
    """Files of a configuration's split, downloaded where `source` is a repository.

    Args:
        source: A folder, or `hub:OWNER/NAME` for a data set of the Hub, which needs the network once.
        config: Name of the configuration, such as "mlqa.de.en".
        split: Such as "validation".
        revision: Of the repository.

    Raises:
        OSError: The repository cannot be reached.
    """
    if str(source).startswith(HUB_PREFIX):
        from huggingface_hub import snapshot_download

        repository = str(source).removeprefix(HUB_PREFIX)
        patterns = [f"{config}/{split}-*.parquet"]
        source = snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=patterns)
    return sorted((Path(source) / config).glob(f"{split}-*.parquet"))


def read_parquet(paths: Sequence[Path], on_problem: OnProblem = "raise") -> QuestionChecks:
    """Reads and checks questions; without an answer they are impossible.

    Raises:
        ValueError: A column is missing, it is no Parquet file, or, with file and row, a question is wrong.
    """
    import pyarrow
    import pyarrow.parquet as pq

    checks = QuestionChecks(" and ".join(map(str, paths)), on_problem)
    for path in paths:
        try:
            names = pq.read_schema(path).names
            missing = [name for name in _COLUMNS if name not in names]
            if missing:
                raise ValueError(
                    f"{path}: the columns must be {', '.join(_COLUMNS)}, got none called {missing[0]}. Check the file."
                )
            columns = [*_COLUMNS, *(["title"] if "title" in names else [])]
            table = pq.read_table(path, columns=columns)
        except pyarrow.ArrowInvalid as error:
            raise ValueError(f"{path}: the file must be Parquet, got an error: {error}. Download it again.") from None
        for batch in table.to_batches():
            for row in batch.to_pylist():
                checks.add(row["id"], row["question"], row["context"], _pairs(row["answers"]), row.get("title"))
    return checks


def _pairs(answers: object) -> list[tuple[object, object]] | None:
    if isinstance(answers, list):  # a list of structs
        answers = {name: [answer.get(name) for answer in answers] for name in ("text", "answer_start")}
    if not isinstance(answers, dict):
        return None
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        return None
    return list(zip(texts, starts, strict=True))
