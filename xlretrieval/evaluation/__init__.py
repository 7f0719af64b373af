"""Metrics: alignment, ranking, and reports of both."""
