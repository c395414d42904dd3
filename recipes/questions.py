"""The questions of a split, of one config or several, from a Hub folder or a Hub repository.

Files are read directly, as the manifest lists them: the cache of ``datasets`` could serve rows of an earlier build that
had the same version. Pictures are read only where they are asked for.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from builders.errors import InputError
from builders.hub.files import sha256_of
from builders.hub.manifest import read_manifest
from builders.spar.frame_tables import WITHOUT_QUESTIONS

Row = dict[str, Any]

EncodedViews = list[bytes | None]
"""The pictures of a row as JPEG or PNG bytes; None where the row refers to a picture it does not hold."""


@dataclass(frozen=True)
class Questions:
    """Rows without pictures, and where they come from."""

    repo: str
    """The folder or repository as the user named it."""
    revision: str | None
    """Commit of a repository; None for a folder, which ``manifest_sha256`` identifies."""
    manifest_sha256: str
    manifest: dict[str, Any]
    config: str
    """``default``, the configs that were asked for with commas between them, or ``all``."""
    split: str
    files: tuple[Path, ...]
    rows: list[Row]

    def scored(self, limit: int = 0) -> list[int]:
        """Positions of the first ``limit`` rows (0: all) that a metric scores; sentences are not."""
        return [position for position, row in enumerate(self.rows) if row["metric"]][: limit or None]

    def views(self, positions: Collection[int]) -> Iterator[tuple[int, EncodedViews]]:
        """(position, pictures) for these rows, in row order; one row group is in memory at a time."""
        wanted = set(positions)
        first = 0
        for path in self.files:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    count = file.metadata.row_group(group).num_rows
                    here = [p for p in range(first, first + count) if p in wanted]
                    if here:
                        column = file.read_row_group(group, columns=["image"])["image"]
                        for position in here:
                            held = column[position - first].as_py()
                            views = held if isinstance(held, list) else [held]
                            yield position, [view and view["bytes"] for view in views]
                    first += count


def open_questions(
    dataset: str, revision: str | None = None, config: str | Sequence[str] = (), split: str = "test"
) -> Questions:
    """Read the questions of ``dataset``, a folder made by ``scripts/build.py`` or the repository it was pushed to.

    Args:
        config: one or several; none: ``default`` where the dataset has it, else all that hold questions.

    Raises:
        InputError: no such folder, repository, revision, config or split; or not a Vantage dataset.
    """
    held = locate(dataset, revision, config, split)
    rows: list[Row] = []
    for path in held.files:
        try:
            columns = [name for name in pq.read_schema(path).names if name != "image"]
            rows += pq.read_table(path, columns=columns).to_pylist()
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error}); build or download the dataset again") from error
    return Questions(dataset, held.commit, held.manifest_sha256, held.manifest, held.config, split, held.files, rows)


class Located(NamedTuple):
    """The files of a split, and what they belong to; fields as those of ``Questions``."""

    commit: str | None
    manifest_sha256: str
    manifest: dict[str, Any]
    config: str
    configs: tuple[str, ...]
    files: tuple[Path, ...]


def locate(dataset: str, revision: str | None = None, config: str | Sequence[str] = (), split: str = "test") -> Located:
    """The Parquet files that hold the questions; arguments and errors as those of ``open_questions``."""
    asked = [config] if isinstance(config, str) else list(dict.fromkeys(config))
    folder, commit = _located(dataset, revision, ["manifest.json"])
    manifest = read_manifest(folder)
    held = [name for name, _, part in (key.rpartition("/") for key in manifest["rows"]) if part == split]
    configs = asked or (["default"] if "default" in held else [name for name in held if name not in WITHOUT_QUESTIONS])
    if absent := [f"{name}/{split}" for name in configs or ["any"] if name not in held]:
        raise InputError(f"{dataset}: no split {absent[0]}; there are: {', '.join(manifest['rows'])}")
    names = [name for c in configs for name in manifest["files"] if name.startswith(f"{c}/{split}-")]
    if commit:
        folder, _ = _located(dataset, commit, ["manifest.json", *names])
    label = ",".join(configs) if asked or configs == ["default"] else "all"
    return Located(commit, sha256_of(folder / "manifest.json"), manifest, label, tuple(configs),
                   tuple(folder / name for name in names))


def open_manifest(dataset: str, revision: str | None = None) -> dict[str, Any]:
    """The manifest of a folder or repository.

    Raises:
        InputError: no such folder, repository or revision; or not a Vantage dataset.
    """
    return read_manifest(_located(dataset, revision, ["manifest.json"])[0])


def manifest_sha256(dataset: str, revision: str | None = None) -> str:
    """Hash of the manifest of a folder or repository: what identifies a dataset's content.

    Raises:
        InputError: no such folder, repository or revision.
    """
    folder, _ = _located(dataset, revision, ["manifest.json"])
    read_manifest(folder)
    return sha256_of(folder / "manifest.json")


def identify(dataset: str, revision: str | None = None) -> tuple[bool, str | None]:
    """Whether a folder or repository is one that ``scripts/build.py`` has made (it has a manifest), and its commit;
    None for a folder or file.

    Raises:
        InputError: no such folder, file or repository.
    """
    if Path(dataset).is_file():
        return False, None
    folder, commit = _located(dataset, revision, ["manifest.json"])
    return (folder / "manifest.json").is_file(), commit


def require_spar(questions: Questions) -> None:
    """Raise ``InputError`` unless the questions are of SPAR-Bench or SPAR-7M."""
    if questions.manifest["dataset"] == "spar_3d":
        raise InputError(f"{questions.repo}: holds spar_3d, not SPAR-Bench or SPAR-7M; see recipes/grounding.py and "
                         "recipes/bev.py")
    if questions.rows and "metric" not in questions.rows[0]:
        raise InputError(f"{questions.repo}: holds {questions.manifest['dataset']}, not SPAR-Bench or SPAR-7M; see "
                         "recipes/spatial_tunnel.py and recipes/shortcut_splits.py")


def open_spar_3d(
    dataset: str, revision: str | None, configs: Sequence[str], split: str, known: Sequence[str]
) -> Questions:
    """The questions of spar_3d in some of its configs.

    Args:
        configs: those asked for; none: all of ``known`` that the split has.
        known: those that the recipe can score.

    Raises:
        InputError: another dataset, or nothing to ask in these configs.
    """
    if wrong := [name for name in configs if name not in known]:
        raise InputError(f"--config {wrong[0]}: expected {' or '.join(known)}")
    manifest = open_manifest(dataset, revision)
    if manifest["dataset"] != "spar_3d":
        raise InputError(f"{dataset}: holds {manifest['dataset']}, not spar_3d")
    held = [name for name in known if f"{name}/{split}" in manifest["rows"]]
    if not configs and not held:
        raise InputError(f"{dataset}: no {' or '.join(known)} in split {split}; there are: "
                         f"{', '.join(manifest['rows'])}")
    return open_questions(dataset, revision, configs or held, split)


def _located(dataset: str, revision: str | None, files: list[str]) -> tuple[Path, str | None]:
    """The folder that holds these files, and the commit if they come from the Hub."""
    if Path(dataset).is_dir():
        if revision:
            raise InputError(f"--revision {revision}: {dataset} is a folder; revisions are those of a Hub repository")
        return Path(dataset), None
    if dataset.count("/") != 1 or dataset.startswith((".", "/")):
        raise InputError(f"{dataset}: no such folder; build it with scripts/build.py, or name a repository as ORG/NAME")
    try:
        snapshot = snapshot_download(dataset, repo_type="dataset", revision=revision, allow_patterns=files)
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        what = f"{dataset}{'@' + revision if revision else ''}"
        raise InputError(f"{what}: no such folder, and the Hub did not give it ({_first_line(error)})") from error
    return Path(snapshot), Path(snapshot).name


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
