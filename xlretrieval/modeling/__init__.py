"""Configuration and models. Importing this package registers them with the Auto classes of transformers."""

from transformers import AutoConfig
from transformers.models import auto

from xlretrieval.modeling import modeling_bert_long
from xlretrieval.modeling.configuration_bert_long import BertLongConfig

AutoConfig.register(BertLongConfig.model_type, BertLongConfig, exist_ok=True)
BertLongConfig.register_for_auto_class()
for _auto_class, _model_class in modeling_bert_long.AUTO_CLASSES.items():
    _model = getattr(modeling_bert_long, _model_class)
    getattr(auto, _auto_class).register(BertLongConfig, _model, exist_ok=True)
    _model.register_for_auto_class(_auto_class)
