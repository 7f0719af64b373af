"""Registers the long encoder with the Auto classes of transformers, without importing what nobody asked for.

`import xlretrieval` must be quick, and `AutoModel.from_pretrained(folder)` must know the model type after it. So the
configuration is registered as soon as transformers' own Auto configurations are there, and the models, which need
torch, just before the first configuration of this type exists.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

AUTO_CONFIGURATIONS = "transformers.models.auto.configuration_auto"


def register() -> None:
    """Registers now where transformers' Auto configurations are loaded, else right after they will be."""
    if AUTO_CONFIGURATIONS in sys.modules:
        register_configuration()
    elif not any(isinstance(finder, _AfterAutoConfigurations) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterAutoConfigurations())


class _AfterAutoConfigurations(MetaPathFinder):
    """Runs `register_configuration` once the module has been executed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != AUTO_CONFIGURATIONS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            execute(module)
            register_configuration()

        spec.loader.exec_module = execute_and_register
        return spec


def register_configuration() -> None:
    """Makes the model type known to `AutoConfig`. Needs no torch."""
    from xlretrieval.modeling.configuration_bert_long import BertLongConfig

    auto = sys.modules[AUTO_CONFIGURATIONS]
    auto.AutoConfig.register(BertLongConfig.model_type, BertLongConfig, exist_ok=True)
    BertLongConfig.before_first_use = staticmethod(register_models)


def register_models() -> None:
    """Registers the models, and marks them and the configuration for use with `trust_remote_code`."""
    from transformers.models import auto

    from xlretrieval.modeling import modeling_bert_long
    from xlretrieval.modeling.configuration_bert_long import BertLongConfig

    BertLongConfig.register_for_auto_class()
    for auto_class, name in modeling_bert_long.AUTO_CLASSES.items():
        model = getattr(modeling_bert_long, name)
        getattr(auto, auto_class).register(BertLongConfig, model, exist_ok=True)
        model.register_for_auto_class(auto_class)
