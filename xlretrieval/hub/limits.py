"""Limits and bias of a model, as far as its records show them, and what holds for every model of this kind."""

from __future__ import annotations

from collections.abc import Sequence

from .card_metadata import model_languages
from .evaluation import Evaluation
from .markdown import plain
from .records import ModelRecords

_OF_ANSWERS = (
    "An answer is always a part of the text that is asked; whether the text is true, or about the question at all, is "
    "not judged.",
    "Scores choose among the spans of one text. Those of two texts or two questions should not be compared.",
    "What texts and questions of the training cover, and how they speak of people, places and groups, differs between "
    "languages; the model takes this over.",
)


def limits(model: ModelRecords, evaluations: Sequence[Evaluation]) -> list[str]:
    """One Markdown paragraph each.

    Args:
        model: The model's records.
        evaluations: What was measured.
    """
    found = []
    languages = model_languages(model)
    if languages:
        found.append(
            f"Trained on {plain(', '.join(languages))} and on the data above only. Other languages and pairs may "
            "work through the base model, or not at all; they are not measured unless a table above names them."
        )
    found += [line for evaluation in evaluations if (line := _verdict(evaluation))]
    if any(evaluation.arguments.get("corpus") for evaluation in evaluations):
        found.append(
            "Held-out sections are of the same collection as the training data. Figures on them say little about "
            "other kinds of text, and reranking few candidates is easier than searching a whole collection."
        )
    if not model.trained:
        found.append("Nothing was learned about retrieval: rankings by this checkpoint are as good as chance.")
    if model.task == "qa":
        return [*found, *_OF_ANSWERS]
    if model.finetuning is not None and model.finetuning.task == "ranking":
        found.append(
            "Fine-tuned on the judged queries of the collections above: other collections, and queries of another "
            "length or kind, are not measured unless a table says so."
        )
    found.append(
        "Queries of the pretraining are sentences of sections, and a section counts as relevant because it is aligned "
        "with theirs. Keywords and questions of users look different; fine-tune on judged queries where you have them."
    )
    found.append(
        "What a corpus covers, and how it speaks of people, places and groups, differs between languages; the model "
        "takes this over. A document may rank higher for its language, length or style rather than for what it says."
    )
    found.append(
        "Scores order the documents of one query. They are no probabilities, and those of two queries or two language "
        "pairs should not be compared. A high score does not mean that a document is true."
    )
    found.append("A document beyond the longest input is cut; what stands after the cut is not seen.")
    return found


def _verdict(evaluation: Evaluation) -> str:
    """Where an evaluation does not show that the model is better, or shows that it is worse, this is said."""
    better, worse, compared = evaluation.verdict()
    what = plain(evaluation.title[0].lower() + evaluation.title[1:])
    if compared and worse:
        return f"**Worse than before** beyond chance in {worse} of {compared} tasks of the {what}."
    if compared and not better:
        verb = "show" if evaluation.task == "qa" else "shows"
        return f"The {what} {verb} no difference beyond chance to the model before ({compared} tasks)."
    return ""
