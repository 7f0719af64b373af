"""Imports the tests that transformers runs on each of its own models, in the installed version.

They are not in the wheel, only in the source distribution. `pip` downloads that once, and two files of it are kept in
`.cache/transformers-<version>/`. What these two import from folders that are not distributed is replaced by stubs.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType

import transformers
from filelock import FileLock

CACHE = Path(__file__).resolve().parents[2] / ".cache" / f"transformers-{transformers.__version__}"
PACKAGE = "transformers_tests"
FILES = ("test_modeling_common.py", "test_configuration_common.py")
# Settings that every configuration must keep as given, none of them a default.
CONFIGURATION_SETTINGS = {
    "return_dict": False,
    "output_hidden_states": True,
    "dtype": "float16",
    "chunk_size_feed_forward": 5,
    "architectures": ["BertModel"],
    "id2label": {0: "label", 1: "other"},
    "label2id": {"label": 0, "other": 1},
    "problem_type": "regression",
}
STUBS = {
    "exporters.test_export": {"ExportTesterMixin": type("ExportTesterMixin", (), {})},
    "generation.test_utils": {"GenerationTesterMixin": type("GenerationTesterMixin", (), {})},
    "utils.test_configuration_utils": {"config_common_kwargs": CONFIGURATION_SETTINGS},
}


def fetch() -> None:
    """Downloads the source distribution unless its tests are there already.

    Raises:
        OSError: When it cannot be had, offline for example.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    package = CACHE / PACKAGE
    with FileLock(CACHE / "lock"), tempfile.TemporaryDirectory(dir=CACHE) as folder:
        if package.is_dir():
            return
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--retries", "1", "--timeout", "15", "--no-deps", "--no-binary", "transformers"]
        command += ["--no-build-isolation", "--dest", folder, f"transformers=={transformers.__version__}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired as error:
            raise OSError("pip download took more than 180 seconds") from error
        if done.returncode:
            raise OSError((done.stderr.strip().splitlines() or ["pip download failed"])[-1])
        unpacked = Path(folder) / PACKAGE
        unpacked.mkdir()
        (unpacked / "__init__.py").touch()
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
            for name in FILES:
                source = archive.extractfile(f"transformers-{transformers.__version__}/tests/{name}")
                with source, (unpacked / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
        unpacked.rename(package)


def load() -> tuple[type, type]:
    """`ModelTesterMixin` and `ConfigTester` of transformers' tests.

    Raises:
        OSError: When they cannot be downloaded.
    """
    fetch()
    for name, attributes in STUBS.items():
        stub = sys.modules.setdefault(f"{PACKAGE}.{name}", ModuleType(f"{PACKAGE}.{name}"))
        vars(stub).update(attributes)
    if str(CACHE) not in sys.path:
        sys.path.insert(0, str(CACHE))
    modeling, configuration = (importlib.import_module(f"{PACKAGE}.{name.removesuffix('.py')}") for name in FILES)
    return modeling.ModelTesterMixin, configuration.ConfigTester
