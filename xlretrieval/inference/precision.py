"""The precision of weights for inference: bfloat16 where the processor multiplies it natively, else float32.

bfloat16 halves memory and, with native instructions, makes matrix products 2 to 4 times as fast; emulated it is slower
than float32. Scores keep 8 bits, so close documents may change places.
"""

from __future__ import annotations

import torch


def native_bf16(device: torch.device | str) -> bool:
    """Whether a device has instructions for products in bfloat16.

    CUDA from compute capability 8.0 on (Ampere), x86 processors with AVX512-BF16 or AMX. Others, and what an older
    torch cannot tell, count as without.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Not torch.ops.mkldnn._is_mkldnn_bf16_supported: it is true of AVX512 alone, where oneDNN emulates.
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in questions)


def inference_dtype(dtype: torch.dtype | str | None, device: torch.device | str) -> torch.dtype | None:
    """The dtype that `"auto"`, a name or a dtype stands for.

    Args:
        dtype: `"auto"` for bfloat16 where it is native and float32 elsewhere; a floating-point dtype or its name,
            such as "float32"; None to leave the checkpoint's.
        device: Where the model will run.

    Returns:
        The dtype; None for that of the checkpoint.

    Raises:
        ValueError: It is another word, or no floating-point dtype.
    """
    if dtype is None:
        return None
    if dtype == "auto":
        return torch.bfloat16 if native_bf16(device) else torch.float32
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(
            f"dtype must be auto, float32, bfloat16 or float16, got {dtype}. "
            "Choose one of them, or int8 for a reranker."
        )
    return found
