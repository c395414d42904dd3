"""What a Hub holds: repositories with commits, branches, tags and stored objects. In memory, without HTTP."""

import hashlib
import threading
from dataclasses import dataclass, field, replace

REGULAR_LIMIT = 10_000_000
LFS_SUFFIXES = (".parquet", ".png", ".jpg", ".jpeg", ".arrow", ".bin", ".zip")


class HubError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, message: str, code: str = ""):
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Blob:
    """One file of a commit."""

    data: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """Git's name of the blob; of an LFS file, that of its pointer."""
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n"
        held = text.encode() if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(held) + held).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass(frozen=True)
class Commit:
    oid: str
    title: str
    message: str
    parent: str | None
    files: dict[str, Blob]


@dataclass
class Repo:
    """``kind`` is ``datasets`` or ``spaces``."""

    kind: str
    id: str
    private: bool = False
    gated: str | bool = False
    """``auto`` or ``manual``: readers are asked first."""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """sha256 -> bytes that have been uploaded and found to be what their name says."""
    uploads: dict[str, bytes] = field(default_factory=dict)
    """sha256 as told -> bytes that have arrived and are not verified yet."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if self.branches:
            return
        self.branches["main"] = self._add("initial commit", "", None, {".gitattributes": Blob(b"*.parquet lfs\n")})

    def _add(self, title: str, message: str, parent: str | None, files: dict[str, Blob]) -> str:
        said = f"{len(self.commits)} {parent} {title} " + " ".join(f"{p}:{b.oid}" for p, b in sorted(files.items()))
        oid = hashlib.sha1(said.encode()).hexdigest()
        self.commits[oid] = Commit(oid, title, message, parent, files)
        return oid

    def copy(self) -> "Repo":
        """The same state, to be changed apart."""
        return replace(self, commits=dict(self.commits), branches=dict(self.branches), tags=dict(self.tags),
                       objects=dict(self.objects), uploads=dict(self.uploads), lock=threading.RLock())

    def at(self, revision: str) -> Commit:
        """The commit of a branch, a tag or a commit id."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def verify_upload(self, oid: str, size: int) -> None:
        with self.lock:
            data = self.uploads.pop(oid, self.objects.get(oid))  # another client may have verified it already
            if data is None or len(data) != size or hashlib.sha256(data).hexdigest() != oid:
                raise HubError(422, f"object {oid} was not uploaded whole")
            self.objects[oid] = data

    def commit(self, branch: str, parent: str | None, title: str, message: str, changes: list[tuple[str, dict]]) -> str:
        """All changes or none.

        Args:
            parent: the head that the client has seen; None does not ask.
            changes: (kind, value) as the client sends them, ``content`` as bytes.
        """
        with self.lock:
            head = self.branches.get(branch)
            if head is None:
                raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
            if parent is not None and parent != head:
                raise HubError(412, "A commit has happened since. Please refresh and try again.")
            files = dict(self.commits[head].files)
            for kind, value in changes:
                path = value["path"]
                if kind == "file":
                    files[path] = Blob(value["content"])
                elif kind == "lfsFile":
                    data = self.objects.get(value["oid"])
                    if data is None or len(data) != value["size"]:
                        raise HubError(400, f"LFS pointer of {path} points to an object that is not stored")
                    files[path] = Blob(data, lfs=True)
                elif kind == "deletedFile":
                    if files.pop(path, None) is None:
                        raise HubError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
                else:
                    raise HubError(400, f"unknown operation {kind}")
            self.branches[branch] = self._add(title, message, head, files)
            return self.branches[branch]

    def tag(self, name: str, revision: str) -> None:
        with self.lock:
            if name in self.tags:
                raise HubError(409, f"Tag reference exists already: {name}")
            self.tags[name] = self.at(revision).oid

    def branch(self, name: str, revision: str) -> None:
        with self.lock:
            if name in self.branches:
                raise HubError(409, f"Reference already exists: {name}")
            self.branches[name] = self.at(revision).oid

    def history(self, revision: str) -> list[Commit]:
        """Newest first."""
        found, oid = [], self.at(revision).oid
        while oid is not None:
            found.append(self.commits[oid])
            oid = self.commits[oid].parent
        return found


def upload_mode(path: str, size: int) -> str:
    return "lfs" if path.endswith(LFS_SUFFIXES) or size > REGULAR_LIMIT else "regular"
