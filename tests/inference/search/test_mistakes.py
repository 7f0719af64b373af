"""Bad input: what is wrong and where, and the index as it was."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertModel

from xlretrieval.inference.encoder import Encoder
from xlretrieval.inference.search import Index
from xlretrieval.inference.search.fingerprint import fingerprint

ROW = {"id": "a", "text": "river"}


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "documents must hold at least one document, got none"),
        ("text", "documents must be a sequence of documents, got 'text'"),
        (ROW, "documents must be a sequence of documents"),
        ([ROW, None], r"documents[1]: a document must be a mapping with \"id\" and \"text\", got None"),
        ([ROW, "text"], "documents[1]: a document must be a mapping"),
        ([{"text": "x"}], "documents[0]: id must not be empty, got None"),
        ([{"id": " ", "text": "x"}], "documents[0]: id must not be empty, got ' '"),
        ([{"id": 1.5, "text": "x"}], "documents[0]: id must be Unicode text"),
        ([{"id": "b", "text": ["x"]}], "documents[0]: text must be Unicode text"),
        ([{"id": "b", "text": "half \ud800"}], "documents[0]: text must be Unicode text, without half"),
        ([{"id": "b\udfff", "text": "x"}], "documents[0]: id must be Unicode text"),
        ([{"id": "b", "text": " \n"}], "documents[0]: document 'b' must have a text or a title, got neither"),
        ([{"id": "b"}], "documents[0]: document 'b' must have a text or a title, got neither"),
        ([{"id": "b", "text": "x", "language": "German"}], "documents[0]: language must be a code such as 'de'"),
        ([ROW, {"id": "c", "text": "x"}, ROW], "documents[2]: an id must occur once, got 'a' which is also"),
    ],
)
def test_documents(documents, message, make, tmp_path) -> None:
    message = message.replace('\\"', '"')
    with pytest.raises(ValueError, match=re.escape(message)):
        make(documents)
    assert not (tmp_path / "index").exists()
    index = make()
    before = (index.folder / "manifest.json").read_bytes()
    if documents:
        with pytest.raises(ValueError, match=re.escape(message)):
            index.add(documents)
    assert (index.folder / "manifest.json").read_bytes() == before
    assert len(list((index.folder / "segments").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": ""}, "query must not be empty, got ''"),
        ({"query": " \n"}, "query must not be empty"),
        ({"query": None}, "query must be Unicode text, without half surrogate pairs, got None"),
        ({"query": ["river"]}, "query must be Unicode text"),
        ({"query": "x\ud83d"}, "query must be Unicode text"),
        ({"query": "x", "language": "German"}, "language must be a code such as 'de', 'all' or None, got 'German'"),
        ({"query": "x", "top_k": 0}, "top_k must be at least 1, got 0"),
        ({"query": "x", "candidates": 0}, "candidates must be at least 1, got 0"),
        ({"query": "x", "rerank": True}, "rerank must be false without a reranker, got True"),
    ],
)
def test_queries(arguments, message, make) -> None:
    with pytest.raises(ValueError, match=message):
        make().search(**arguments)


def test_deletions(make) -> None:
    index = make()
    for ids, message in [
        (["en0", "nothing", "\ud800"], r"ids must be in the index, got 'nothing', '\\ud800': 2 of 3 are not"),
        ([None], "ids must be in the index, got None: 1 of 1 are not"),
        ("en0", "ids must be a sequence of ids, got the string 'en0'"),
    ]:
        with pytest.raises(ValueError, match=message):
            index.delete(ids)
    assert len(Index.open(index.folder)) == 16


def test_folders(make, tmp_path, encoder) -> None:
    with pytest.raises(FileNotFoundError, match="An index must be a folder, got none at .*missing"):
        Index.open(tmp_path / "missing")
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="An index must have a manifest.json, got none in .*other"):
        Index.open(tmp_path / "other")
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="must be new or empty, got .*other with thesis.tex"):
        make(name="other")
    with pytest.raises(ValueError, match="must be a folder, got the file"):
        make(name="other/thesis.tex")
    index = make()
    with pytest.raises(ValueError, match="must be new or empty, got .*index. Add to it, or overwrite it"):
        make()
    assert len(make([ROW], overwrite=True)) == 1
    # Who has the old one open may add to the new one, unless its vectors are made otherwise.
    assert index.add([{"id": "b", "text": "x"}]).added == 1 and len(index) == 2
    make([ROW], overwrite=True, pooling="cls")
    with pytest.raises(
        ValueError, match="must have the encoder and options that it was opened with, got one that was"
    ):
        index.add([{"id": "b", "text": "x"}])
    shutil.rmtree(index.folder)
    with pytest.raises(FileNotFoundError):
        index.add([ROW])
    assert not index.folder.exists()


def changed_manifest(change):
    def damage(folder: Path) -> None:
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def cut(name: str):
    def damage(folder: Path) -> None:
        path = next(folder.glob(f"segments/*/{name}"))
        path.write_bytes(path.read_bytes()[:-3])

    return damage


def scramble(name: str):
    def damage(folder: Path) -> None:
        path = next(folder.glob(f"segments/*/{name}"))
        path.write_bytes(b"x" * path.stat().st_size)

    return damage


def write(content: bytes):
    return lambda folder: (folder / "manifest.json").write_bytes(content)


def segment(**changes):
    return changed_manifest(lambda content: content["segments"][0].update(changes))


def remove(pattern: str):
    return lambda folder: next(folder.glob(pattern)).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (write(b'{"format": 1, "gen'), "manifest.json must be JSON, got"),
        (write(b"\xff\xfe"), "manifest.json must be JSON, got"),
        (write(b"[" * 100_000), "manifest.json must be JSON, got"),
        (write(b"[1]"), "manifest.json: a manifest must be an object"),
        (changed_manifest(lambda content: content.update(format=9)), "manifest.json: the format must be 1, got 9"),
        (changed_manifest(lambda content: content.pop("pooling")), "manifest.json: pooling must be there"),
        (changed_manifest(lambda content: content.update(layer="1")), "layer must be there and of its type, got '1'"),
        (changed_manifest(lambda content: content.update(segments={})), "json: segments must be a list, got dict"),
        (segment(name="../x"), "manifest.json: segments must have name, rows, files and deleted rows"),
        (segment(deleted=[99]), "manifest.json: segments must have name"),
        (segment(rows=None), "manifest.json: segments must have name"),
        (segment(rows=15), "documents.arrow must have 15 documents"),
        (cut("documents.arrow"), r"documents.arrow must have \d+ bytes, got"),
        (cut("vectors.f32"), "vectors.f32 must have 2048 bytes, got 2045"),
        (scramble("documents.arrow"), "segments/00000001 must be readable, got"),
        (scramble("graph.usearch"), "segments/00000001 must be readable, got"),
        (remove("segments/*/vectors.f32"), "a segment of the manifest must be there, got .*vectors.f32"),
        (lambda folder: shutil.rmtree(folder / "segments"), "a segment of the manifest must be there"),
    ],
)
def test_a_damaged_index(damage, message, make) -> None:
    folder = make(approximate_from=4).folder
    damage(folder)
    with pytest.raises(ValueError, match=message):
        Index.open(folder)


def changed(model: BertModel, change) -> BertModel:
    other = BertModel(model.config).eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        change(other)
    return other


def test_another_model(make, model, tokenizer, tmp_path) -> None:
    folder = make().folder
    other = changed(model, lambda other: other.encoder.layer[2].output.dense.weight.mul_(1.01))
    other.config._name_or_path = "another-model"
    message = r"must be the one of the index, .* \(fingerprint \w{32}\), got another-model \(fingerprint \w{32}\)"
    with pytest.raises(ValueError, match=message):
        Index.open(folder, Encoder(other, tokenizer))
    model.config._name_or_path = ""
    with pytest.raises(ValueError, match="The encoder must be given, got none: that of the index has no name"):
        Index.open(folder).search("river")


def test_the_folder_holds_another_model_by_now(tmp_path, tiny_checkpoint, documents) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint("BertModel"), folder)
    Index.build(documents, tmp_path / "index", str(folder), show_progress=False)
    other = BertModel.from_pretrained(folder)
    with torch.no_grad():
        other.embeddings.LayerNorm.bias.add_(1)
    other.save_pretrained(folder)
    with pytest.raises(ValueError, match="The encoder must be the one of the index, .*model .*, got .*model"):
        Index.open(tmp_path / "index").search("river")


def test_fingerprints(model, tokenizer, wordpiece_folder, tmp_path) -> None:
    from transformers import AutoTokenizer, BertForMaskedLM

    one = fingerprint(Encoder(model, tokenizer))
    # The pooler, the file format and the precision make no other vectors; a trained weight and another tokenizer do.
    assert fingerprint(Encoder(changed(model, lambda other: other.pooler.dense.weight.zero_()), tokenizer)) == one
    assert fingerprint(Encoder(changed(model, lambda other: other.to(torch.bfloat16)), tokenizer)) == one
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    assert fingerprint(Encoder.from_pretrained(str(tmp_path / "saved"))) == one
    head = BertForMaskedLM(model.config)
    head.bert.load_state_dict({name: value for name, value in model.state_dict().items() if "pooler" not in name})
    head.save_pretrained(tmp_path / "head")
    tokenizer.save_pretrained(tmp_path / "head")
    assert fingerprint(Encoder.from_pretrained(str(tmp_path / "head"))) == one
    for name in ("embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.bias"):
        other = changed(model, lambda other, name=name: other.get_parameter(name).add_(0.05))
        assert fingerprint(Encoder(other, tokenizer)) != one
    assert fingerprint(Encoder(model, AutoTokenizer.from_pretrained(wordpiece_folder))) != one


def test_vectors_that_are_not_finite(make, encoder, documents) -> None:
    encoder.known["broken text", ("mean", -1, None, 2048)] = np.full(32, np.nan, np.float32)
    index = make()
    with pytest.raises(ValueError, match="Vectors must be finite, got NaN or infinity for document 'bad'"):
        index.add([{"id": "good", "text": "fine"}, {"id": "bad", "text": "broken text"}])
    assert len(Index.open(index.folder)) == 16
    with pytest.raises(ValueError, match="approximate_from must be at least 1, got 0"):
        make(name="b", approximate_from=0)
    with pytest.raises(ValueError, match="layer must be between -4 and 3, got 9"):
        Index.build(documents, index.folder.parent / "c", Encoder(encoder.model, encoder.tokenizer), layer=9)
