"""Configurations in YAML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlretrieval.cli.configuration import load_yaml


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(
        FileNotFoundError, match=r"^The configuration must be a YAML file, got .*none\.yaml, which is not"
    ):
        load_yaml(tmp_path / "none.yaml")
