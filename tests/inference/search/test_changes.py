"""A change is whole or did not happen: interrupted anywhere, killed at any moment, or with two writers."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from tqdm.auto import tqdm

from xlretrieval.inference.search import Index
from xlretrieval.inference.search.changes import writing


def ids(index: Index) -> set[str]:
    return {hit.id for hit in index.search("river", top_k=len(index), passages=False)}


class Killed(BaseException):
    """What no code expects."""


@pytest.mark.parametrize("step", range(1, 12))
@pytest.mark.parametrize("change", ["add", "delete"])
def test_an_interruption_anywhere(change, step, make, encoder, monkeypatch) -> None:
    """The n-th call to the system ends everything; what was removed on the way is only what nobody needs."""
    index = make()
    before, calls = ids(index), 0
    after = before | {"new"} if change == "add" else before - {f"en{number}" for number in range(6)}

    def killed(call):
        def wrapper(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls >= step:
                raise Killed
            return call(*arguments, **options)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "rename", "rmdir", "unlink"):
            patch.setattr(os, name, killed(getattr(os, name)))
        try:
            if change == "add":
                index.add([{"id": "new", "text": "river"}])
            else:
                index.delete([f"en{number}" for number in range(6)])
        except Killed:
            pass
    opened = Index.open(index.folder, encoder)
    assert ids(opened) in (before, after)
    assert len(opened) == len(ids(opened))
    # The next writer starts from there, and leaves nothing behind that is not named.
    opened.add([{"id": "last", "text": "river"}])
    assert ids(Index.open(index.folder, encoder)) - {"last"} in (before, after)
    names = {segment.name for segment in opened.manifest.segments}
    assert {path.name for path in (index.folder / "segments").iterdir()} == names


def test_a_build_that_did_not_end(make, encoder, documents, tmp_path, monkeypatch) -> None:
    def killed(*_):
        raise Killed

    # What is cleared away where something can be is there after a kill.
    (tmp_path / "index").mkdir()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killed)
        make()
    with pytest.raises(ValueError, match="got none in .*index. It is no index, or its first build did not end"):
        Index.open(tmp_path / "index", encoder)
    index = make()
    assert len(Index.open(index.folder, encoder)) == 16
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killed)
        make(documents[:2], overwrite=True)
    assert len(Index.open(index.folder, encoder)) == 16
    assert len(make(documents[:2], overwrite=True)) == len(Index.open(index.folder, encoder)) == 2


def test_one_writer_at_a_time(make, encoder) -> None:
    index = make()
    other = Index.open(index.folder, encoder)
    message = "An index must have one writer at a time, got a second one for .*index"
    with writing(index.folder):
        for change in (lambda: other.add([{"id": "x", "text": "y"}]), lambda: other.delete(["en0"])):
            with pytest.raises(ValueError, match=message):
                change()
        errors: list[Exception] = []

        def add() -> None:
            try:
                other.add([{"id": "x", "text": "y"}])
            except ValueError as error:
                errors.append(error)

        thread = threading.Thread(target=add)
        thread.start()
        thread.join()
        assert len(errors) == 1
        with pytest.raises(ValueError, match=message):
            make(overwrite=True)
        # Reading needs no lock.
        assert len(Index.open(index.folder, encoder).search("river")) == 10
    assert other.add([{"id": "x", "text": "y"}]).added == 1


def test_few_segments_after_many_additions(make, encoder, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    index = make()
    copied = 0
    for number in range(60):
        before = {segment.name for segment in index.manifest.segments}
        index.add([{"id": f"n{number}", "text": f"text {number}"}])
        assert len(index) == 17 + number
        copied += sum(segment.rows for segment in index.manifest.segments if segment.name not in before)
        rows = [segment.live for segment in sorted(index.manifest.segments, key=lambda segment: segment.live)]
        assert all(large > 2 * small for small, large in itertools.pairwise(rows))
    assert len(index.manifest.segments) <= 5 and copied < 40 * 7


def test_deleted_documents_drop_out(make) -> None:
    index = make([{"id": str(number), "text": "river"} for number in range(100)])
    index.delete([str(number) for number in range(20)])
    assert [(segment.rows, segment.live) for segment in index.manifest.segments] == [(100, 80)]
    index.delete([str(number) for number in range(20, 30)])
    assert [(segment.rows, segment.live) for segment in index.manifest.segments] == [(70, 70)]
    index.delete([str(number) for number in range(30, 100)])
    assert index.manifest.segments == () and not list((index.folder / "segments").iterdir())


def test_a_reader_opens_while_a_writer_changes(make, encoder, monkeypatch) -> None:
    """Every state that a reader sees is one that there was."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    index = make([{"id": "0", "text": "river"}])
    done, seen, errors = threading.Event(), [], []

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(ids(Index.open(index.folder, encoder)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
                errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(1, 40):
        index.add([{"id": str(number), "text": "river"}])
    done.set()
    thread.join()
    assert errors == [] and len(seen) > 5
    assert all(found == {str(number) for number in range(len(found))} for found in seen)


def change(index: Index, number: int) -> None:
    """The n-th change: additions of 7 documents, and every fourth time a deletion of those of two changes before."""
    if number % 4 == 3:
        index.delete([f"{number - 2}-{row}" for row in range(7)])
    else:
        index.add([{"id": f"{number}-{row}", "text": "river"} for row in range(7)], show_progress=False)


def batches_after(changes: int) -> set[int]:
    added = {number for number in range(changes) if number % 4 != 3}
    return added - {number - 2 for number in range(changes) if number % 4 == 3}


def write_until_killed(folder: Path, encoder, ended) -> None:
    # tqdm's own lock is shared with the parent, which would wait for it forever if the child is killed holding it.
    tqdm.set_lock(threading.RLock())
    index = Index.open(folder, encoder)
    while True:
        change(index, ended.value)
        ended.value += 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded")
def test_killed_at_random_moments(make, encoder, documents) -> None:
    """Whole changes, none half, none lost that ended; and the next writer goes on from there."""
    moments = random.Random(17)
    # A fork, not a fresh process: that would take seconds to import torch. It finds the vectors of its texts here.
    context = multiprocessing.get_context("fork")
    folder, ended, kills = make(documents[:1]).folder, context.RawValue("i"), 20
    encoder.encode(["river"], "mean", -1, None, 1024)
    interrupted = 0
    for _ in range(kills):
        child = context.Process(target=write_until_killed, args=(folder, encoder, ended))
        child.start()
        before, deadline = ended.value, time.monotonic() + 30
        while ended.value == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.2))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        opened = Index.open(folder, encoder)
        found = ids(opened) - {"en0"}
        states = {
            changes: {f"{batch}-{row}" for batch in batches_after(changes) for row in range(7)}
            for changes in (ended.value, ended.value + 1)
        }
        assert found in states.values() and len(opened) == len(found) + 1
        ended.value = next(changes for changes, state in states.items() if state == found)
        names = {segment.name for segment in opened.manifest.segments}
        interrupted += {path.name for path in (folder / "segments").iterdir()} != names
    assert ended.value >= kills and interrupted > 0
    change(Index.open(folder, encoder), ended.value)
    opened = Index.open(folder, encoder)
    assert ids(opened) - {"en0"} == {f"{batch}-{row}" for batch in batches_after(ended.value + 1) for row in range(7)}
    assert {path.name for path in (folder / "segments").iterdir()} == {
        segment.name for segment in opened.manifest.segments
    }
