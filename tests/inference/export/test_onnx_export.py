"""Exported rerankers score like their checkpoints, at every length, in onnxruntime."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoTokenizer

from xlretrieval.inference.export import onnx_export
from xlretrieval.inference.export.onnx_export import export_reranker
from xlretrieval.inference.export.onnx_model import load_exported
from xlretrieval.inference.reranker import Reranker

GERMAN = "stadt fluss haus wasser berg geschichte sprache land leute musik".split()
ENGLISH = "city river house water mountain history language country people music".split()

LONG_QUERY = " ".join(ENGLISH * 13)  # 130 tokens


def pairs(*lengths: int, specials: int = 3) -> list[tuple[str, str]]:
    """Pairs of so many tokens with the special ones: every word is a token, queries have five."""
    rng = np.random.default_rng(3)
    return [
        (" ".join(rng.choice(ENGLISH, 5)), " ".join(rng.choice(GERMAN, length - 5 - specials))) for length in lengths
    ]


def largest_difference(checkpoint: Path, folder: Path, texts: list[tuple[str, str]]) -> float:
    wanted = Reranker.from_pretrained(str(checkpoint)).score(texts)
    assert wanted.std() > 0.1
    return float(np.abs(load_exported(folder).score(texts) - wanted).max())


def test_the_long_encoder_scores_alike_at_every_length(long_reranker: Path, exported: Path):
    texts = pairs(9, 16, 17, 63, 64, 65, 128, 129, 500, 2000, 2048)
    assert largest_difference(long_reranker, exported, texts) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "modernbert"])
def test_native_encoders_score_alike_at_every_length(
    model_type: str, make_reranker: Callable[[str], Path], tmp_path: Path
):
    checkpoint = make_reranker(model_type)
    record = export_reranker(str(checkpoint), tmp_path)
    lengths = (16, 500, 2000) if model_type == "modernbert" else (16, 500, 512)
    assert [figures["length"] for figures in record.parity if figures["length"] in lengths] == list(lengths)
    assert record.max_global_tokens is None
    specials = 4 if model_type == "xlm-roberta" else 3
    assert largest_difference(checkpoint, tmp_path, pairs(9, 40, *lengths, specials=specials)) < 1e-4


def test_the_graph_takes_what_the_tokenizer_gives(long_reranker: Path, exported: Path):
    """Nothing of this package is needed to run it."""
    queries, documents = zip(*pairs(30, 16, 300), strict=True)
    inputs = AutoTokenizer.from_pretrained(exported)(queries, documents, padding=True, return_tensors="np")
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    (scores,) = session.run(["logits"], dict(inputs))
    wanted = Reranker.from_pretrained(str(long_reranker)).score(list(zip(queries, documents, strict=True)))
    np.testing.assert_allclose(scores[:, 0], wanted, atol=1e-4)


def test_quantised_weights_keep_the_ranking(long_reranker: Path, exported: Path):
    texts = pairs(*range(20, 60))
    wanted = Reranker.from_pretrained(str(long_reranker)).score(texts)
    got = load_exported(exported, int8=True).score(texts)
    assert 0 < np.abs(got - wanted).max() < wanted.std() / 2
    assert np.corrcoef(got, wanted)[0, 1] > 0.99
    sizes = [(exported / name).stat().st_size for name in ("model.onnx", "model_int8.onnx")]
    assert sizes[1] < sizes[0]


def test_the_record_says_what_the_graph_takes_and_how_near_it_is(long_reranker: Path, exported: Path):
    record = json.loads((exported / "export.json").read_text())
    assert record["model"] == str(long_reranker)
    assert record["inputs"] == ["input_ids", "attention_mask", "token_type_ids"]
    assert (record["output"], record["longest_input"], record["max_global_tokens"]) == ("logits", 2048, 128)
    assert [figures["length"] for figures in record["parity"]] == [16, 128, 500, 2000]
    assert max(figures["largest_difference"] for figures in record["parity"]) < 1e-4
    assert min(figures["largest_difference"] for figures in record["int8"]) > 1e-4
    assert set(record["versions"]) == {"xlretrieval", "torch", "transformers", "onnx", "onnxruntime", "onnxscript"}


def test_a_query_that_needs_more_slots_than_the_graph_has_is_an_error(long_reranker: Path, exported: Path):
    with pytest.raises(ValueError, match="max_query_length must be at most 126 .* got 127"):
        load_exported(exported, max_query_length=127)
    wanted = Reranker.from_pretrained(str(long_reranker), max_query_length=126).score([(LONG_QUERY, "stadt")])
    assert load_exported(exported, max_query_length=126).score([(LONG_QUERY, "stadt")]) == pytest.approx(
        wanted, abs=1e-4
    )
    # Without this package there is nobody to say so, but no wrong score either.
    inputs = AutoTokenizer.from_pretrained(exported)([LONG_QUERY, "city"], ["stadt", "stadt"], padding=True)
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    (scores,) = session.run(["logits"], {name: np.array(inputs[name]) for name in inputs})
    assert np.isnan(scores[:, 0]).tolist() == [True, False]


def test_a_graph_that_scores_otherwise_is_refused(
    long_reranker: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def write_graph(model: torch.nn.Module, sample: dict, path: Path) -> list[str]:
        shutil.copy(exported / "model.onnx", path)
        model.classifier.bias.data += 2e-4
        return ["input_ids", "attention_mask", "token_type_ids"]

    monkeypatch.setattr(onnx_export, "write_graph", write_graph)
    with pytest.raises(ValueError, match="must give the model's scores to 0.0001, got a difference of 0.000"):
        export_reranker(str(long_reranker), tmp_path)
    with pytest.raises(ValueError, match="must be a folder that `xlretrieval export` wrote"):
        load_exported(tmp_path)


def test_a_damaged_export_is_named(exported: Path, tmp_path: Path):
    folder = shutil.copytree(exported, tmp_path / "copy")
    (folder / "model.onnx").write_bytes((exported / "model.onnx").read_bytes()[:5000])
    with pytest.raises(ValueError, match="model.onnx must be a whole ONNX file"):
        load_exported(folder)
    (folder / "model_int8.onnx").unlink()
    with pytest.raises(OSError, match="must hold model_int8.onnx"):
        load_exported(folder, int8=True)
    (folder / "export.json").write_text("{}")
    with pytest.raises(ValueError, match="got no readable export.json"):
        load_exported(folder)


def test_a_missing_package_is_named(long_reranker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    find = onnx_export.importlib.util.find_spec
    monkeypatch.setattr(
        onnx_export.importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name)
    )
    with pytest.raises(ValueError, match=r"got no onnxscript. Install it with `pip install \"xlretrieval\[export\]\""):
        export_reranker(str(long_reranker), tmp_path)
