"""A repository on the Hub: what it holds at a revision, and how it is changed, by one commit on the head that was
seen."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, set_client_factory
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._http import default_client_factory

from builders.errors import InputError

DATASET, SPACE = "dataset", "space"


@dataclass(frozen=True)
class Content:
    """What a file of a repository shall be: a local file, or bytes."""

    held: Path | bytes
    size: int
    sha256: str

    @classmethod
    def of_bytes(cls, data: bytes) -> "Content":
        return cls(data, len(data), hashlib.sha256(data).hexdigest())

    def equals(self, file: RepoFile) -> bool:
        """Whether the repository holds the same bytes; small files are known there by git's hash."""
        if file.size != self.size:
            return False
        if file.lfs:
            return file.lfs.sha256 == self.sha256
        data = self.held if isinstance(self.held, bytes) else self.held.read_bytes()
        return file.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def addition(self, path: str) -> CommitOperationAdd:
        """The operation, with the checksum that is known already."""
        added = CommitOperationAdd(path, self.held)
        added.upload_info.sha256 = bytes.fromhex(self.sha256)
        return added


@dataclass(frozen=True)
class Snapshot:
    """A commit of a repository."""

    oid: str
    files: Mapping[str, RepoFile]


class HubRepo:
    """One repository, through ``HfApi``. Whatever goes wrong ends in one line: ``InputError`` for what must be mended
    first (name, token, permission), ``OSError`` for what may pass (connection, server, another's commit)."""

    def __init__(self, name: str, api: HfApi, kind: str = DATASET):
        self.name, self.api, self.kind = name, api, kind

    def head(self) -> Snapshot | None:
        """What ``main`` holds; None if there is no such repository."""
        with self._told("looking at main"):
            try:
                oid = self.api.repo_info(self.name, repo_type=self.kind, revision="main").sha
            except RepositoryNotFoundError:
                return None
        return self.at(str(oid))

    def at(self, oid: str) -> Snapshot:
        with self._told(f"listing the files of {oid[:8]}"):
            tree = self.api.list_repo_tree(self.name, recursive=True, revision=oid, repo_type=self.kind)
            return Snapshot(oid, {entry.path: entry for entry in tree if isinstance(entry, RepoFile)})

    def tags(self) -> dict[str, str]:
        """Name -> commit."""
        with self._told("listing tags"):
            refs = self.api.list_repo_refs(self.name, repo_type=self.kind)
            return {tag.name: tag.target_commit for tag in refs.tags}

    def commit_named(self, title: str) -> str | None:
        """The newest commit of ``main`` with this title."""
        with self._told("listing commits"):
            commits = self.api.list_repo_commits(self.name, repo_type=self.kind)
            return next((commit.commit_id for commit in commits if commit.title == title), None)

    def manifest(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """``manifest.json`` of a commit; None if there is none that can be read."""
        if "manifest.json" not in snapshot.files:
            return None
        with self._told("reading manifest.json"):
            text = self._files.read_text(self.address("manifest.json", snapshot))
        try:
            held = json.loads(text)
        except ValueError:
            return None
        return held if isinstance(held, dict) and {"dataset", "version", "files", "rows"} <= set(held) else None

    def download(self, revision: str) -> Path:
        """A local copy of a revision, in the cache of the client."""
        with self._told(f"downloading {revision}"):
            return Path(self.api.snapshot_download(self.name, repo_type=self.kind, revision=revision))

    @contextmanager
    def opened(self, path: str, snapshot: Snapshot) -> Iterator[Any]:
        """A file of a commit, read piece by piece as it is asked for."""
        with self._told(f"reading {path}"), self._files.open(self.address(path, snapshot)) as file:
            yield file

    def address(self, path: str, snapshot: Snapshot) -> str:
        return f"{self.kind}s/{self.name}@{snapshot.oid}/{path}"

    @cached_property
    def _files(self) -> HfFileSystem:
        return HfFileSystem(endpoint=self.api.endpoint, token=self.api.token, skip_instance_cache=True)

    def create(self, private: bool, sdk: str | None = None) -> Snapshot:
        """Make the repository, and give what it holds at first."""
        with self._told("creating it"):
            self.api.create_repo(self.name, repo_type=self.kind, private=private, exist_ok=True, space_sdk=sdk)
        head = self.head()
        if head is None:
            raise OSError(f"{self.name}: was created, and cannot be found yet")
        return head

    def gate(self) -> None:
        """Let the Hub ask readers for their consent; where it does so already, whoever must approve stays as it is."""
        with self._told("gating it"):
            if not self.api.repo_info(self.name, repo_type=self.kind).gated:
                self.api.update_repo_settings(self.name, repo_type=self.kind, gated="auto")

    def commit(self, parent: Snapshot, changed: Mapping[str, Content], removed: Sequence[str], title: str,
               description: str = "") -> str:
        """Upload what the Hub lacks, then make all changes visible at once. Gives the new commit.

        Raises:
            OSError: among others, ``main`` is no longer ``parent``: somebody else has committed, nothing was changed.
        """
        additions = [content.addition(path) for path, content in changed.items()]
        operations = additions + [CommitOperationDelete(path) for path in removed]
        with self._told(f"committing {title!r}"):
            done = self.api.create_commit(self.name, operations, commit_message=title, repo_type=self.kind,
                                          commit_description=description, parent_commit=parent.oid, revision="main")
            return str(done.oid)

    def tag(self, name: str, oid: str) -> None:
        """Name a commit. A tag that exists is never moved; if it names this commit already, all is well."""
        try:
            with self._told(f"setting the tag {name}"):
                self.api.create_tag(self.name, tag=name, revision=oid, repo_type=self.kind)
        except OSError:
            if self.tags().get(name) != oid:
                raise

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Errors of the client, its HTTP library and its storage library have no common class of their own."""
        try:
            yield
        except (InputError, TypeError, AttributeError, LookupError, AssertionError):  # ours to mend, not the user's
            raise
        except HFValidationError as error:
            raise InputError(f"{self.name}: not a repository's name ({first_line(error)})") from error
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise InputError(f"{self.name}: {doing}: no such {self.kind} or revision on the Hub, or none that this "
                             "token may read") from error
        except Exception as error:
            status = _status(error)
            if status in (401, 403):
                raise InputError(f"{self.name}: {doing} was refused (HTTP {status}); log in with 'hf auth login' or "
                                 "set HF_TOKEN to a token that may write there") from error
            if status == 412:
                raise OSError(f"{self.name}: somebody else has committed since this push began; nothing was "
                              "changed") from error
            raise OSError(f"{self.name}: {doing} failed ({_chain(error)})") from error


def give_up_after(seconds: float) -> None:
    """Let the client of the Hub wait no longer for an answer, whatever it asks; left alone, it may wait for ever."""

    def limit(request: Any) -> None:  # some calls ask for a limit of their own, or for none
        asked = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {what: min(value or seconds, seconds) for what, value in asked.items()}

    def client() -> Any:
        made = default_client_factory()
        made.timeout = seconds
        made.event_hooks = {**made.event_hooks, "request": [*made.event_hooks["request"], limit]}
        return made

    set_client_factory(client)


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an error goes back to."""
    while error is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error.response.status_code if error is not None else None


def _chain(error: BaseException | None) -> str:
    """What an error says, and what caused it."""
    said = []
    while error is not None:
        said.append(f"{type(error).__name__}: {first_line(error)}")
        error = error.__cause__
    return "; ".join(said)


def first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).split("\n") if line.strip()), "no details")
