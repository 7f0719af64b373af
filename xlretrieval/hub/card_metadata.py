"""What the Hub reads from a card: its YAML head with the model index, and `.eval_results/*.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xlretrieval.data.languages import parse_pair
from xlretrieval.evaluation.report import Estimate, Measurement

from .card_options import CardOptions
from .evaluation import Evaluation, label
from .finetuning import FineTuning
from .records import ModelRecords

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

EVAL_RESULTS_MARKER = "# Written by `xlretrieval card`.\n"
# Names of metrics as the Hub has them.
METRIC_TYPES = {"RR": "mrr", "AP": "map", "P@1": "precision_at_1", "EM": "exact_match"}
# What a model is for -> the Hub's word for it.
PIPELINES = {"ranking": "text-ranking", "qa": "question-answering", "": "feature-extraction"}
_TASK_TYPES = {"ranking": "text-ranking", "qa": "question-answering", "alignment": "sentence-similarity"}


def model_languages(model: ModelRecords, pretraining: bool = False) -> list[str]:
    """Codes of the languages the model was trained on, sorted; [] when nothing says so.

    Args:
        model: The model's records.
        pretraining: Only those of the pretraining.
    """
    pairs = list(model.pretraining.get("pairs", {}))
    known = model.pretraining.get("corpus_provenance", {}).get("counts", {})
    sections = known.get("sections") or known.get("corpus", {}).get("sections", {})
    languages = {language for pair in pairs for language in parse_pair(pair, sections)}
    return sorted(languages | (model.finetuning.languages if model.finetuning and not pretraining else set()))


def card_metadata(
    model: ModelRecords,
    evaluations: Sequence[Evaluation],
    name: str,
    base_model: str | None,
    options: CardOptions,
) -> ModelCardData:
    """The YAML head.

    Args:
        model: The model's records.
        evaluations: For the model index.
        name: Of the model.
        base_model: Hub id, None when not known.
        options: Licence, and Hub ids of data.
    """
    from huggingface_hub import ModelCardData

    tested = any(evaluation.name == "finetuning-test" for evaluation in evaluations)
    results = [
        result
        for evaluation in evaluations
        if not (tested and evaluation.name == "finetuning-dev")  # what chose the epoch
        for result in _index_entries(evaluation, options.evaluation_datasets.get(evaluation.name))
    ]
    if model.finetuning:
        results = [*_fold_entries(model.finetuning), *results]
    # The Hub takes languages without script or variant: zh, not zh-Hans.
    measured = model.finetuning.measured_languages if model.finetuning else set()
    languages = sorted({language.split("-")[0] for language in measured.union(model_languages(model))})
    return ModelCardData(
        language=languages or None,
        license=options.licence,
        library_name="transformers",
        pipeline_tag=PIPELINES[model.task],
        tags=_tags(model),
        base_model=base_model,
        datasets=list(options.datasets) or None,
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        model_name=name if results else None,
        eval_results=results or None,
    )


def _tags(model: ModelRecords) -> list[str]:
    kinds = {"ranking": ["cross-encoder", "reranker"], "qa": ["question-answering"], "": []}[model.task]
    objectives = model.arguments.get("objectives", []) if model.pretrained else []
    return ["xlretrieval", "cross-lingual", *kinds, *objectives, *([] if model.trained else ["untrained"])]


def _fold_entries(finetuning: FineTuning) -> list[EvalResult]:
    """Cross validation for the model index: of the weights of one fold, the figure on its test queries."""
    from huggingface_hub import EvalResult

    folds, overall = finetuning.folds(), finetuning.overall()
    if overall is None:
        return []
    own = next((fold for fold in folds if fold.number == finetuning.fold), None)
    queries, measured = (own.queries, own.test_map) if own else overall
    details: dict[str, Any] = {"queries": queries, **_interval(measured, ""), "folds": len(folds)}
    if own:
        details |= {"fold": own.number, "map_of_all_folds": rounded(overall[1].value)}
    where = f"test queries of fold {own.number}" if own else "cross validation"
    names = ", ".join(finetuning.data_sets)
    return [
        EvalResult(
            task_type="text-ranking",
            task_name="Ranking after fine-tuning",
            dataset_type="unknown",
            dataset_name=f"{names}, {where}",
            dataset_config=f"finetuning {names}",
            dataset_split="test",
            metric_type="map",
            metric_value=rounded(measured.value),
            metric_name="MAP",
            metric_args=details,
        )
    ]


def metric_type(metric: str) -> str:
    """`nDCG@10` -> `ndcg_at_10`."""
    return METRIC_TYPES.get(metric) or metric.lower().replace("@", "_at_").replace(" ", "_")


def _index_entries(evaluation: Evaluation, dataset: str | None) -> list[EvalResult]:
    """One per task and metric; means are left out, as they are of what stands there already."""
    from huggingface_hub import EvalResult

    rows = [row for row in evaluation.measurements if row.task != "mean" and ">" not in row.metric]
    return [
        EvalResult(
            task_type=_TASK_TYPES[evaluation.task],
            task_name=evaluation.title,
            dataset_type=dataset or "unknown",  # the Hub's word for data that is not there
            dataset_name=f"{dataset or evaluation.name}, {row.task}",
            # Entries of one configuration are merged, and two evaluations may have tasks of the same names.
            dataset_config=row.task if dataset else f"{evaluation.name} {row.task}",
            dataset_split=evaluation.arguments.get("split")
            if evaluation.arguments.keys() & {"corpus", "questions"}
            else None,
            metric_type=metric_type(row.metric),
            metric_value=rounded(row.after.value),
            metric_name=label(row.metric),
            metric_args=_details(row),
        )
        for row in rows
    ]


def _split(evaluation: Evaluation) -> str | None:
    """Only a corpus and sets of questions have splits."""
    arguments = evaluation.arguments
    return arguments.get("split") if arguments.get("corpus") or arguments.get("questions") else None


def rounded(value: float) -> float:
    """Four decimals: a query of a thousand still shows, and the file can be read."""
    return round(value, 4)


def _details(row: Measurement) -> dict[str, Any]:
    """Interval, number of queries and the model before."""
    details: dict[str, Any] = {"queries": row.n}
    for name, estimate in (("", row.after), ("before", row.before), ("difference", row.difference)):
        if estimate is not None:
            details |= {name: rounded(estimate.value)} if name else {}
            details |= _interval(estimate, name)
    if row.test is not None:
        details["p"] = row.test.randomisation
    return details


def _interval(estimate: Estimate, name: str) -> dict[str, Any]:
    if estimate.low is None or estimate.high is None:
        return {}
    return {f"{name}_95%" if name else "95%": [rounded(estimate.low), rounded(estimate.high)]}


def eval_results_yaml(evaluation: Evaluation, dataset: str) -> str:
    """Content of `.eval_results/NAME.yaml`: the headline's metric of every task.

    The format wants a dataset of the Hub, whose tasks are named as here; so it is written only for evaluations of
    which the user says that their data is there.

    Args:
        evaluation: The measurements.
        dataset: Hub id.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = []
    for row in evaluation.rows():
        notes = [f"{label(row.metric)} over {row.n} queries"]
        if row.after.low is not None and row.after.high is not None:
            notes.append(f"95% {row.after.low:.{evaluation.digits}f} to {row.after.high:.{evaluation.digits}f}")
        if row.before is not None:
            notes.append(f"before {row.before.value:.{evaluation.digits}f}")
        if evaluation.arguments.get("candidates") and evaluation.task == "ranking":
            notes.append(f"{evaluation.arguments['candidates']} candidates a query")
        entries.append(EvalResultEntry(dataset, row.task, rounded(row.after.value), notes="; ".join(notes)))
    return EVAL_RESULTS_MARKER + yaml.safe_dump(
        eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True
    )
