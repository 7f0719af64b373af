"""The rules of ARCHITECTURE.md that a reader should be able to rely on, checked on the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import xlretrieval

PACKAGE = Path(xlretrieval.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# A station imports from itself and from those before it.
STATIONS = ("modeling", "data", "inference", "evaluation", "trainers", "hub", "cli")
# Copied beside the weights for `trust_remote_code`, where there is no package around them.
COPIED = (
    "configuration_bert_long",
    "attention",
    "heads",
    "modeling_bert_long",
    "fused_attention",
    "attention_kernels",
    "fused_layer",
    "fused_linear",
    "layer_kernels",
    "packed_attention",
    "rows",
    "tiled_attention",
)
LONGEST = 400
LONGER = {
    "modeling/modeling_bert_long.py": "one of the copied files, which reads top to bottom",
}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, module and name of every import of ours, inside functions and for type checkers too."""
    package = ("xlretrieval", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            found = [(module, alias.name) for alias in node.names]
        else:
            continue
        for module, imported in found:
            if module.split(".")[0] == "xlretrieval":
                yield node.lineno, module, imported


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != PACKAGE], ids=name)
def test_imports_point_one_way(path: Path) -> None:
    own = STATIONS.index(path.relative_to(PACKAGE).parts[0])
    for line, module, imported in imports(path):
        parts = [*module.split("."), imported][1:]
        if parts == ["__version__"]:
            continue
        assert parts[0] in STATIONS, f"{name(path)}, line {line}: import {imported} from the module that defines it"
        station = STATIONS.index(parts[0])
        assert station <= own, f"{name(path)}, line {line}: {STATIONS[own]} must not import {parts[0]}"


def test_every_folder_is_a_station() -> None:
    assert {path.relative_to(PACKAGE).parts[0] for path in FILES if path.parent != PACKAGE} <= set(STATIONS)


@pytest.mark.parametrize("module", COPIED)
def test_copied_files_import_only_each_other(module: str) -> None:
    source = (PACKAGE / "modeling" / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert (node.level, node.module in COPIED) == (1, True), f"line {node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            assert "xlretrieval" not in ast.unparse(node), f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{name(path)} must have a docstring"
    assert path.stem not in ("utils", "helpers", "common"), f"{name(path)} must be named after its subject"


def test_files_stay_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path for path, length in lengths.items() if length > LONGEST} == set(LONGER)


@pytest.mark.parametrize(
    "program",
    [
        "import xlretrieval",
        "import sys; sys.argv = ['xlretrieval', '--help']; import runpy\n"
        "try: runpy.run_module('xlretrieval', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code",
    ],
    ids=["import", "help"],
)
def test_the_command_answers_at_once(program: str) -> None:
    """Torch and transformers take seconds to import."""
    # What sys.exit is given ends on standard error.
    program += "\nimport sys; sys.exit(', '.join({'torch', 'transformers'} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
