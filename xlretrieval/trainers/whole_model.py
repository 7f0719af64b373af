"""A model with whole parameters, of one whose parameters FSDP keeps in shards."""

from __future__ import annotations

import torch
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel


def whole_model(model: PreTrainedModel, model_class: type[PreTrainedModel]) -> PreTrainedModel:
    """A model for forward passes that differ between processes, which sharded parameters do not allow.

    All processes call it, as they gather the parameters from each other.

    Args:
        model: Returned as it is where its parameters are not in shards.
        model_class: Its class before they were.

    Returns:
        On every process a copy, without gradients and on the model's device.
    """
    if not any(isinstance(parameter, DTensor) for parameter in model.parameters()):
        return model
    weights = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True))
    with torch.random.fork_rng():  # what is drawn here is overwritten, and training goes on as without it
        whole = model_class(model.config)
    whole.load_state_dict(weights)
    return whole.to(model.device).requires_grad_(False)
