"""Weights as 8-bit integers, activations quantised as they come: a third of the time on CPUs with VNNI instructions.

Only products with a weight matrix are quantised, one scale per output column. Embeddings, the softmax and norms stay
float32, and so do the pooler and the head (`Gemm` in the graph): they are a thousandth of the work, and a score is
their output. Activations are scaled by the largest of their batch, so a score depends on its batch a little.
"""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory


def write_int8_graph(graph: Path, path: Path) -> None:
    """Writes a quantised copy of a graph, with its weights beside it when `graph` has them so.

    Args:
        graph: An exported graph, float32.
        path: The new file.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(graph)
    # Transposed weights would contradict the shapes that the exporter noted for them.
    weights = {weight.name for weight in model.graph.initializer}
    kept = [value for value in model.graph.value_info if value.name not in weights]
    del model.graph.value_info[:]
    model.graph.value_info.extend(kept)
    large = graph.with_name(f"{graph.name}.data").exists()
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it advises a preprocessing that the exporter has done
    try:
        with TemporaryDirectory(dir=path.parent) as folder:
            prepared = Path(folder) / graph.name
            onnx.save(model, prepared, save_as_external_data=large)
            quantize_dynamic(
                prepared,
                path,
                op_types_to_quantize=["MatMul"],
                per_channel=True,
                # 7 bits: without VNNI a processor adds two products in 16 bits and cuts off what is over.
                reduce_range=True,
                weight_type=QuantType.QInt8,
                use_external_data_format=large,
            )
    finally:
        logger.setLevel(level)
