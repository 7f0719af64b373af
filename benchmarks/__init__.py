"""Measurements, one question a module. Each compares sides in one run and writes benchmarks/results/<name>.json."""
