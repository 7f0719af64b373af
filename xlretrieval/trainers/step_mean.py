"""The loss of a step as a mean over the whole step, however it is cut into batches and processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import Any

import torch
from accelerate.utils import DynamoBackend
from torch.utils.data import Sampler

from xlretrieval.modeling.compilation import compile_layers, has_long_layers
from xlretrieval.modeling.cpu_linear import fast_linear
from xlretrieval.modeling.cpu_memory import kept_memory


class StepMeanMixin(ABC):
    """To stand before `Trainer` among the bases of a class that says what it counts and sums.

    Attributes:
        step_sampler: The sampler of training: what a step contains follows from its number.
    """

    step_sampler: Sampler

    @abstractmethod
    def _count_items(self, batch: dict[str, torch.Tensor]) -> torch.Tensor | int:
        """What the loss of a batch is a sum over: masked tokens, groups, windows."""

    @abstractmethod
    def _summed_loss(self, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, Any]:
        """The sum of the losses of a batch's items, and the outputs of the model."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler:
        return self.step_sampler

    def _get_num_items_in_batch(self, batch_samples: list[dict], device: torch.device) -> torch.Tensor:
        """Items of the whole optimizer step, over accumulated batches and processes; 1 where there is none.

        A step without an item, as of queries of which no token can be masked, has a loss of zero and not 0 / 0.
        """
        items = torch.as_tensor(sum(self._count_items(batch) for batch in batch_samples), device=device)
        if self.args.world_size > 1:
            items = self.accelerator.gather(items.reshape(1)).sum()
        return items.clamp(min=1)

    def create_accelerator_and_postprocess(self) -> None:
        """As in `Trainer`; but with `torch_compile` a long encoder is compiled layer by layer, see `compilation.py`.

        As a whole it would have to compute the padding of every batch.
        """
        super().create_accelerator_and_postprocess()
        if self.args.torch_compile and has_long_layers(self.model):
            compile_layers(self.model, self.args.torch_compile_backend)
            self.accelerator.state.dynamo_plugin.backend = DynamoBackend.NO

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """As in `Trainer`; on a CPU what is freed stays for the next step, see `kept_memory`."""
        with kept_memory(self.model):
            return super().train(*args, **kwargs)

    def training_step(self, model: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As in `Trainer`, with fast linear layers on a CPU; a compiled model has kernels of its own."""
        with nullcontext() if self.args.torch_compile else fast_linear(model):
            return super().training_step(model, *args, **kwargs)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """Share of the step's mean loss that this batch contributes, times the number of processes.

        Distributed training averages gradients over processes; the factor makes that average the step's mean.
        """
        items = max(1, self._count_items(inputs)) if num_items_in_batch is None else num_items_in_batch
        total, outputs = self._summed_loss(model, inputs)
        loss = total / items * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss
