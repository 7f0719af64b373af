"""A Hugging Face Space that shows the page: its program, what it needs, and its front matter."""

from __future__ import annotations

import json
import pprint
import shutil
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from xlretrieval.inference.search import Index

from .settings import PageSettings

PROGRAM = '''"""Search across languages, on this page."""

from xlretrieval.cli.app.page import serve
from xlretrieval.cli.app.settings import PageSettings

serve(
    PageSettings(
{settings}
    )
)
'''
README = """---
title: {title}
emoji: 🔎
colorFrom: blue
colorTo: yellow
sdk: gradio
sdk_version: {gradio}
app_file: app.py
models: {models}
datasets: {datasets}
pinned: false
---

The query is in one language, the documents are in others.

{contents}

Made with `xlretrieval app --space`; `python app.py` starts the same page elsewhere.
"""


def write_space(settings: PageSettings, folder: Path) -> None:
    """Writes `app.py`, `requirements.txt`, `README.md`, and copies of the indexes that are folders.

    Args:
        settings: What the page shows.
        folder: An empty folder.

    Raises:
        ValueError: A reranker or the encoder is a folder of this machine, which a Space cannot read, or an index is
            damaged.
    """
    from xlretrieval import __version__

    encoder, local = settings.encoder, {}
    for name in settings.indexes:
        if not Path(name).is_dir():
            continue
        remembered = Index.open(name).manifest.model
        if encoder is None and Path(remembered).exists():
            raise ValueError(
                f"The encoder of a Space must be on the Hub, got the folder {remembered} for index {name}. Push it, "
                "and name it with --encoder."
            )
        local[name] = f"indexes/{Path(name).resolve().name}"
    for name in [*settings.rerankers, *filter(None, [encoder])]:
        if Path(name).exists():
            raise ValueError(
                f"A model of a Space must be on the Hub, got the folder {name}. Push it with `xlretrieval push`."
            )
    if len(set(local.values())) < len(local):
        raise ValueError(f"Indexes of a Space must have different names, got {', '.join(local)}. Rename one.")
    for name, place in local.items():
        shutil.copytree(name, folder / place, ignore=shutil.ignore_patterns(".*"))
    there = replace(settings, indexes=[local.get(name, name) for name in settings.indexes])
    arguments = "\n".join(
        f"        {name}={pprint.pformat(value, width=100)}," for name, value in asdict(there).items()
    )
    (folder / "app.py").write_text(PROGRAM.format(settings=arguments), encoding="utf-8")
    requirements = f"--extra-index-url https://download.pytorch.org/whl/cpu\nxlretrieval[app]>={__version__}\n"
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    (folder / "README.md").write_text(_readme(there, list(local.values())), encoding="utf-8")


def _readme(settings: PageSettings, copied: list[str]) -> str:
    try:
        gradio = version("gradio")
    except PackageNotFoundError:
        raise ValueError(
            'A Space needs gradio, which is not installed. Install it with `pip install "xlretrieval[app]"`.'
        ) from None
    contents = [f"- index `{name}`" for name in settings.indexes]
    contents += [f"- reranker `{name}`" for name in settings.rerankers]
    return README.format(
        title="Cross-lingual search",
        gradio=gradio,
        models=json.dumps(sorted({*settings.rerankers, *filter(None, [settings.encoder])})),
        datasets=json.dumps(sorted(set(settings.indexes) - set(copied))),
        contents="\n".join(contents),
    )
