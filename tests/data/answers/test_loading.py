"""MLQA and XQuAD by configuration: from folders, zips and Parquet, here and on the Hub; and the real files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from xlretrieval.data.answers.loading import (
    MLQA_CONFIGS,
    QuestionConfig,
    available_configs,
    load_question_sets,
    load_questions,
)

# Of MLQA dev: context, question -> number of questions.
DEV_COUNTS = {
    ("en", "en"): 1148,
    ("en", "de"): 512,
    ("en", "es"): 500,
    ("de", "en"): 512,
    ("de", "de"): 512,
    ("de", "es"): 196,
    ("es", "en"): 500,
    ("es", "de"): 196,
    ("es", "es"): 500,
}


def test_mlqa_of_a_folder(mlqa_folder: Path) -> None:
    questions = load_questions(mlqa_folder, "mlqa.zh.de")
    assert [(row.id, row.question, row.answers) for row in questions.questions] == [
        ("q0", "Wie lang?", ("1230公里",)),
        ("q1", "Wo?", ("阿尔卑斯山",)),
    ]
    assert (questions.name, questions.context_language, questions.question_language) == ("zh-de", "zh", "de")
    assert len(load_questions(mlqa_folder, "mlqa.zh.zh", "dev").questions) == 2  # gzipped
    assert load_questions(mlqa_folder, "mlqa.en.de", "test").questions[0].question == "Wie lang?"


def test_configurations(mlqa_folder: Path, xquad_folder: Path) -> None:
    assert (len(MLQA_CONFIGS), len(set(MLQA_CONFIGS))) == (49, 49)
    names = [f"{context}.{question}" for context in ("de", "en", "zh") for question in ("de", "en", "zh")]
    assert available_configs(mlqa_folder) == [f"mlqa.{name}" for name in names]
    assert available_configs(mlqa_folder, "test") == ["mlqa.en.de"]
    assert available_configs(xquad_folder) == [f"xquad.{name}" for name in names]
    assert QuestionConfig.parse("xquad.de") == QuestionConfig("xquad", "de", "de")


def test_a_zip_is_as_good_as_its_folder(mlqa_folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "MLQA_V1.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(mlqa_folder.rglob("*.json*")):
            archive.write(path, path.relative_to(tmp_path))
            archive.writestr(f"__MACOSX/{path.relative_to(tmp_path).parent}/._{path.name}", b"\0")
    assert available_configs(tmp_path / "MLQA_V1.zip") == available_configs(mlqa_folder)
    for config in ("mlqa.de.en", "mlqa.zh.zh"):
        assert load_questions(tmp_path / "MLQA_V1.zip", config) == load_questions(mlqa_folder, config)


def test_xquad_of_any_pair(xquad_folder: Path) -> None:
    questions = load_questions(xquad_folder, "xquad.zh.de")
    assert [(row.question, row.answers, row.starts) for row in questions.questions] == [
        ("Wie lang?", ("1230公里",), (4,)),
        ("Wo?", ("阿尔卑斯山",), (14,)),
    ]
    assert load_questions(xquad_folder, "xquad.de.de") == load_questions(xquad_folder, "xquad.de")


def test_xquad_files_that_do_not_belong_together(xquad_folder: Path) -> None:
    path = xquad_folder / "xquad.de.json"
    path.write_text(path.read_text().replace('"q1"', '"q9"'))
    with pytest.raises(ValueError, match="question 'q1' must be in both languages, got it only in en"):
        load_questions(xquad_folder, "xquad.en.de")
    dropped = load_questions(xquad_folder, "xquad.en.de", on_problem="drop")
    assert list(dropped.references) == ["q0"]
    assert [line.split(" must")[0] for line in dropped.problems] == ["XQuAD: question 'q1'", "XQuAD: question 'q9'"]


def write_parquet(folder: Path, mlqa_folder: Path, spoilt: bool = False) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "context": row.context,
            "question": row.question,
            "answers": {"answer_start": [start + spoilt for start in row.starts], "text": list(row.answers)},
            "id": row.id,
        }
        for row in load_questions(mlqa_folder, "mlqa.de.en").questions
    ]
    (folder / "mlqa.de.en").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows[:1]), folder / "mlqa.de.en" / "validation-00000-of-00002.parquet")
    pq.write_table(pa.Table.from_pylist(rows[1:]), folder / "mlqa.de.en" / "validation-00001-of-00002.parquet")
    return folder


def test_parquet(mlqa_folder: Path, tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "hub", mlqa_folder)
    assert available_configs(folder) == ["mlqa.de.en"]
    of_json, of_parquet = (load_questions(source, "mlqa.de.en") for source in (mlqa_folder, folder))
    assert [(row.id, row.answers, row.starts) for row in of_parquet.questions] == [
        (row.id, row.answers, row.starts) for row in of_json.questions
    ]
    with pytest.raises(ValueError, match=r"question 1 \(id 'q0'\): the context must have the answer '1230 km' at 15"):
        load_questions(write_parquet(tmp_path / "spoilt", mlqa_folder, spoilt=True), "mlqa.de.en")


@pytest.mark.parametrize(
    ("config", "split", "error", "message"),
    [
        (
            "mlqa.de.fr",
            "validation",
            FileNotFoundError,
            "must be a file dev-context-de-question-fr.json, got dev-cont",
        ),
        ("mlqa.de", "validation", ValueError, "must be mlqa.CONTEXT.QUESTION or xquad.CONTEXT.QUESTION"),
        ("mlqa.de.en", "valid", ValueError, "split of mlqa.de.en must be one of train, validation, test, got 'valid'"),
        ("xquad.de.en", "test", ValueError, "split of xquad.de.en must be one of validation, got 'test'"),
    ],
)
def test_mistakes(config: str, split: str, error: type, message: str, mlqa_folder: Path) -> None:
    with pytest.raises(error, match=message):
        load_questions(mlqa_folder, config, split)


def test_a_file_holds_one_set(mlqa_folder: Path) -> None:
    path = next(mlqa_folder.rglob("dev-context-de-question-en.json"))
    unknown, known = load_question_sets(path)[0], load_question_sets(path, ["mlqa.de.en"])[0]
    assert (unknown.context_language, unknown.question_language) == ("", "")
    assert (known.context_language, known.question_language, known.name) == ("de", "en", "de-en")
    assert unknown.questions == known.questions == load_questions(mlqa_folder, "mlqa.de.en", "dev").questions
    with pytest.raises(ValueError, match="of a single file there must be one configuration or none, got mlqa.de.en, "):
        load_question_sets(path, ["mlqa.de.en", "mlqa.en.en"])


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must be in a folder or a zip, got .*nowhere"):
        load_questions(tmp_path / "nowhere", "mlqa.de.en")
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match="the source must be a folder or a zip"):
        load_questions(tmp_path / "broken.zip", "mlqa.de.en")
    for folder in ("a", "b"):
        (tmp_path / "twice" / folder).mkdir(parents=True)
        (tmp_path / "twice" / folder / "xquad.en.json").write_text("{}")
    with pytest.raises(ValueError, match="a file name must occur once, got b/xquad.en.json beside a/xquad.en.json"):
        load_questions(tmp_path / "twice", "xquad.en")


def test_real_mlqa_has_no_wrong_offset(shared: Path) -> None:
    source = shared / "data" / "mlqa" / "dev"
    counts = {}
    for config in available_configs(source):
        questions = load_questions(source, config, on_problem="drop")
        counts[questions.context_language, questions.question_language] = len(questions.questions)
        assert questions.problems == ()
    assert counts == DEV_COUNTS


def test_real_xquad_in_all_pairs(shared: Path) -> None:
    source = shared / "data" / "xquad"
    assert len(available_configs(source)) == 25
    for config in ("xquad.de.vi", "xquad.ar.en", "xquad.vi.es", "xquad.en.ar", "xquad.es.de"):
        questions = load_questions(source, config)
        assert (len(questions.questions), questions.problems) == (1190, ())


def test_the_sample_reads(tmp_path: Path) -> None:
    pytest.importorskip("babel")
    from xlretrieval.data.sample import write_sample

    write_sample(tmp_path / "sample", size=0.15)
    for split in ("validation", "test"):
        configs = available_configs(tmp_path / "sample" / "mlqa", split)
        assert len(configs) == 16
        for config in configs:
            questions = load_questions(tmp_path / "sample" / "mlqa", config, split)
            assert questions.problems == () and questions.questions


@pytest.mark.slow
def test_parquet_of_a_hub(mlqa_folder: Path, tmp_path: Path) -> None:
    path = Path(__file__).resolve().parents[2] / "loopback_hub.py"
    spec = importlib.util.spec_from_file_location("loopback_hub_of_questions", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    folder = write_parquet(tmp_path / "upload", mlqa_folder)
    program = (
        "import sys; from huggingface_hub import HfApi\n"
        "from xlretrieval.data.answers.loading import load_questions\n"
        "HfApi().create_repo('me/mlqa', repo_type='dataset')\n"
        "HfApi().upload_folder(repo_id='me/mlqa', repo_type='dataset', folder_path=sys.argv[1])\n"
        "print(sorted(load_questions('hub:me/mlqa', 'mlqa.de.en').references))\n"
    )
    with module.serve_hub() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder)], env=environment, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().splitlines()[-1].replace("'", '"')) == ["q0", "q1"]
