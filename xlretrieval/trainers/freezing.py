"""Which parameters fine-tuning moves: the upper layers and the head, as the paper's protocol has it.

Found by the shape of an encoder and not by names, so that it holds for every one that transformers loads: its layers
are the module lists as long as its configuration says (XLM has four of them), and its embeddings stand before them.
"""

from __future__ import annotations

import torch
from torch import nn
from transformers import PreTrainedModel

TOP_LAYERS = 3  # that the paper's protocol trains, of 12


def freeze_lower(model: PreTrainedModel, freeze_layers: int | None = None) -> int:
    """Freezes the embeddings and the lower layers, and whatever does not reach the score (an MLM head).

    Args:
        model: With one logit.
        freeze_layers: How many layers, from below; by default all but the top three, at least none. 0 freezes the
            embeddings alone, -1 nothing but what does not reach the score.

    Returns:
        Number of layers that are frozen; -1 when the embeddings are not.

    Raises:
        ValueError: The model has fewer layers, or none that can be found.
    """
    number = model.config.num_hidden_layers
    chosen = max(0, number - TOP_LAYERS) if freeze_layers is None else freeze_layers
    if not -1 <= chosen <= number:
        raise ValueError(
            f"freeze_layers must be between -1 and the {number} layers of the model, got {chosen}. Lower it."
        )
    if chosen >= 0:
        for module in _embeddings(model.base_model):
            module.requires_grad_(False)
        for layers in _layers(model.base_model, number) if chosen else ():
            layers[:chosen].requires_grad_(False)
    _freeze_unreached(model)
    return chosen


def _embeddings(encoder: nn.Module) -> list[nn.Module]:
    found = [module for name, module in encoder.named_children() if "emb" in name.lower()]
    found.append(encoder.get_input_embeddings())
    return found


def _layers(encoder: nn.Module, number: int) -> list[nn.ModuleList]:
    found = [module for module in encoder.modules() if isinstance(module, nn.ModuleList) and len(module) == number]
    if not found:
        raise ValueError(
            f"The layers of {type(encoder).__name__} must be a list of {number} modules to be frozen, got none. "
            "Set freeze_layers to 0 or -1."
        )
    return found


def _freeze_unreached(model: PreTrainedModel) -> None:
    """Freezes parameters without a gradient, which DistributedDataParallel would wait for.

    They are found by one backward pass of a few tokens, in evaluation mode, which draws no random number. The model
    may not be on its device yet, and flex_attention has no gradient on a processor.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    training, attention = model.training, model.config._attn_implementation
    model.eval()
    if attention == "flex_attention":
        model.set_attn_implementation("sdpa")
    ids = torch.ones(1, 8, dtype=torch.long, device=model.device)
    with torch.enable_grad():
        score = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.sum()
    gradients = torch.autograd.grad(score, trainable, allow_unused=True)
    model.train(training)
    if attention == "flex_attention":
        model.set_attn_implementation(attention)
    for parameter, gradient in zip(trainable, gradients, strict=True):
        parameter.requires_grad_(gradient is not None)
