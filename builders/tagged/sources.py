"""Where a published benchmark comes from: ``hub[=REPO[@REVISION]]`` or ``file=PATH``."""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from builders.errors import InputError
from builders.tagged.files import ParquetRows, RowFile, open_rows


@dataclass(frozen=True)
class Published:
    """A benchmark on the Hub."""

    name: str
    """As the licence guard knows its pictures."""
    repo: str
    patterns: tuple[str, ...]
    """Files of the repository that may hold it; Parquet is taken before JSON."""
    licence: str
    """One sentence for the dataset card."""


@dataclass(frozen=True)
class Opened:
    """A benchmark at hand."""

    rows: RowFile
    said: dict[str, str]
    """For the manifest: repository and commit, or the file's name."""


def open_published(spec: str, published: Published) -> Opened:
    """Open a source; from the Hub it is downloaded into the cache of ``huggingface_hub``, once.

    Raises:
        InputError: an unknown form, a file that cannot be read, or a repository that cannot be reached.
    """
    form, separator, where = spec.partition("=")
    if form == "file" and where:
        path = Path(where).expanduser()
        return Opened(open_rows(path), {"file": path.name})
    if form != "hub" or (separator and not where):
        raise InputError(f"--source {spec}: expected hub, hub=REPO, hub=REPO@REVISION or file=PATH")
    repo, _, revision = where.partition("@")
    repo = repo or published.repo
    folder = _downloaded(repo, revision or None, published.patterns)
    # the cache may hold more of the repository than was asked for now
    found = sorted(path for path in folder.rglob("*") if path.is_file() and any(
        fnmatch(path.relative_to(folder).as_posix(), pattern) for pattern in published.patterns))
    if not found:
        raise InputError(f"{repo}: holds none of {', '.join(published.patterns)}; download the benchmark's file and "
                         "give it with --source file=PATH")
    shards = [path for path in found if path.suffix == ".parquet"]
    rows = ParquetRows(shards) if shards else open_rows(found[0])
    return Opened(rows, {"repo": repo, "revision": revision or "main", "commit": folder.name})


def _downloaded(repo: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    """The snapshot folder; its name is the commit."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(repo, repo_type="dataset", revision=revision, allow_patterns=list(patterns)))
    except HFValidationError as error:
        raise InputError(f"{repo}: not a repository's name ({_first_line(error)})") from error
    except Exception as error:
        # the client wraps what its HTTP library raises only in part: whatever went wrong, the way out is the same
        raise InputError(f"{repo}{f'@{revision}' if revision else ''}: cannot be downloaded from the Hub "
                         f"({type(error).__name__}: {_first_line(error)}); check name, revision and connection, or "
                         "give a downloaded file with --source file=PATH") from error


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).split("\n") if line.strip()), "no details")
