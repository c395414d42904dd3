"""``pairs.parquet`` (a row for each pair in each wording) and ``images.parquet`` (each picture once): what hidden
states are collected from, here or elsewhere."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builders.errors import InputError
from builders.hub.files import replacing, sha256_of
from recipes.probe.pairs import Pair

PAIRS = "pairs.parquet"
IMAGES = "images.parquet"
_KEY = b"vantage.pairs"
_SCHEMA = pa.schema([(f.name, pa.string()) for f in fields(Pair)])


@dataclass(frozen=True)
class PairFile:
    """A ``pairs.parquet``."""

    path: Path
    pairs: list[Pair]
    about: dict[str, Any]
    """``dataset`` (as results.json names it), ``settings`` and ``left_out`` (reason -> rows)."""

    @property
    def sha256(self) -> str:
        return sha256_of(self.path)

    def pictures(self, image_ids: set[str]) -> dict[str, bytes]:
        """image_id -> encoded picture, of these.

        Raises:
            InputError: no images.parquet beside, or not these pictures.
        """
        path = self.path.with_name(IMAGES)
        try:
            table = pq.read_table(path, filters=[("image_id", "in", sorted(image_ids))])
            found = {row["image_id"]: row["image"]["bytes"] for row in table.to_pylist()}
        except (OSError, pa.ArrowException, KeyError) as error:
            raise InputError(f"{path}: cannot be read ({error}); run `probing.py pairs` again") from error
        if absent := image_ids - found.keys():
            raise InputError(f"{path}: lacks picture {min(absent)}; run `probing.py pairs` again")
        return found


def write_pairs(folder: Path, pairs: Sequence[Pair], images: dict[str, bytes], about: dict[str, Any]) -> None:
    """Write both files; the pairs last."""
    used = dict.fromkeys(pair.image_id for pair in pairs)
    pictures = [{"image_id": image_id, "image": {"bytes": images[image_id], "path": None}} for image_id in used]
    with replacing(folder / IMAGES) as temporary:
        pq.write_table(pa.Table.from_pylist(pictures), temporary, row_group_size=64)
    save_pairs(folder / PAIRS, pairs, about)


def save_pairs(path: Path, pairs: Sequence[Pair], about: dict[str, Any]) -> None:
    """Write a pairs.parquet without pictures."""
    table = pa.Table.from_pylist([asdict(pair) for pair in pairs], schema=_SCHEMA)
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata({_KEY: json.dumps(about, sort_keys=True)}), temporary)


def read_pairs(place: Path) -> PairFile:
    """The pairs of a file, or of a folder that holds one.

    Raises:
        InputError: none there, or not of this form.
    """
    path = place / PAIRS if place.is_dir() else place
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `probing.py pairs --dataset DIR --out {path.parent}`")
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[_KEY])
        return PairFile(path, [Pair(**row) for row in table.to_pylist()], about)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not readable as pairs ({error}); run `probing.py pairs` again") from error
