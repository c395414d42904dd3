"""The Hub's answers, an endpoint each. Fields are those that huggingface_hub 2.4 reads."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import yaml

from tests.hub_server.repos import Blob, Commit, HubError, Repo, upload_mode

if TYPE_CHECKING:
    from tests.hub_server.server import HubServer

DATE = "2026-01-01T00:00:00.000Z"


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A request, taken apart."""

    server: "HubServer"
    found: dict[str, str]
    """What the address says: kind, name, rev, path."""
    query: dict[str, list[str]]
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body or b"{}")

    @property
    def repo(self) -> Repo:
        return self.server.repo(self.found["kind"], self.found["name"])

    @property
    def known(self) -> bool:
        return self.headers.get("authorization", self.headers.get("Authorization")) == f"Bearer {self.server.token}"

    def may_read(self) -> None:
        if not self.known and self.repo.private:
            raise HubError(404, "Repository not found", "RepoNotFound")

    def may_write(self) -> None:
        if not self.known:
            raise HubError(401, "Invalid username or password.")

    @property
    def commit(self) -> Commit:
        return self.repo.at(self.found.get("rev", "main"))


def create(call: Call) -> Answer:
    kind = f"{call.json['type']}s"
    name = f"{call.json['organization'] or 'tester'}/{call.json['name']}"
    url = {"url": f"{call.server.endpoint}/{kind}/{name}"}
    if (kind, name) in call.server.repos:
        return Answer(409, url | {"error": "You already created this repo"})
    call.server.repos[kind, name] = Repo(kind, name, private=call.json.get("visibility") == "private")
    return Answer(200, url)


def validate_yaml(call: Call) -> Answer:
    parts = call.json["content"].split("---\n")
    try:
        data = yaml.safe_load(parts[1]) if len(parts) > 2 else {}
        errors = [] if isinstance(data, dict) else [{"message": "YAML is not a mapping"}]
    except yaml.YAMLError as error:
        errors = [{"message": str(error)}]
    return Answer(400 if errors else 200, {"errors": errors, "warnings": []})


def whoami(call: Call) -> Answer:
    call.may_write()
    return Answer(200, {"type": "user", "name": "tester", "orgs": [{"name": "org"}], "auth": {}})


def info(call: Call) -> Answer:
    repo, commit = call.repo, call.commit
    siblings = [{"rfilename": path} for path in sorted(commit.files)]
    return Answer(200, {"id": repo.id, "sha": commit.oid, "private": repo.private, "siblings": siblings, "tags": [],
                        "lastModified": DATE, "createdAt": DATE, "downloads": 0, "likes": 0, "disabled": False,
                        "gated": repo.gated})


def settings(call: Call) -> Answer:
    call.repo.gated = call.json["gated"]
    return Answer(200, {})


def refs(call: Call) -> Answer:
    def listed(held: dict[str, str], prefix: str) -> list[dict[str, str]]:
        return [{"name": n, "ref": f"refs/{prefix}/{n}", "targetCommit": oid} for n, oid in held.items()]

    return Answer(200, {"branches": listed(call.repo.branches, "heads"), "tags": listed(call.repo.tags, "tags"),
                        "converts": []})


def commits(call: Call) -> Answer:
    return Answer(200, [{"id": c.oid, "title": c.title, "message": c.message, "date": DATE, "authors": [
        {"user": "tester"}]} for c in call.repo.history(call.found["rev"])])


def _entry(path: str, blob: Blob, commit: Commit) -> dict[str, Any]:
    found = {"type": "file", "path": path, "oid": blob.oid, "size": len(blob.data),
             "lastCommit": {"id": commit.oid, "title": commit.title, "date": DATE}}
    pointer = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": 134}
    return found | ({"lfs": pointer} if blob.lfs else {})


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}


def _folders(commit: Commit) -> set[str]:
    return {path.rsplit("/", n)[0] for path in commit.files for n in range(1, path.count("/") + 1)}


def tree(call: Call) -> Answer:
    commit, start = call.commit, call.found.get("path", "").strip("/")
    recursive = call.query.get("recursive", ["false"])[0].lower() in ("true", "1")
    if start and start not in _folders(commit):
        raise HubError(404, f"{start} does not exist on {commit.oid}", "EntryNotFound")
    prefix = f"{start}/" if start else ""
    entries = [_folder(path) for path in sorted(_folders(commit))]
    entries += [_entry(path, blob, commit) for path, blob in sorted(commit.files.items())]
    entries = [e for e in entries if e["path"].startswith(prefix)
               and (recursive or "/" not in e["path"].removeprefix(prefix))]
    at = int(call.query.get("cursor", ["0"])[0])
    rest = at + call.server.page
    address = f"{call.server.endpoint}/api/{call.repo.kind}/{call.repo.id}/tree/{commit.oid}"
    address += f"/{quote(start, safe='')}" if start else ""
    following = {"Link": f'<{address}?recursive={recursive}&cursor={rest}>; rel="next"'} if rest < len(entries) else {}
    return Answer(200, entries[at:rest], following)


def paths_info(call: Call) -> Answer:
    asked = call.json["paths"] if call.body[:1] == b"{" else parse_qs(call.body.decode()).get("paths", [])
    commit, folders = call.commit, _folders(call.commit)
    files = [_entry(path, commit.files[path], commit) for path in asked if path in commit.files]
    return Answer(200, files + [_folder(path) for path in asked if path in folders])


def preupload(call: Call) -> Answer:
    held = call.commit.files
    return Answer(200, {"files": [
        {"path": f["path"], "uploadMode": upload_mode(f["path"], f["size"]), "shouldIgnore": False,
         "oid": held[f["path"]].etag if f["path"] in held else None} for f in call.json["files"]]})


def lfs_batch(call: Call) -> Answer:
    repo = call.repo

    def action(item: dict[str, Any]) -> dict[str, Any]:
        if item["oid"] in repo.objects:
            return item
        upload = {"href": f"{call.server.endpoint}/lfs/{repo.kind}/{repo.id}/{item['oid']}"}
        verify = {"href": f"{call.server.endpoint}/{repo.kind}/{repo.id}.git/info/lfs/objects/verify"}
        return item | {"actions": {"upload": upload, "verify": verify}}

    return Answer(200, {"transfer": "basic", "objects": [action(item) for item in call.json["objects"]]})


def lfs_put(call: Call) -> Answer:
    call.repo.uploads[call.found["oid"]] = call.body
    return Answer(200, b"")


def lfs_verify(call: Call) -> Answer:
    call.repo.verify_upload(call.json["oid"], call.json["size"])
    return Answer(200, {})


def commit(call: Call) -> Answer:
    header, *changes = [json.loads(line) for line in call.body.decode().splitlines()]
    said = header["value"]
    decoded = []
    for change in changes:
        value = change["value"]
        if change["key"] == "file":
            value = value | {"content": base64.b64decode(value["content"])}
        decoded.append((change["key"], value))
    oid = call.repo.commit(call.found["rev"], said.get("parentCommit"), said["summary"], said["description"], decoded)
    url = f"{call.server.endpoint}/{call.repo.kind}/{call.repo.id}/commit/{oid}"
    return Answer(200, {"success": True, "commitOid": oid, "commitUrl": url})


def tag(call: Call) -> Answer:
    call.repo.tag(call.json["tag"], call.found["rev"])
    return Answer(200, {})


def branch(call: Call) -> Answer:
    call.repo.branch(call.found["rev"], call.json.get("startingPoint", "main"))
    return Answer(200, {})


def resolve(call: Call) -> Answer:
    commit = call.commit
    blob = commit.files.get(call.found["path"])
    told = {"X-Repo-Commit": commit.oid}
    if blob is None:
        return Answer(404, {"error": "Entry not found"}, told | {"X-Error-Code": "EntryNotFound"})
    told |= {"ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
    asked = call.headers.get("range", call.headers.get("Range", ""))
    if not asked.startswith("bytes="):
        return Answer(200, blob.data, told)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(0, len(blob.data) - int(last))
    end = min(int(last) if first and last else len(blob.data) - 1, len(blob.data) - 1)
    if start >= len(blob.data):
        raise HubError(416, "Range Not Satisfiable")
    return Answer(206, blob.data[start:end + 1], told | {"Content-Range": f"bytes {start}-{end}/{len(blob.data)}"})


WRITING = (create, settings, validate_yaml, preupload, commit, tag, branch, lfs_batch, lfs_verify)
"""Endpoints that ask for a token."""
