"""Downloading the dumps of some Wikipedias: pages with their index, and the tables that join languages.

One file after the other: the mirrors ask for few connections, and one fills the line.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from xlretrieval.data.files import write_bytes
from xlretrieval.data.languages import is_language_code

from .resumable import MissingFileError, fetch, read_url, remote_size

MIRROR = "https://dumps.wikimedia.org"
DUMP_FILES = {
    "pages": "pages-articles-multistream.xml.bz2",
    "index": "pages-articles-multistream-index.txt.bz2",
    "page_props": "page_props.sql.gz",
    "langlinks": "langlinks.sql.gz",
    "redirect": "redirect.sql.gz",
}
# The sizes are those of compressed files; file systems want some room on top.
_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class DownloadedFile:
    """A file of a dump that is there and whole.

    Attributes:
        path: Where it is.
        size: Length in bytes.
        sha1: Its SHA-1, as the server's list gives it.
        resumed_from: Bytes that were there before; all of them for a file that was finished before.
    """

    path: Path
    size: int
    sha1: str
    resumed_from: int


def database_of(language: str) -> str:
    """Name of a Wikipedia's database: "de" -> "dewiki", "be-x-old" -> "be_x_oldwiki", "en-simple" -> "simplewiki"."""
    return "simplewiki" if language == "en-simple" else language.replace("-", "_") + "wiki"


def dump_path(folder: str | Path, language: str, date: str, kind: str) -> Path:
    """Where `download_dumps` puts a file of `DUMP_FILES`."""
    return Path(folder) / f"{database_of(language)}-{date}-{DUMP_FILES[kind]}"


def download_dumps(
    languages: Sequence[str],
    date: str,
    output: str | Path,
    mirror: str = MIRROR,
    files: Sequence[str] = tuple(DUMP_FILES),
    progress: bool = True,
    backoff: float = 1.0,
) -> list[DownloadedFile]:
    """Downloads dumps, verified by the SHA-1 that is published with them.

    May be started again after any interruption: unfinished files (`.part`) go on where they stopped, finished ones are
    only verified again, which takes a minute for 20 GB. A file gets its name when its size and its SHA-1 are right,
    not before; one that is wrong is kept as `.bad`.

    Args:
        languages: Language codes, such as ["en", "zh-min-nan", "en-simple"].
        date: Date of the dump: "20261101".
        output: Folder for all files; made when needed.
        mirror: Address of the server, under which `<database>/<date>/` are.
        files: What to download, names of `DUMP_FILES`.
        progress: Show a bar, if standard error is a terminal.
        backoff: Seconds to wait after a first failure; doubles with each that follows.

    Raises:
        ValueError: A language, the date, the mirror or a name of `files` is none.
        OSError: The dump or one of its files is not on the server, does not arrive, or has the wrong SHA-1; or the
            disk has too little room.
    """
    _check(languages, date, files)
    if not mirror.startswith(("https://", "http://")):
        raise ValueError(f"mirror must be an address that begins with https://, got {mirror!r}. Write it out.")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    done: list[DownloadedFile] = []
    missing: list[_Job] = []
    for language in dict.fromkeys(languages):
        address = f"{mirror.rstrip('/')}/{database_of(language)}/{date}"
        sums = _read_sums(folder, address, language, date, backoff)
        for kind in dict.fromkeys(files):
            path = dump_path(folder, language, date, kind)
            if path.name not in sums:
                raise OSError(
                    f"{address}: dump must have {path.name!r} in its list of checksums, got none. It may not be "
                    "finished: choose an earlier date."
                )
            if path.exists() and _is_right(path, sums[path.name]):
                size = path.stat().st_size
                done.append(DownloadedFile(path, size, sums[path.name], size))
            else:
                url = f"{address}/{path.name}"
                missing.append(_Job(f"{language} {kind}", url, path, sums[path.name], remote_size(url, backoff)))
    _check_room(folder, missing)
    with _bars(progress) if progress else nullcontext() as bars:
        done += [_download(job, backoff, bars) for job in missing]
    return sorted(done, key=lambda file: file.path.name)


@dataclass(frozen=True)
class _Job:
    label: str
    url: str
    path: Path
    sha1: str
    size: int | None

    @property
    def part(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part")

    def arrived(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0


def _check(languages: Sequence[str], date: str, files: Sequence[str]) -> None:
    if isinstance(languages, str) or not languages:
        raise ValueError(f"languages must be a list of codes, got {languages!r}. Write it like ['en', 'de'].")
    for language in languages:
        if not is_language_code(language):
            raise ValueError(f"language must be a code like 'en' or 'zh-min-nan', got {language!r}. Correct it.")
    if not re.fullmatch(r"\d{8}", date, re.ASCII):
        raise ValueError(f"date must be eight digits, got {date!r}. Write it like '20261101'.")
    for kind in files:
        if kind not in DUMP_FILES:
            raise ValueError(f"files must be of {', '.join(DUMP_FILES)}, got {kind!r}. Choose among them.")


def _read_sums(folder: Path, address: str, language: str, date: str, backoff: float) -> dict[str, str]:
    """SHA-1 of every file of a dump, by name. The list is kept beside the files."""
    name = f"{database_of(language)}-{date}-sha1sums.txt"
    try:
        content = read_url(f"{address}/{name}", backoff)
    except MissingFileError as error:
        raise OSError(
            f"{address}/{name}: dump must be on the server, got no such file. Look for dates in "
            f"{address.rpartition('/')[0]}/ (old dumps are removed, and new ones take days)."
        ) from error
    write_bytes(folder / name, content)
    sums = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        match = re.fullmatch(r"([0-9a-fA-F]{40})\s+\*?(\S+)", line.strip())
        if not match:
            raise OSError(
                f"{address}/{name}, line {number}: line must be a SHA-1 and a file name, got {line[:80]!r}. Check "
                "the mirror's address."
            )
        sums[match[2]] = match[1].lower()
    return sums


def _check_room(folder: Path, jobs: Sequence[_Job]) -> None:
    needed = sum(max(0, (job.size or 0) - job.arrived()) for job in jobs)
    free = shutil.disk_usage(folder).free
    if needed and needed + _SPARE_BYTES > free:
        raise OSError(
            f"{folder}: disk must have {needed / 1e9:.2f} GB free for {len(jobs)} files, got {free / 1e9:.2f} GB. "
            "Make room or choose another folder."
        )


def _download(job: _Job, backoff: float, bars: Progress | None) -> DownloadedFile:
    resumed_from = job.arrived()
    task = bars.add_task(job.label, total=job.size, completed=resumed_from) if bars else None

    def show(arrived: int) -> None:
        if bars and task is not None:
            bars.update(task, completed=arrived)

    size = fetch(job.url, job.part, job.size, backoff, show)
    found = _sha1(job.part)
    if found != job.sha1 and resumed_from:
        # What was there may have come from another mirror, or from before a correction of the dump.
        job.part.unlink()
        resumed_from = 0
        size = fetch(job.url, job.part, job.size, backoff, show)
        found = _sha1(job.part)
    if found != job.sha1:
        bad = job.path.with_name(f"{job.path.name}.bad")
        os.replace(job.part, bad)
        raise OSError(
            f"{job.url}: file must have the SHA-1 {job.sha1}, got {found} over {size:,} bytes. It is kept as "
            f"{bad.name}; download it again or from another mirror."
        )
    os.replace(job.part, job.path)
    return DownloadedFile(job.path, size, found, resumed_from)


def _is_right(path: Path, sha1: str) -> bool:
    """Whether a finished file is what the server has; one that is not is put aside."""
    right = _sha1(path) == sha1
    if not right:
        os.replace(path, path.with_name(f"{path.name}.bad"))
    return right


def _sha1(path: Path) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _bars(shown: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not (shown and console.is_terminal))
