"""What a corpus is, what a training step contains, what a batch is. Uses tokenizers, never a model."""
