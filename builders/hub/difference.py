"""How the rows of a folder differ from published ones: columns, rows added, removed and changed.

Pictures count by their bytes, except where both manifests give the same render spec for them: a picture made again by a
denoising renderer may differ by 2 levels and is the same picture. They are compared where nothing else differs.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.hub.parquet import picture_columns

KEYS = (("uid",), ("question_id",), ("index",), ("idx",), ("source", "scene_id", "frame_id"),
        ("source", "scene_id", "object_id"))
"""What names a row; the first of these whose columns a table has."""

_SOURCES = ("source", "data_source")
"""Columns that say where a scene comes from."""
_BATCH = 256
Row = dict[str, Any]
Name = tuple[Any, ...]


@dataclass(frozen=True)
class Version:
    """A whole version, in a folder or on the Hub."""

    manifest: Mapping[str, Any]
    opened: Callable[[str], AbstractContextManager[Any]]
    """Path of a shard -> the file, to be read by ``pyarrow.parquet``."""

    @classmethod
    def in_folder(cls, folder: Path, manifest: Mapping[str, Any]) -> "Version":
        return cls(manifest, lambda name: (folder / name).open("rb"))

    def shards(self, split: str) -> list[str]:
        return [name for name in self.manifest["files"] if name.startswith(f"{split}-")]

    def render_spec(self, config: str, row: Row) -> str | None:
        """Hash of all that the pictures of a row depend on, where the manifest has it: by source and scene, or, where
        scenes are of no source, by config and scene."""
        known: Mapping[str, str] = self.manifest.get("render_spec", {})
        places = [row[name] for name in _SOURCES if name in row] or [config]
        return next((known[name] for place in places if (name := f"{place}/{row.get('scene_id')}") in known), None)


def row_differences(old: Version, new: Version) -> list[str]:
    """A line for each config and split that differs; none if all rows are equal."""
    lines = []
    for split in sorted({*old.manifest["rows"], *new.manifest["rows"]}):
        before, after = old.shards(split), new.shards(split)
        if not (before and after):
            rows = (new if after else old).manifest["rows"][split]
            lines.append(f"{split}: {'added' if after else 'removed'} ({rows} rows)")
        elif _checksums(old, before) != _checksums(new, after):
            lines += _split_differences(old, new, split)
    return lines


def _checksums(version: Version, names: list[str]) -> list[str]:
    return [version.manifest["files"][name]["sha256"] for name in names]


def _split_differences(old: Version, new: Version, split: str) -> list[str]:
    before, after = (_schema(version, version.shards(split)[0]) for version in (old, new))
    if not before.equals(after):
        return [f"{split}: {_schema_difference(before, after)}"]
    pictures = picture_columns(after)
    plain = [name for name in after.names if name not in pictures]
    found = _difference(dict(_rows(old, split, plain)), dict(_rows(new, split, plain)))
    if not found and pictures:
        found = _difference(*(dict(_pictures(version, split, pictures)) for version in (old, new)))
    return [f"{split}: {found}"] if found else []


def _schema(version: Version, name: str) -> pa.Schema:
    with version.opened(name) as file:
        return pq.read_schema(file)


def _schema_difference(before: pa.Schema, after: pa.Schema) -> str:
    said = [
        ("columns added", [name for name in after.names if name not in before.names]),
        ("columns removed", [name for name in before.names if name not in after.names]),
        ("columns of another type", [name for name in after.names if name in before.names
                                     and not before.field(name).equals(after.field(name))]),
    ]
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in said if names) or "columns in another order"


def _difference(before: Mapping[Name, Row], after: Mapping[Name, Row]) -> str:
    """Counts, and how often each column differs among the changed rows."""
    columns: Counter[str] = Counter()
    changed = 0
    for key in before.keys() & after.keys():
        names = [name for name, value in after[key].items() if not _same(before[key][name], value)]
        changed += bool(names)
        columns.update(names)
    said = [(len(after.keys() - before.keys()), "added"), (len(before.keys() - after.keys()), "removed")]
    parts = [f"{count} rows {what}" for count, what in said if count]
    if changed:
        parts.append(f"{changed} rows changed ({', '.join(f'{name} in {n}' for name, n in columns.most_common())})")
    return ", ".join(parts)


def _same(a: Any, b: Any) -> bool:
    """Equality in which NaN equals itself."""
    return a == b or json.dumps(a, default=str) == json.dumps(b, default=str)


def _rows(version: Version, split: str, columns: list[str]) -> Iterator[tuple[Name, Row]]:
    """(name, row) without pictures."""
    for name, batch, number in _named(version, split, columns):
        yield name, batch.slice(number, 1).to_pylist()[0]


def _pictures(version: Version, split: str, pictures: list[str]) -> Iterator[tuple[Name, Row]]:
    """(name, what the pictures depend on, or else what they are)."""
    config = split.partition("/")[0]
    naming = {column for names in KEYS for column in names} | set(_SOURCES)
    columns = [name for name in _schema(version, version.shards(split)[0]).names if name in naming or name in pictures]
    for name, batch, number in _named(version, split, columns):
        row = {column: batch[column][number].as_py() for column in columns if column not in pictures}
        spec = version.render_spec(config, row)
        yield name, {"pictures": spec or [_digest(batch[column].slice(number, 1)) for column in pictures]}


def _named(version: Version, split: str, columns: list[str]) -> Iterator[tuple[Name, pa.RecordBatch, int]]:
    """(name, batch, number in the batch) of each row; equal names are told apart by their order."""
    seen: Counter[Name] = Counter()
    key = next((list(names) for names in KEYS if set(names) <= set(columns)), [])
    for shard in version.shards(split):
        with version.opened(shard) as file:
            for batch in pq.ParquetFile(file).iter_batches(_BATCH, columns=columns):
                for number, row in enumerate(batch.select(key).to_pylist() if key else [{}] * len(batch)):
                    name = tuple(row.values())
                    seen[name] += 1
                    yield (*name, seen[name]), batch, number


def _digest(values: pa.Array) -> str:
    """Of one row's images or maps."""
    while pa.types.is_list(values.type):
        values = values.flatten()
    held = repr(values.to_pylist()).encode() if pa.types.is_struct(values.type) else values.to_numpy().tobytes()
    return hashlib.sha256(held).hexdigest()
