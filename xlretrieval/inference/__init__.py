"""Embeddings of texts, scores of pairs, and rankings by them."""
