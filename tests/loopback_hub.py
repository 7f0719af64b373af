"""A small Hub on the loopback: repositories of any type, commits, branches, large files, and what readers ask for.

It speaks what the real client speaks with huggingface.co when storage is Git LFS (`HF_HUB_DISABLE_XET=1`), keeps
everything in memory, and checks the checksums of large files. `environment` is what a process needs to use it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_loopback"
READER = "hf_reader"  # may read everything and write nothing
_LARGE = (".parquet", ".safetensors", ".bin", ".arrow")
_API = re.compile(r"/api/(models|datasets|spaces)/([^/]+/[^/]+)(?:/(\w[\w-]*)(?:/([^/]+)(?:/(.*))?)?)?")
_RESOLVE = re.compile(r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_BATCH = re.compile(r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch")


@dataclass
class Commit:
    """A state of a repository: what the commit says, and all files after it."""

    oid: str
    summary: str
    operations: list[str]
    files: dict[str, bytes]


@dataclass
class Repository:
    """Branches, each a list of commits, the newest last."""

    private: bool = False
    branches: dict[str, list[Commit]] = field(default_factory=dict)

    def commit(self, branch: str, summary: str, operations: list[str], files: dict[str, bytes]) -> Commit:
        before = self.branches.setdefault(branch, [])
        seed = repr((branch, len(before), summary, sorted((name, _sha1(data)) for name, data in files.items())))
        before.append(Commit(_sha1(seed.encode()), summary, operations, files))
        return before[-1]

    def at(self, revision: str) -> Commit | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        commits = [commit for branch in self.branches.values() for commit in branch]
        return next((commit for commit in commits if commit.oid == revision), None)


@dataclass
class LoopbackHub:
    """What is on the server.

    Attributes:
        url: Its address.
        repositories: ("datasets", "user/name") -> repository.
        large: Uploaded large files, by SHA-256.
        requests: Method and path of every request.
        on_commit: Called when a commit arrives, which is then refused: the moment between the uploads and the commit.
    """

    url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    on_commit: Callable[[], None] | None = None

    def uploads(self) -> int:
        """Large files that were sent since the last call."""
        number = sum(path.startswith("/upload/") for _, path in self.requests)
        self.requests.clear()
        return number

    def use_here(self, monkeypatch: Any, token: str | None = TOKEN) -> None:
        """Lets the client in this process talk with this server: for calls that write, as caches stay as they are.

        Args:
            monkeypatch: Pytest's.
            token: Of the user; None for nobody.
        """
        from huggingface_hub import close_session, constants
        from transformers.utils import hub as hub_of_transformers

        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(hub_of_transformers, "_hf_api", None)  # it keeps the address it was made with
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        if token is None:
            monkeypatch.delenv("HF_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HF_TOKEN", token)
        close_session()

    def environment(self, home: Path) -> dict[str, str]:
        """Variables for a process that is to talk with this server and nobody else, with nothing cached."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }


@contextmanager
def serve_hub() -> Iterator[LoopbackHub]:
    """Runs a server in a thread of this process, on a free port."""
    hub = LoopbackHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refusal(Exception):
    def __init__(self, status: int, message: str, code: str = ""):
        super().__init__(message)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self._read()
        split = urlsplit(self.path)
        path = unquote(split.path) if "/resolve/" in split.path else split.path
        self.hub.requests.append((self.command, path))
        try:
            if self.command in ("POST", "PUT") and not path.startswith("/upload/"):
                if self.headers.get("Authorization") == f"Bearer {READER}":
                    raise _Refusal(403, "You have read access but not the required permissions.")
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise _Refusal(401, "Invalid username or password.")
            self._route(path, parse_qs(split.query), body)
        except _Refusal as refusal:
            content = json.dumps({"error": str(refusal)}).encode()
            headers = {"X-Error-Message": str(refusal)} | ({"X-Error-Code": refusal.code} if refusal.code else {})
            with suppress(BrokenPipeError, ConnectionResetError):  # the client was killed
                self._send(refusal.status, content, headers)

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _route(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        if path == "/api/whoami-v2":
            self._json({"type": "user", "name": "user", "auth": {"accessToken": {"role": "write"}}, "orgs": []})
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.startswith("/upload/"):
            self._upload(path.removeprefix("/upload/"), body)
        elif match := _BATCH.fullmatch(path):
            self._batch(match, json.loads(body))
        elif match := _RESOLVE.fullmatch(path):
            self._resolve(match[1] or "models", match[2], match[3], match[4])
        elif match := _API.fullmatch(path):
            self._repository(match, query, body)
        else:
            raise _Refusal(404, "Not Found")

    def _create(self, payload: dict[str, Any]) -> None:
        key = (f"{payload.get('type') or 'model'}s", f"{payload.get('organization') or 'user'}/{payload['name']}")
        url = f"{self.hub.url}/{'' if key[0] == 'models' else key[0] + '/'}{key[1]}"
        if key in self.hub.repositories:
            self._json({"error": "You already created this repo", "url": url}, 409)
            return
        private = payload.get("visibility") == "private" or bool(payload.get("private"))
        repository = self.hub.repositories[key] = Repository(private)
        repository.commit("main", "initial commit", [], {".gitattributes": b"*.parquet filter=lfs\n"})
        self._json({"url": url, "name": key[1]})

    def _find(self, kind: str, name: str) -> Repository:
        repository = self.hub.repositories.get((kind, name))
        if repository is None or (repository.private and self.headers.get("Authorization") != f"Bearer {TOKEN}"):
            raise _Refusal(404, "Repository not found", "RepoNotFound")
        return repository

    def _at(self, kind: str, name: str, revision: str) -> Commit:
        commit = self._find(kind, name).at(revision)
        if commit is None:
            raise _Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _repository(self, match: re.Match[str], query: dict[str, list[str]], body: bytes) -> None:
        kind, name, verb, revision, inner = match.groups()
        revision = unquote(revision or "main")
        if verb in (None, "revision"):
            self._info(kind, name, self._at(kind, name, revision))
        elif verb == "refs":
            branches = self._find(kind, name).branches
            heads = [{"name": b, "ref": f"refs/heads/{b}", "targetCommit": c[-1].oid} for b, c in branches.items()]
            self._json({"branches": heads, "converts": [], "tags": []})
        elif verb == "branch":
            repository = self._find(kind, name)
            if revision in repository.branches:
                raise _Refusal(409, "Reference already exists")
            repository.branches[revision] = list(repository.branches["main"])
            self._json({}, 201)
        elif verb == "tree":
            recursive = query.get("recursive", [""])[0].lower() in ("true", "1")
            self._json(_tree(self._at(kind, name, revision).files, unquote(inner or ""), recursive))
        elif verb == "paths-info":
            files = self._at(kind, name, revision).files
            fields = json.loads(body) if body.startswith(b"{") else parse_qs(body.decode())
            entries = {entry["path"]: entry for entry in _tree(files, "", True)}
            self._json([entries[path] for path in fields["paths"] if path in entries])
        elif verb == "preupload":
            self._preupload(self._at(kind, name, revision), json.loads(body))
        elif verb == "commit":
            self._commit(kind, name, revision, [json.loads(line) for line in body.splitlines()])
        else:
            raise _Refusal(404, "Not Found")

    def _info(self, kind: str, name: str, commit: Commit) -> None:
        self._json(
            {
                "_id": "0",
                "id": name,
                "author": name.split("/")[0],
                "sha": commit.oid,
                "private": self._find(kind, name).private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "lastModified": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
            }
        )

    def _preupload(self, commit: Commit, payload: dict[str, Any]) -> None:
        answers = []
        for file in payload["files"]:
            data = commit.files.get(file["path"])
            is_large = file["path"].endswith(_LARGE)
            oid = None if data is None else (_sha256(data) if is_large else _git_oid(data))
            mode = "lfs" if is_large else "regular"
            answers.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._json({"files": answers})

    def _batch(self, match: re.Match[str], payload: dict[str, Any]) -> None:
        self._find(match[1] or "models", match[2])
        objects = []
        for wanted in payload["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.large:
                answer["actions"] = {"upload": {"href": f"{self.hub.url}/upload/{wanted['oid']}", "header": {}}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects})

    def _upload(self, oid: str, body: bytes) -> None:
        if _sha256(body) != oid:
            raise _Refusal(400, "The content has another checksum")
        self.hub.large[oid] = body
        self._send(200, b"")

    def _commit(self, kind: str, name: str, branch: str, lines: list[dict[str, Any]]) -> None:
        repository = self._find(kind, name)
        if self.hub.on_commit is not None:
            self.hub.on_commit()
            raise _Refusal(400, "The commit was interrupted")
        if branch not in repository.branches:
            raise _Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        files = dict(repository.branches[branch][-1].files)
        operations, summary = [], ""
        for line in lines:
            key, value = line["key"], line["value"]
            if key == "header":
                summary = value["summary"]
                continue
            operations.append(f"{key} {value['path']}")
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in self.hub.large:
                    raise _Refusal(400, f"{value['path']} was not uploaded")
                files[value["path"]] = self.hub.large[value["oid"]]
            elif key == "deletedFile":
                if value["path"] not in files:
                    raise _Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
                del files[value["path"]]
            else:
                raise _Refusal(400, f"unknown operation {key}")
        commit = repository.commit(branch, summary, operations, files)
        self._json(
            {"success": True, "commitOid": commit.oid, "commitUrl": f"{self.hub.url}/{name}/commit/{commit.oid}"}
        )

    def _resolve(self, kind: str, name: str, revision: str, path: str) -> None:
        commit = self._at(kind, name, revision)
        data = commit.files.get(path)
        if data is None:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        etag = f'"{_sha256(data) if path.endswith(_LARGE) else _git_oid(data)}"'
        headers = {"ETag": etag, "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        status = 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        self._send(status, data, headers)


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    folders: dict[str, None] = {}
    entries = []
    for path, data in sorted(files.items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        folders.update(dict.fromkeys(prefix + "/".join(parts[:depth]) for depth in range(1, len(parts))))
        if len(parts) == 1 or recursive:
            entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": _git_oid(data)}
            if path.endswith(_LARGE):
                entry["lfs"] = {"oid": _sha256(data), "size": len(data), "pointerSize": 134}
            entries.append(entry)
    if prefix and not entries and not folders:
        raise _Refusal(404, f"{folder} does not exist", "EntryNotFound")
    shown = [path for path in folders if recursive or "/" not in path.removeprefix(prefix)]
    return [{"type": "directory", "path": path, "oid": _sha1(path.encode())} for path in shown] + entries


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_oid(data: bytes) -> str:
    return _sha1(b"blob %d\0" % len(data) + data)
