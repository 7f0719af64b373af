"""Cross-lingual retrieval in the Hugging Face ecosystem: pretrain, lengthen, fine-tune, evaluate, serve, publish.

Importing this package registers the model type `bert-long` with the Auto classes of transformers. The public names
below are imported when they are first used, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from xlretrieval.modeling import registration
from xlretrieval.trainers import publishing

__version__ = "0.1.0.dev0"

_HOMES = {
    "modeling.configuration_bert_long": ["BertLongConfig"],
    "modeling.modeling_bert_long": [
        "BertLongForMaskedLM",
        "BertLongForQuestionAnswering",
        "BertLongForXLRetrieval",
        "BertLongModel",
    ],
    "modeling.xl_retrieval": [
        "BertForXLRetrieval",
        "ModernBertForXLRetrieval",
        "XLMRobertaForXLRetrieval",
        "load_xl_retrieval",
    ],
    "modeling.conversion": ["convert_to_long"],
    "data.sections": ["AlignedSections"],
    "data.wiki.dataset": ["Wiki"],
    "inference.encoder": ["Encoder"],
    "inference.export.onnx_export": ["export_reranker"],
    "inference.export.onnx_model": ["load_exported"],
    "inference.reranker": ["Reranker"],
    "inference.search": ["Index"],
    "trainers.arguments": ["XLPretrainingArguments"],
    "trainers.pretraining": ["QueryLanguageModelingTrainer", "XLPretrainingTrainer"],
    "trainers.question_answering": ["QuestionAnsweringTrainer"],
    "trainers.question_answering_arguments": ["QuestionAnsweringArguments"],
    "trainers.ranking": ["RelevanceRankingTrainer"],
    "trainers.ranking_arguments": ["RankingArguments"],
    "data.ranking_examples": ["CollectionQueries"],
    "data.collections": ["load_collection"],
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [*_MODULE_OF, "__version__"]  # noqa: PLE0604

# On Linux torch then asks for pages of 2 MiB where it allocates as much on a CPU; with those of 4 KiB a pretraining
# step takes a third longer. torch looks when it allocates for the first time; a setting of the user's stands.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
registration.register()
# Trainers publish by what comes after them on the road; it is imported when the first one does.
publishing.set_publisher(lambda: importlib.import_module(f"{__name__}.hub.trainer_cards"))


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
