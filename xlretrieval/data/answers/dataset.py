"""MLQA and XQuAD as data sets of `datasets`, prepared from local files, with the Hub's columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from .loading import SPLITS, QuestionConfig, available_configs, load_questions
from .questions import OnProblem

# A change of the columns or their meaning raises it, and what `datasets` has in its cache is made anew.
VERSION = "1.0.0"


@dataclass
class CrossLingualQuestionsConfig(datasets.BuilderConfig):
    """Settings of `CrossLingualQuestions`.

    Attributes:
        name: "mlqa.de.en" for German contexts and English questions of MLQA; "xquad.de.en" of XQuAD.
        version: Of the rows.
        on_problem: "raise" for an error at the first wrong question, "drop" to list them in `problems`.
    """

    name: str = ""
    version: datasets.Version | str | None = VERSION
    on_problem: str = "raise"


class CrossLingualQuestions(datasets.GeneratorBasedBuilder):
    """Questions in one language about texts in another.

    A row is, for the configuration "mlqa.de.en":

        {"id": "037e8929", "title": "Rhein", "context": "Der Rhein ist 1230 km lang.",
         "question": "How long is the Rhine?", "answers": {"text": ["1230 km"], "answer_start": [14]}}

    Splits are those that the source has files of. Every answer is looked for at its offset.

    Args:
        config_name: "mlqa.CONTEXT.QUESTION" or "xquad.CONTEXT.QUESTION".
        data_dir: Folder or zip of JSON files, or folder of Parquet files.
        on_problem: As for `load_questions`.
        cache_dir: Where prepared data go; the cache of `datasets` by default.
        options: What else `datasets.DatasetBuilder` takes.

    Raises:
        FileNotFoundError: There are no such files.
        ValueError: The configuration is unknown; when preparing, a question is wrong.

    Example:
        ```python
        mlqa = CrossLingualQuestions(config_name="mlqa.de.en", data_dir="MLQA_V1.zip")
        mlqa.download_and_prepare()
        dev = mlqa.as_dataset(split="validation")
        ```
    """

    BUILDER_CONFIG_CLASS = CrossLingualQuestionsConfig

    def __init__(
        self,
        *,
        config_name: str,
        data_dir: str | Path,
        on_problem: OnProblem = "raise",
        cache_dir: str | None = None,
        **options: Any,
    ):
        source = Path(data_dir).resolve()
        config_name = QuestionConfig.parse(config_name).name
        self._splits = [split for split in SPLITS if config_name in available_configs(source, split)]
        if not self._splits:
            offered = sorted({name for split in SPLITS for name in available_configs(source, split)})
            raise FileNotFoundError(
                f"{source}: the configuration must be one of {', '.join(offered) or '(none is here)'}, got "
                f"{config_name}. Choose one of them."
            )
        options.setdefault("hash", _fingerprint(source))
        options.setdefault("dataset_name", config_name.split(".")[0])
        super().__init__(
            cache_dir=cache_dir, config_name=config_name, data_dir=str(source), on_problem=on_problem, **options
        )

    def _info(self) -> datasets.DatasetInfo:
        text, start = datasets.Value("string"), datasets.Value("int32")
        features = datasets.Features(
            {
                "id": text,
                "title": text,
                "context": text,
                "question": text,
                "answers": {"text": datasets.List(text), "answer_start": datasets.List(start)},
            }
        )
        return datasets.DatasetInfo(description="Questions in one language about texts in another.", features=features)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        return [datasets.SplitGenerator(name=split, gen_kwargs={"split": split}) for split in self._splits]

    def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        loaded = load_questions(self.config.data_dir, self.config.name, split, self.config.on_problem)
        for number, row in enumerate(loaded.questions):
            answers = {"text": list(row.answers), "answer_start": list(row.starts)}
            yield (
                number,
                {
                    "id": row.id,
                    "title": row.title,
                    "context": row.context,
                    "question": row.question,
                    "answers": answers,
                },
            )


def _fingerprint(source: Path) -> str:
    """Changes when a file of the source is written anew."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(source.rglob("*.*")) if source.is_dir() else [source]:
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path}\n{stat.st_ino}\n{stat.st_size}\n{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
