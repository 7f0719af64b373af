"""What makes two encoders the same, read from the loaded model: vectors of another model are not comparable.

Not from files: a checkpoint that was moved, sharded anew or loaded from the Hub is the same model. Sixteen weights of
every tensor are enough, as training changes all of the tensors it trains; they cost a few milliseconds. They are taken
as bfloat16, so that a float32 checkpoint is the same model when it is loaded as bfloat16.
"""

from __future__ import annotations

import hashlib
import json

import torch

from xlretrieval.data.tokenization import token_ids
from xlretrieval.inference.encoder import Encoder

# What changes the vectors without changing the weights.
_CONFIGURATION = "model_type num_attention_heads hidden_act attention_window max_position_embeddings".split()
_PROBE = "The house, das Haus, la maison; 1984 дом 房子 บ้าน घर"
_VALUES_PER_TENSOR = 16


def fingerprint(encoder: Encoder) -> str:
    """32 hexadecimal digits; the pooler does not count, as vectors are not made of it."""
    config = encoder.model.config.to_dict()
    described = {name: config.get(name) for name in _CONFIGURATION}
    described["vocabulary"] = len(encoder.tokenizer)
    described["probe"] = token_ids(encoder.tokenizer, [_PROBE])[0]
    digest = hashlib.blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=16)
    for name, tensor in sorted(encoder.model.state_dict().items()):
        if name.startswith("pooler.") or not tensor.is_floating_point():
            continue
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        values = tensor.reshape(-1)
        count = min(_VALUES_PER_TENSOR, len(values))
        # In integers: float32 cannot tell the last weights of 92 million apart.
        places = torch.arange(count) * (len(values) - 1) // max(count - 1, 1)
        chosen = values[places.to(values.device)].to(torch.bfloat16).cpu()
        digest.update(chosen.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()
