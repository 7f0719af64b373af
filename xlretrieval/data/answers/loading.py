"""MLQA and XQuAD by configuration: `mlqa.de.en` has German contexts and English questions.

MLQA has a file for each pair of languages. XQuAD has one for each language, with the same ids in all, so a set of any
pair is put together from two of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xlretrieval.data.languages import is_language_code

from .parquet import HUB_PREFIX, parquet_files, read_parquet
from .questions import OnProblem, QuestionSet
from .sources import QuestionFiles
from .squad_format import parse_squad, read_squad

MLQA_LANGUAGES = ("ar", "de", "en", "es", "hi", "vi", "zh")
MLQA_CONFIGS = tuple(f"mlqa.{context}.{question}" for context in MLQA_LANGUAGES for question in MLQA_LANGUAGES)
SPLITS = ("train", "validation", "test")
_FILE_SPLITS = {"train": "train", "validation": "dev", "test": "test"}
_MLQA_FILE = re.compile(r"(train|dev|test)-context-([A-Za-z-]+?)-question-([A-Za-z-]+)\.json")
_XQUAD_FILE = re.compile(r"xquad\.([A-Za-z-]+)\.json")


@dataclass(frozen=True)
class QuestionConfig:
    """A collection and the languages of its contexts and questions.

    Attributes:
        collection: "mlqa" or "xquad".
        context: Language of the contexts.
        question: Language of the questions.
    """

    collection: str
    context: str
    question: str

    @classmethod
    def parse(cls, name: str) -> QuestionConfig:
        """From "mlqa.de.en", "xquad.de.en" or "xquad.de" (both German).

        Raises:
            ValueError: It is no such name.
        """
        collection, *languages = name.split(".")
        if collection == "xquad" and len(languages) == 1:
            languages *= 2
        if collection not in ("mlqa", "xquad") or len(languages) != 2 or not all(map(is_language_code, languages)):
            raise ValueError(
                f"A configuration must be mlqa.CONTEXT.QUESTION or xquad.CONTEXT.QUESTION with two language codes, "
                f"got {name!r}. Write it like mlqa.de.en."
            )
        return cls(collection, *languages)

    @property
    def name(self) -> str:
        """Such as "mlqa.de.en"."""
        return f"{self.collection}.{self.context}.{self.question}"


def load_questions(
    source: str | Path,
    config: str,
    split: str = "validation",
    on_problem: OnProblem = "raise",
    revision: str | None = None,
) -> QuestionSet:
    """Loads the questions of a configuration.

    Args:
        source: A folder or zip of JSON files, a folder of Parquet files, or `hub:OWNER/NAME`.
        config: "mlqa.CONTEXT.QUESTION", or "xquad.CONTEXT.QUESTION".
        split: "train", "validation" (files call it dev) or "test"; XQuAD has "validation" alone.
        on_problem: "raise" for an error at the first wrong question, "drop" to list them in the set's `problems`.
        revision: Of the repository.

    Raises:
        ValueError: With file and row, a question is wrong; the configuration or the split is.
        OSError: There are no such files.
    """
    chosen = QuestionConfig.parse(config)
    split = {"dev": "validation"}.get(split, split)
    if split not in SPLITS or (chosen.collection == "xquad" and split != "validation"):
        allowed = "validation" if chosen.collection == "xquad" else ", ".join(SPLITS)
        raise ValueError(f"split of {config} must be one of {allowed}, got {split!r}. Choose one.")
    if str(source).startswith(HUB_PREFIX) or _has_parquet(source, chosen):
        return _from_parquet(source, chosen, split, on_problem, revision)
    files = QuestionFiles(source)
    if chosen.collection == "mlqa":
        name = f"{_FILE_SPLITS[split]}-context-{chosen.context}-question-{chosen.question}.json"
        return parse_squad(*files.read(name), on_problem, chosen.context, chosen.question)
    contexts, questions = (
        parse_squad(*files.read(f"xquad.{language}.json"), on_problem, language)
        for language in (chosen.context, chosen.question)
    )
    return combine(contexts, questions, on_problem)


def load_question_sets(
    source: str | Path, configs: Sequence[str] = (), split: str = "validation", on_problem: OnProblem = "raise"
) -> list[QuestionSet]:
    """Loads several configurations.

    Args:
        source: As for `load_questions`; or a file in the format of SQuAD, which holds one set.
        configs: Which ones; all that the files offer by default. Of a single file it tells the languages, which are
            unknown by default.
        split: As for `load_questions`.
        on_problem: As for `load_questions`.

    Raises:
        ValueError: As for `load_questions`; or of a repository no configuration is named, of a file several are, or
            two have the same pair.
        OSError: There are no such files.
    """
    if str(source).endswith((".json", ".json.gz")):
        return [_load_file(source, configs, on_problem)]
    if not configs and str(source).startswith(HUB_PREFIX):
        raise ValueError(f"Configurations of {source} must be named, got none. Write them like mlqa.de.en.")
    chosen = list(configs) or available_configs(source, split)
    if not chosen:
        raise FileNotFoundError(f"{source}: there must be questions of split {split}, got none. Check the split.")
    sets = [load_questions(source, config, split, on_problem) for config in chosen]
    names = [part.name for part in sets]
    for config, name in zip(chosen, names, strict=True):
        if names.count(name) > 1:
            raise ValueError(f"{source}: a pair of languages must be named once, got {config} twice. Remove one.")
    return sets


def _load_file(path: str | Path, configs: Sequence[str], on_problem: OnProblem) -> QuestionSet:
    """A file in the format of SQuAD; the one configuration says its languages."""
    if len(configs) > 1:
        raise ValueError(
            f"{path}: of a single file there must be one configuration or none, got {', '.join(configs)}. Name one, "
            "or give the folder of the files."
        )
    if not configs:
        return read_squad(path, on_problem)
    config = QuestionConfig.parse(configs[0])
    return read_squad(path, on_problem, config.context, config.question)


def combine(contexts: QuestionSet, questions: QuestionSet, on_problem: OnProblem = "raise") -> QuestionSet:
    """Contexts and answers of one set with the questions of another; ids decide what belongs together.

    Raises:
        ValueError: A question of one set is not in the other, and `on_problem` is "raise".
    """
    if contexts.context_language == questions.question_language:
        return contexts
    asked = {question.id: question.question for question in questions.questions}
    answered = {question.id for question in contexts.questions}
    problems = [
        f"XQuAD: question {id!r} must be in both languages, got it only in {language}."
        for ids, others, language in (
            ([row.id for row in contexts.questions], asked, contexts.context_language),
            (list(asked), answered, questions.question_language),
        )
        for id in ids
        if id not in others
    ]
    if problems and on_problem == "raise":
        raise ValueError(f"{problems[0]} Take both files from the same release, or drop such questions.")
    kept = tuple(replace(row, question=asked[row.id]) for row in contexts.questions if row.id in asked)
    name = f"{contexts.context_language}-{questions.question_language}"
    problems = [*contexts.problems, *questions.problems, *problems]
    return QuestionSet(name, contexts.context_language, questions.question_language, kept, tuple(problems))


def available_configs(source: str | Path, split: str = "validation") -> list[str]:
    """Configurations that the files of a folder or zip offer, sorted.

    Args:
        source: The folder or zip.
        split: "train", "validation" or "test".

    Raises:
        OSError: There is no such folder or zip.
        ValueError: The split is unknown.
    """
    split = {"dev": "validation"}.get(split, split)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}. Choose one.")
    names = QuestionFiles(source).names
    found = [match.groups() for match in map(_MLQA_FILE.fullmatch, names) if match]
    configs = {f"mlqa.{context}.{question}" for of, context, question in found if of == _FILE_SPLITS[split]}
    languages = [match[1] for match in map(_XQUAD_FILE.fullmatch, names) if match]
    if split == "validation":
        configs |= {f"xquad.{context}.{question}" for context in languages for question in languages}
    if Path(source).is_dir():
        configs |= {path.parent.name for path in Path(source).glob(f"mlqa.*/{split}-*.parquet")}
        alone = sorted({path.parent.name.split(".")[1] for path in Path(source).glob("xquad.*/validation-*.parquet")})
        if split == "validation":
            configs |= {f"xquad.{context}.{question}" for context in alone for question in alone}
    return sorted(configs)


def _has_parquet(source: str | Path, config: QuestionConfig) -> bool:
    folder = config.name if config.collection == "mlqa" else f"xquad.{config.context}"
    return any((Path(source) / folder).glob("*.parquet"))


def _from_parquet(
    source: str | Path, config: QuestionConfig, split: str, on_problem: OnProblem, revision: str | None
) -> QuestionSet:
    if config.collection == "mlqa":
        return _read_parquet_set(source, config.name, config.context, config.question, split, on_problem, revision)
    contexts, questions = (
        _read_parquet_set(source, f"xquad.{language}", language, language, split, on_problem, revision)
        for language in (config.context, config.question)
    )
    return combine(contexts, questions, on_problem)


def _read_parquet_set(
    source: str | Path,
    config: str,
    context: str,
    question: str,
    split: str,
    on_problem: OnProblem,
    revision: str | None,
) -> QuestionSet:
    paths = parquet_files(source, config, split, revision)
    if not paths:
        raise FileNotFoundError(
            f"{source}: there must be files {config}/{split}-*.parquet, got none. Check configuration and split."
        )
    checks = read_parquet(paths, on_problem)
    return QuestionSet(f"{context}-{question}", context, question, tuple(checks.questions), tuple(checks.problems))
