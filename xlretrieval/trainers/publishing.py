"""Publishing from a trainer: card and files are those of `xlretrieval push`.

What writes cards comes after the trainers on the road, so they cannot import it. The package itself, which stands
above all stations, names it once (`xlretrieval/__init__.py`); it is imported when a trainer first publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Publisher(Protocol):
    """What cards and pushes of trainers are made by."""

    def write_trainer_card(
        self, trainer: Any, licence: str | None, base_model: str | None, datasets: Sequence[str] | None
    ) -> None:
        """Writes the records of a training and the card into the trainer's output folder."""

    def push_trainer(self, trainer: Any, message: str, token: str | None, revision: str | None) -> str:
        """Publishes the output folder, and returns the address."""


_load: Callable[[], Publisher]


def set_publisher(load: Callable[[], Publisher]) -> None:
    """Names what publishes for all trainers.

    Args:
        load: Imports and returns it; called at every use.
    """
    global _load
    _load = load


class PublishingMixin:
    """To stand before `Trainer` among the bases of a class: its `push_to_hub` and `create_model_card`."""

    def create_model_card(
        self,
        *,
        license: str | None = None,
        finetuned_from: str | None = None,
        dataset: str | Sequence[str] | None = None,
        **others: Any,
    ) -> None:
        """Writes README.md of the output folder from the records of the training; one that is not ours is kept.

        Args:
            license: Of the weights, as the Hub names licences; apache-2.0 by default.
            finetuned_from: Hub id of the checkpoint that it all began with; by default as the records say.
            dataset: Hub ids of the data that it was trained on.
            **others: What the `Trainer` of transformers takes besides; the records know it, and it is not used.
        """
        if self.is_world_process_zero():
            datasets = [dataset] if isinstance(dataset, str) else dataset
            _load().write_trainer_card(self, license, finetuned_from, datasets)

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """Publishes the model in one commit, as `xlretrieval push` does: see `xlretrieval.hub.publish.push_model`.

        To be called on all processes; the first one publishes.

        Args:
            commit_message: Of the commit.
            blocking: Whether to wait for the end.
            token: Access token; by default that of the arguments, or of `hf auth login`.
            revision: Branch; by default that of the arguments, or main.
            private: Make a new repository private; by default as the arguments say.
            **kwargs: For `create_model_card`.

        Returns:
            Address of the repository, or a `Future` of it where `blocking` is false; None on other processes.

        Raises:
            ValueError: The model cannot be published.
            OSError: The Hub cannot be reached or refuses.
        """
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        token = self.args.hub_token if token is None else token
        if self.hub_model_id is None:
            self.init_hf_repo(token=token, private=private)
        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self.create_model_card(**kwargs)
        self._finish_current_push()
        revision = self.args.hub_revision if revision is None else revision
        options = (self, commit_message or "End of training", token, revision)
        if blocking:
            return _load().push_trainer(*options)
        from huggingface_hub import HfApi

        return HfApi().run_as_future(_load().push_trainer, *options)
