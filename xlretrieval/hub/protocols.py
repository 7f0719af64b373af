"""How an evaluation was measured, in a sentence or two, from the options of the command alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def protocol(task: str, arguments: Mapping[str, Any]) -> str:
    """How it was measured, as Markdown.

    Args:
        task: "ranking", "alignment" or "qa".
        arguments: Of the command.
    """
    if arguments.get("run"):
        before = f" Before: run {_file_names(arguments['baseline'])}." if arguments.get("baseline") else ""
        return f"Run {_file_names(arguments['run'])}, judgements {_file_names(arguments['qrels'])}.{before}"
    if task == "alignment":
        return _alignment_protocol(arguments)
    if task == "qa":
        return _answers_protocol(arguments)
    first = "hard negatives (mostly sections of the same article) first" if arguments.get("hard") else "at random"
    by = "the relevance head" if arguments.get("scorer") == "head" else "cosine of embeddings"
    if arguments.get("collection"):
        return _collection_protocol(arguments, by)
    return (
        f"A random sentence of a section looks for the aligned section in the other language among "
        f"{arguments.get('candidates')} candidates, {first}; at most {arguments.get('queries')} queries a "
        f"direction; ranked by {by}. {_models(arguments)}"
    )


def _alignment_protocol(arguments: Mapping[str, Any]) -> str:
    """How texts were compared."""
    layer, pooling = arguments.get("layer", -1), arguments.get("pooling", "mean")
    csls = arguments.get("similarity") == "csls"
    similarity = f"CSLS (k = {arguments.get('neighbours', 10)})" if csls else "cosine"
    text = (
        "Each text looks for its translation among all texts of the other language, by "
        f"{similarity} of "
        f"{'query-style' if pooling == 'query' else f'{pooling}-pooled'} vectors of "
        f"{'the last layer' if layer == -1 else f'layer {layer}'}"
    )
    if arguments.get("long") == "windows":
        text += ", of long texts the mean of their windows"
    return f"{text}; P@1 in percent. {_models(arguments)}"


def _collection_protocol(arguments: Mapping[str, Any], by: str) -> str:
    """What of a collection was ranked, and how."""
    if arguments.get("candidates_run"):
        number = f"first {arguments['top_k']} documents" if arguments.get("top_k") else "documents"
        candidates = f"the {number} of the run {_file_names(arguments['candidates_run'])}"
    elif arguments.get("first_stage"):
        candidates = _first_stage(arguments)
    else:
        candidates = "the judged documents of each query"
    if arguments.get("mix_languages"):
        candidates += ", of all languages in one pool"
    passage = {"maxp": "best", "firstp": "first", "meanp": "mean"}.get(arguments.get("passages") or "")
    long = f", long documents by their {passage} passage" if passage else ""
    text = f"Ranked are {candidates}" + (f", by {by}{long}" if arguments.get("model") else "")
    if arguments.get("limit_queries"):
        text += f"; at most {arguments['limit_queries']} queries a direction"
    if arguments.get("baseline"):
        text += f". Before: run {_file_names(arguments['baseline'])}"
    return f"{text}. {_models(arguments)}"


def _answers_protocol(arguments: Mapping[str, Any]) -> str:
    """Which questions were answered."""
    source = arguments.get("squad") or arguments.get("questions")
    where = f"questions of {_file_names(source)}" if source else "questions"
    if source and not arguments.get("squad") and arguments.get("split"):
        where = f"{arguments['split']} {where}"
    text = f"An answer is a part of the text; {where}; exact match (EM) and F1 in percent."
    if arguments.get("predictions"):
        return f"{text} Answers: {_file_names(arguments['predictions'])}."
    return f"{text} {_models(arguments)}"


def _first_stage(arguments: Mapping[str, Any]) -> str:
    """What an encoder found among all documents."""
    layer, pooling = arguments.get("first_stage_layer", -1), arguments.get("first_stage_pooling", "mean")
    return (
        f"the {arguments['top_k']} documents of the whole collection that are nearest to each query by "
        f"`{Path(arguments['first_stage']).name}` (cosine of {pooling}-pooled "
        f"vectors of {'the last layer' if layer == -1 else f'layer {layer}'})"
    )


def _models(arguments: Mapping[str, Any]) -> str:
    """Which checkpoints were measured, by the last part of their paths, and on how much of the texts."""
    model = arguments.get("model") or arguments.get("first_stage") or ""
    after, before = (Path(name).name for name in (model, arguments.get("before") or ""))
    text = f"Before: `{before}`; after: `{after}`." if before else f"Measured: `{after}`."
    longest = arguments.get("max_length")
    return f"{text} Inputs of at most {longest} tokens." if longest else text


def _file_names(paths: str | Sequence[str]) -> str:
    """One path or several, by their last parts."""
    return ", ".join(f"`{Path(path).name}`" for path in ([paths] if isinstance(paths, str) else paths))
