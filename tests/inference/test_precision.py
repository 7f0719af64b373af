"""Which precision weights are loaded in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xlretrieval.inference import precision
from xlretrieval.inference.precision import inference_dtype, native_bf16
from xlretrieval.inference.reranker import Reranker


def test_auto_is_bfloat16_where_it_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    for native, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(precision, "native_bf16", lambda device, native=native: native)
        assert inference_dtype("auto", "cpu") == expected
    assert inference_dtype(None, "cpu") is None
    assert inference_dtype("float16", "cpu") == inference_dtype(torch.float16, "cpu") == torch.float16
    for wrong in ("fp32", "int8", "nn", torch.int8):
        with pytest.raises(ValueError, match="dtype must be auto, float32, bfloat16 or float16, got"):
            inference_dtype(wrong, "cpu")


@pytest.mark.parametrize(
    ("names", "native"), [((), False), (("_is_avx512_bf16_supported",), True), (("_is_amx_tile_supported",), True)]
)
def test_processors_with_instructions_for_it(names, native, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in names, raising=False)
    assert native_bf16("cpu") == native
    # A torch that cannot tell.
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name)
    assert not native_bf16(torch.device("cpu")) and not native_bf16("mps")


@pytest.mark.parametrize(("capability", "native"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_cuda_from_ampere_on(capability, native, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert native_bf16("cuda:1") == native


def test_rerankers_are_loaded_in_it(long_checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [("a cat", "the quick brown fox"), ("zebra", "dog"), ("fox", "jumps over the lazy dog")]
    plain = Reranker.from_pretrained(long_checkpoint, device="cpu")
    assert plain.model.dtype == torch.float32
    monkeypatch.setattr(precision, "native_bf16", lambda device: True)
    auto = Reranker.from_pretrained(long_checkpoint, dtype="auto", device="cpu")
    assert auto.model.dtype == torch.bfloat16
    scores = auto.score(pairs)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, plain.score(pairs), atol=0.05)
    # The checkpoint's own, where nothing is asked for.
    auto.model.save_pretrained(folder := long_checkpoint.parent / "half")
    auto.collator.tokenizer.save_pretrained(folder)
    assert Reranker.from_pretrained(folder, device="cpu").model.dtype == torch.bfloat16
    assert Reranker.from_pretrained(folder, "float32", device="cpu").model.dtype == torch.float32
