"""Measure answers to questions in one language about texts in another.

  xlretrieval evaluate qa --model runs/qa --questions MLQA_V1.zip --split test --output results
  xlretrieval evaluate qa --model runs/qa --before runs/mbert-qa --questions mlqa --configs mlqa.de.en,mlqa.en.de
  xlretrieval evaluate qa --model runs/qa --squad dev-v2.0.json --null-threshold 0
  xlretrieval evaluate qa --predictions predictions --questions MLQA_V1.zip

Exact match and F1 by the rules of MLQA, normalised in the language of the context, or of SQuAD: for a SQuAD file, and
for a language whose articles MLQA's do not name. The output folder holds results.json, table.md, predictions in the
format of the official scorers, and a heat map when there are two language pairs or more.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xlretrieval.cli.configuration import ConfigurableOptions, comma_separated

if TYPE_CHECKING:
    from xlretrieval.data.answers.questions import QuestionSet
    from xlretrieval.evaluation.question_answering import QuestionSetResult
    from xlretrieval.inference.answer_extraction import ExtractedAnswer

# Longest input where neither the user nor the model says less, as in training.
_LONGEST = 512


def add_qa_options(options: ConfigurableOptions) -> None:
    """Adds the options of `evaluate qa`."""
    options.add("--model", metavar="M", help="checkpoint to measure: folder or name on the Hub")
    options.add("--before", metavar="M", help="checkpoint to compare it with")
    options.add("--predictions", type=Path, metavar="DIR", help="folder of CONTEXT-QUESTION.json, instead of a model")
    options.add("--questions", metavar="SOURCE", help="folder or zip of MLQA or XQuAD, or hub:OWNER/NAME")
    options.add("--configs", type=comma_separated, default=[], metavar="C,...", help="mlqa.de.en,... (default: all)")
    options.add("--split", default="validation", help="validation (dev) or test (default: validation)")
    options.add("--squad", type=Path, metavar="FILE", help="one SQuAD file, instead of --questions")
    options.add("--language", default="en", help="of the SQuAD file's contexts and questions (default: en)")
    options.add(
        "--rules",
        choices=("mlqa", "squad"),
        help="of scoring (default: squad of --squad; mlqa of --questions, but squad for a language that it lacks)",
    )
    options.add("--max-length", type=int, metavar="N", help="tokens per input (default: 512, or what the model takes)")
    options.add("--stride", type=int, default=128, metavar="N", help="tokens that two windows share (default: 128)")
    options.add("--max-query-length", type=int, default=64, metavar="N", help="tokens of a question (default: 64)")
    options.add("--n-best", type=int, default=20, metavar="N", help="tokens of a window to combine (default: 20)")
    options.add("--max-answer-length", type=int, default=30, metavar="N", help="tokens of an answer (default: 30)")
    options.add("--null-threshold", type=float, metavar="X", help="how much better no answer must be (default: never)")
    options.add(
        "--batch-tokens", type=int, metavar="N", help="tokens of a batch (default: 2048 on a CPU, 131072 elsewhere)"
    )
    options.add(
        "--drop-wrong-questions", action="store_true", default=False, help="drop and list those with a wrong offset"
    )
    options.add("--output", type=Path, metavar="DIR", help="folder to write")
    options.add("--overwrite", action="store_true", default=False, help="replace the output folder")


def measure(arguments: argparse.Namespace, folder: Path | None) -> None:
    """Answers the questions by each checkpoint, or reads predictions, and reports exact match and F1.

    Args:
        arguments: With all options of `add_qa_options`, and `task`, which is "qa".
        folder: To write to; None for the console alone.

    Raises:
        ValueError: Options contradict each other; or, with file and row, a question is wrong.
        OSError: A file cannot be read.
    """
    from xlretrieval.cli.evaluate.report import checkpoints, report
    from xlretrieval.evaluation.question_answering import (
        answer_measurements,
        draw_matrix,
        mean_scores,
        notes_on_answers,
        write_predictions,
    )

    sets = _sets(arguments)
    if arguments.predictions:
        if arguments.model or arguments.before:
            raise ValueError("--predictions must stand alone, got --model or --before too. Give one of them.")
        results = {"after": [_read_predictions(arguments.predictions, part, _rules(arguments)) for part in sets]}
        arguments.run = [arguments.predictions]
    else:
        results = {side: _answers(checkpoint, sets, arguments) for side, checkpoint in checkpoints(arguments).items()}
    after = results["after"]
    problems = [line for part in sets for line in part.problems]
    notes = notes_on_answers(after) + ([f"{len(problems)} wrong questions dropped"] if problems else [])
    details = [{"side": side, **result.as_dict()} for side, measured in results.items() for result in measured]
    means = {side: mean_scores(measured) for side, measured in results.items()}
    extra = {"mean": means, "problems": problems}
    report(arguments, folder, answer_measurements(after, results.get("before")), details, notes, 1, extra)
    if folder:
        for result in after:
            write_predictions(folder / "predictions" / f"{result.name}.json", result.predictions)
        system = Path(arguments.model or arguments.predictions).name
        draw_matrix(folder / "heatmap.png", after, f"F1 of {system}, context in rows")


def _sets(arguments: argparse.Namespace) -> list[QuestionSet]:
    from xlretrieval.data.answers.loading import load_question_sets
    from xlretrieval.data.answers.squad_format import read_squad

    if bool(arguments.questions) == bool(arguments.squad):
        raise ValueError(
            f"Questions must come from one of --questions and --squad, got {'both' if arguments.squad else 'none'}. "
            "Give one of them."
        )
    on_problem = "drop" if arguments.drop_wrong_questions else "raise"
    if arguments.squad:
        return [read_squad(arguments.squad, on_problem, arguments.language)]
    return load_question_sets(arguments.questions, arguments.configs, arguments.split, on_problem)


def _answers(checkpoint: str, sets: list[QuestionSet], arguments: argparse.Namespace) -> list[QuestionSetResult]:
    import torch

    from xlretrieval.data.question_features import QuestionFeatures
    from xlretrieval.evaluation.question_answering import score_question_set
    from xlretrieval.inference.answer_extraction import ExtractionOptions
    from xlretrieval.inference.batching import input_limit
    from xlretrieval.inference.question_answering import predict_answers
    from xlretrieval.trainers.question_answerer import load_trained_question_answerer

    options = ExtractionOptions(arguments.n_best, arguments.max_answer_length, arguments.null_threshold)
    model, tokenizer = load_trained_question_answerer(checkpoint)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    length = arguments.max_length
    limit = input_limit(model, tokenizer, length) if length else min(_LONGEST, input_limit(model, tokenizer))
    results = []
    for part in sets:
        features = QuestionFeatures(tokenizer, part.questions, limit, arguments.stride, arguments.max_query_length)
        answers = predict_answers(model, tokenizer, features, options, arguments.batch_tokens, part.name)
        texts = {name: answer.text for name, answer in answers.items()}
        result = score_question_set(part, texts, features.counts, _rules(arguments))
        results.append(replace(result, best_threshold=_best_threshold(part, answers, result.rules)))
    return results


def _rules(arguments: argparse.Namespace) -> str | None:
    return arguments.rules or ("squad" if arguments.squad else None)


def _best_threshold(
    questions: QuestionSet, answers: Mapping[str, ExtractedAnswer], rules: str
) -> dict[str, float] | None:
    """For SQuAD 2.0, what the best threshold on these questions would be, and give."""
    from xlretrieval.evaluation.null_threshold import best_null_threshold

    if all(questions.references.values()):
        return None
    spans = {name: answer.span for name, answer in answers.items()}
    differences = {name: answer.null_difference for name, answer in answers.items()}
    language = questions.context_language if rules == "mlqa" else None
    return asdict(best_null_threshold(spans, differences, questions.references, language=language))


def _read_predictions(folder: Path, questions: QuestionSet, rules: str | None) -> QuestionSetResult:
    from xlretrieval.evaluation.question_answering import score_question_set

    path = folder / f"{questions.name}.json"
    try:
        predictions = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: the file must be JSON in UTF-8, got an error: {error}. Write it again.") from None
    if not isinstance(predictions, dict) or not all(isinstance(text, str) for text in predictions.values()):
        raise ValueError(f"{path}: the file must map question ids to texts, got something else. Write it like that.")
    return score_question_set(questions, predictions, rules=rules)
