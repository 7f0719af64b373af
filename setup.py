"""Packaging: version ranges for users; the versions that were tested are pinned in constraints.txt."""

from pathlib import Path

from setuptools import find_packages, setup

EXTRAS = {
    "wiki": ["daft>=0.7", "mwparserfromhell>=0.7,<0.8", "threadpoolctl>=3"],
    "cluster": ["ray>=2.40"],
    "demo": ["babel>=2.14"],
    "ir": ["ir-datasets>=0.5.7", "ir-measures>=0.4.1"],
    "export": ["onnx>=1.18", "onnxruntime>=1.20", "onnxscript>=0.5"],
    "app": ["gradio>=6.0"],
    "dev": [
        "build",
        "hypothesis>=6.100",
        "mteb>=2.0",
        "parameterized",
        "playwright>=1.48",
        "pytest>=8.0",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.5",
        "ruff>=0.9",
        "sentence-transformers>=5.0",
        "triton>=3.6; platform_system == 'Linux'",  # its interpreter runs the kernels without a GPU
    ],
}

setup(
    name="xlretrieval",
    version="0.1.0.dev0",
    description="Cross-lingual retrieval: pretrain, lengthen, fine-tune, evaluate and publish multilingual encoders",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["xlretrieval", "xlretrieval.*"]),
    package_data={"xlretrieval": ["py.typed", "hub/model_card.md", "hub/report_page.html"]},
    install_requires=[
        "accelerate>=1.10",
        "bm25s>=0.3",
        "datasets>=4.0",
        "evaluate>=0.4.3",
        "filelock>=3.12",
        "huggingface_hub>=1.0",
        "jinja2>=3.1",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pyarrow>=17",
        "pyyaml>=6",
        "regex>=2024.5",
        "rich>=13",
        "safetensors>=0.4",
        "scipy>=1.12",
        "sentencex>=1.0",
        "torch>=2.8",
        "transformers>=5.20",
        "usearch>=2.16",
    ],
    extras_require=EXTRAS | {"all": sorted({name for names in EXTRAS.values() for name in names})},
    entry_points={"console_scripts": ["xlretrieval = xlretrieval.cli.main:main"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
    ],
)
