"""Rerankers as ONNX files: written from a checkpoint, checked against it, and run in onnxruntime."""
