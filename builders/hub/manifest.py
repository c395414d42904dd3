"""``manifest.json``: what a folder holds and what it was made from, written last, so that its presence means whole."""

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from builders.errors import InputError
from builders.hub.dataset import HubBuilder
from builders.hub.files import replacing, sha256_of
from builders.hub.parts import PartOutcome, part_path, read_report
from builders.hub.shards import WrittenSplit

SCHEMA_VERSION = 1

_LIBRARIES = ("numpy", "scipy", "shapely", "pillow", "pyarrow", "datasets", "open3d-cpu", "open3d", "bpy")


def make_manifest(
    builder: HubBuilder, outcomes: Sequence[PartOutcome], splits: Sequence[WrittenSplit], folder: Path, parts: Path
) -> dict[str, Any]:
    """The manifest of a finished folder; its content depends on the spec and the inputs alone, not on time or place."""
    scenes = []
    rejected: dict[str, Counter[str]] = {}
    made: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        if not outcome.quarantined:
            report = read_report(part_path(parts, outcome.ref))
            scenes.append({"source": outcome.ref.source, "scene_id": outcome.ref.scene_id, "candidates": outcome.rows}
                          | report)
            for task, reasons in report["rejected"].items():
                rejected.setdefault(task, Counter()).update(reasons)
            for task, formats in report["made"].items():
                made.setdefault(task, Counter()).update(formats)
    files = {
        path: {"sha256": sha256_of(folder / path), "bytes": (folder / path).stat().st_size, "rows": rows}
        for split in splits
        for path, rows in split.files.items()
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset": builder.name,
        "version": str(builder.VERSION),
        "settings": builder.settings(),
        "licences": builder.licences(),
        "rows": {f"{s.config}/{s.split}": sum(s.files.values()) for s in splits},
        "files": files,
        "images": {
            f"{s.config}/{s.split}": {
                "references": s.images.references,
                "plain_bytes": s.images.plain,
                "unique_bytes": s.images.unique,
                "stored_bytes": sum(files[path]["bytes"] for path in s.files),
            }
            for s in splits
        },
        "answers": {f"{s.config}/{s.split}": _nested(s.answers) for s in splits if s.answers},
        "made": {task: dict(sorted(formats.items())) for task, formats in sorted(made.items())},
        "rejected": {task: dict(sorted(reasons.items())) for task, reasons in sorted(rejected.items())},
        "scenes": scenes,
        "quarantined": [
            {"source": o.ref.source, "scene_id": o.ref.scene_id, "reason": o.quarantined}
            for o in outcomes
            if o.quarantined
        ],
        "environment": {"python": platform.python_version(), "platform": platform.machine()} | versions_of(_LIBRARIES),
    }


def _nested(counts: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Counts by (a, b, ...) as dictionaries within dictionaries, keys in order."""
    result: dict[str, Any] = {}
    for key, count in sorted(counts.items()):
        inner = result
        for name in key[:-1]:
            inner = inner.setdefault(name, {})
        inner[key[-1]] = count
    return result


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    with replacing(folder / "manifest.json") as temporary, temporary.open("w") as file:
        json.dump(manifest, file, indent=1, allow_nan=False)  # the text of thousands of scenes is long
        file.write("\n")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder.

    Raises:
        InputError: there is none (the folder is not ours, or its build has not finished), or it is of another schema.
    """
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{folder}: no manifest.json; not a finished Vantage dataset (run the build again)") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); delete it and run the build again") from error
    if not isinstance(manifest, dict) or manifest.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path}: expected schema_version {SCHEMA_VERSION}")
    if not _has_its_parts(manifest):
        raise InputError(f"{path}: damaged: dataset, version, rows or files are not what a build writes; build again")
    return manifest


def _has_its_parts(manifest: Mapping[str, Any]) -> bool:
    """Whether what every reader goes by is there, in its form; copies come from anywhere."""
    rows, files, card = (manifest.get(name) for name in ("rows", "files", "card"))
    return (all(isinstance(manifest.get(name), str) for name in ("dataset", "version"))
            and isinstance(rows, dict) and all(isinstance(count, int) for count in rows.values())
            and isinstance(files, dict) and all(map(_is_entry, files.values()))
            and (card is None or (isinstance(card, dict) and all(map(_is_entry, card.values())))))


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("sha256"), str) and isinstance(entry.get("bytes"), int)


def file_problems(folder: Path, manifest: Mapping[str, Any], progress: bool = False) -> list[str]:
    """Files that are missing, differ from the manifest or are not in it, one line each."""
    problems = []
    listed = {**manifest["files"], **manifest.get("card", {})}
    for name, entry in tqdm(listed.items(), desc="checksums", unit="file", disable=not progress):
        path = folder / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif path.stat().st_size != entry["bytes"] or sha256_of(path) != entry["sha256"]:
            problems.append(f"{name}: differs from its sha256 in the manifest")
    configs = {name.split("/")[0] for name in manifest["rows"]}
    found = {f"{config}/{path.name}" for config in configs for path in (folder / config).glob("*.parquet")}
    return problems + [f"{name}: not in the manifest" for name in sorted(found - set(manifest["files"]))]


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Library -> its version, of those that are installed."""
    found = {}
    for library in libraries:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
