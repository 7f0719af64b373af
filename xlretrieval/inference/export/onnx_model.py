"""An exported graph in the place of a model, so that a `Reranker` scores with it as with any other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig

from xlretrieval.inference.reranker import Reranker
from xlretrieval.modeling.heads import XLRetrievalOutput

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

GRAPH, INT8_GRAPH, RECORD = "model.onnx", "model_int8.onnx", "export.json"
INSTALL = 'Install it with `pip install "xlretrieval[export]"`.'


@dataclass(frozen=True)
class ExportRecord:
    """What `export.json` says of a folder.

    Attributes:
        model: The checkpoint that was exported.
        opset: Version of the ONNX operators.
        inputs: Names of the graph's inputs, int64 `(batch, length)` each.
        output: Name of the output, float32 `(batch, 1)`; higher is more relevant.
        longest_input: Most tokens of a row, special ones included.
        max_global_tokens: Of the long encoder, most tokens up to and including the first separator; a row with more
            scores NaN.
        parity: A `LengthParity` per length, of random pairs.
        int8: The same for the quantised graph; None without one.
        versions: Of the libraries that wrote it.
    """

    model: str
    opset: int
    inputs: list[str]
    output: str
    longest_input: int
    max_global_tokens: int | None
    parity: list[dict[str, float]]
    int8: list[dict[str, float]] | None
    versions: dict[str, str]

    @classmethod
    def read(cls, folder: str | Path) -> ExportRecord:
        """Reads it.

        Raises:
            ValueError: `folder` holds no export.
        """
        path = Path(folder) / RECORD
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(
                f"{folder} must be a folder that `xlretrieval export` wrote, got no readable {RECORD} ({error}). "
                "Export the model again."
            ) from None


def check_query_length(max_query_length: int, max_global_tokens: int | None) -> None:
    """Raises ValueError when queries may need more slots for global tokens than a graph has."""
    # The first token and the separator after the query are global too.
    if max_global_tokens is not None and max_query_length + 2 > max_global_tokens:
        raise ValueError(
            f"max_query_length must be at most {max_global_tokens - 2} in an exported graph with {max_global_tokens} "
            f"slots for global tokens, got {max_query_length}. Lower it, or raise max_global_tokens in config.json "
            "and export again."
        )


def open_session(path: Path, threads: int | None = None) -> InferenceSession:
    """Opens a graph in onnxruntime, on the CPU.

    Args:
        path: The file.
        threads: For one call; torch's number by default.

    Raises:
        ValueError: onnxruntime is not installed, or the file is damaged.
        OSError: There is no such file.
    """
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors
    except ImportError:
        raise ValueError(f"Running an exported model needs onnxruntime, which is not installed. {INSTALL}") from None
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} must hold {path.name}, got none. Export the model again.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3  # errors: its warnings are about nodes that it chose not to fuse
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except (errors.InvalidProtobuf, errors.InvalidGraph, errors.Fail) as error:
        raise ValueError(f"{path} must be a whole ONNX file, got {error}. Export the model again.") from None


class OnnxModel(nn.Module):
    """Scores batches with an exported graph; called like the model it was made of.

    Args:
        session: The graph.
        config: The model's configuration.

    Attributes:
        config: As given.
        device: The CPU.
    """

    def __init__(self, session: InferenceSession, config: PreTrainedConfig):
        super().__init__()
        self.session, self.config = session, config
        self.names = [value.name for value in session.get_inputs()]
        self.device = torch.device("cpu")

    def forward(self, **inputs: torch.Tensor) -> XLRetrievalOutput:
        """Scores a batch.

        Args:
            **inputs: What the graph takes, int64 `(batch, length)` on the CPU; `global_attention_mask` changes
                nothing, as the graph derives the same from the ids.

        Returns:
            An output whose `logits` are float32 `(batch, 1)`.
        """
        feed: dict[str, Any] = {name: inputs[name].numpy() for name in self.names}
        return XLRetrievalOutput(logits=torch.from_numpy(self.session.run(None, feed)[0]))


def load_exported(
    folder: str | Path, int8: bool = False, threads: int | None = None, max_query_length: int | None = None
) -> Reranker:
    """Opens a folder that `xlretrieval export` wrote, as a reranker that runs in onnxruntime on the CPU.

    Args:
        folder: The folder.
        int8: Whether to take the quantised graph.
        threads: For one call; torch's number by default.
        max_query_length: As for `Reranker`.

    Raises:
        ValueError: It is no such folder, a file in it is damaged, onnxruntime is not installed, or `max_query_length`
            needs more slots for global tokens than the graph has.
        OSError: It has no such graph, or no tokenizer.

    Example:
        >>> reranker = load_exported("exported", int8=True)  # doctest: +SKIP
        >>> reranker.rank("capital of France", ["Berlin ist ...", "Paris ist die Hauptstadt ..."])  # doctest: +SKIP
        [(1, 3.2), (0, -4.1)]
    """
    record = ExportRecord.read(folder)
    session = open_session(Path(folder) / (INT8_GRAPH if int8 else GRAPH), threads)
    model = OnnxModel(session, AutoConfig.from_pretrained(folder))
    reranker = Reranker(model, AutoTokenizer.from_pretrained(folder), max_query_length)
    check_query_length(reranker.collator.max_query_length, record.max_global_tokens)
    return reranker
