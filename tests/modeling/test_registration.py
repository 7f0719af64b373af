"""Importing the package makes the model type known to transformers, in whatever order the two are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

USE = """
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification
config = AutoConfig.for_model("bert-long", vocab_size=9, hidden_size=8, num_attention_heads=2, num_hidden_layers=1)
for auto in (AutoModel, AutoModelForSequenceClassification):
    print(type(auto.from_config(config)).__name__)
"""
ORDERS = {
    "before transformers": "import xlretrieval",
    "before a model that imports the Auto classes itself": "import xlretrieval; from transformers import BertModel",
    "after the Auto classes": "from transformers import AutoModel; import xlretrieval",
}


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_auto_classes(order):
    done = subprocess.run([sys.executable, "-c", f"{order}\n{USE}"], capture_output=True, text=True, timeout=120)
    assert done.stdout == "BertLongModel\nBertLongForXLRetrieval\n", done.stderr[-2000:]


def test_the_package_imports_neither_torch_nor_transformers():
    program = "import sys, xlretrieval, xlretrieval.cli.main; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr[-2000:]


def test_public_names_are_there():
    import xlretrieval

    for name in xlretrieval.__all__:
        assert getattr(xlretrieval, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Rerankr'"):
        _ = xlretrieval.Rerankr
