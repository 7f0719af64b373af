"""Pickles: plain data comes back, and nothing else is even looked at."""

from __future__ import annotations

import collections
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlretrieval.data.importers import read_plain_pickle

per_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Dangerous:
    """Unpickling it with the ordinary unpickler makes a folder."""

    def __init__(self, folder: Path):
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"mkdir {self.folder}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_in_a_pickle_is_executed(tmp_path: Path, protocol: int) -> None:
    trap, path = tmp_path / "trap", tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"p": Dangerous(trap)}, protocol=protocol))
    with pytest.raises(ValueError) as error:
        read_plain_pickle(path)
    assert str(path) in str(error.value)
    assert not trap.exists()
    if protocol >= 2:
        assert "got the class 'posix.system'" in str(error.value)
    pickle.loads(path.read_bytes())
    assert trap.exists()


@pytest.mark.parametrize(
    "value, name",
    [
        (collections.OrderedDict(a=1), "'collections.OrderedDict'"),
        ({"n": {1, 2}}, "the instruction EMPTY_SET"),
        ({"n": b"bytes"}, "the instruction SHORT_BINBYTES"),
        (Path("x"), "'pathlib.PosixPath'"),
    ],
)
def test_classes_are_refused_by_name(tmp_path: Path, value: object, name: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=4))
    with pytest.raises(ValueError, match=name):
        read_plain_pickle(path)


def test_a_pickle_cannot_ask_for_memory(tmp_path: Path) -> None:
    """Lengths and memo indices of gigabytes, in a few bytes."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
    assert read_plain_pickle(path) == 1
    for content in (b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"a.", b"\x80\x04\x95" + b"\xff" * 7 + b"\x00."):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="got damaged data"):
            read_plain_pickle(path)


plain = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@per_example
@given(value=plain, protocol=st.integers(2, 5))
def test_plain_data_comes_back(tmp_path: Path, value: Any, protocol: int) -> None:
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    assert read_plain_pickle(tmp_path / "x.pkl") == value


@per_example
@given(st.binary() | st.builds(lambda value, cut: pickle.dumps(value)[:cut], plain, st.integers(0, 50)))
def test_random_pickles_are_plain_data_or_value_errors(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pkl").write_bytes(content)
    try:
        value = read_plain_pickle(tmp_path / "x.pkl")
    except ValueError as error:
        assert "x.pkl must be a pickle of dict, list, str and int only" in str(error)
    else:
        assert type(value) in (dict, list, str, int)
